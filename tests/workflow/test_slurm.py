"""`snakemake --cores 32 --profile slurm`, as it is typed, on a real Slurm: direct spectra to the report."""

from __future__ import annotations

import re

import pytest
import yaml
from fault_runs import CHUNKS, ENVIRONMENT, LIMIT, Run, compare, new_run, on_slurm, run_after, verify

COMMAND = ("--cores", "32", "--profile", "slurm")
# What runs where Snakemake does, and is no job.
LOCAL = {"prepare_engine", "summarize", "all"}


def submitted(said: str) -> list[str]:
    """The numbers of the jobs that Snakemake handed to Slurm."""
    return re.findall(r"submitted with SLURM jobid (\d+)", said)


@pytest.fixture
def typed(tmp_path) -> Run:
    """The tiny run as what `config/config.yaml` says, so that the command needs no option."""
    run = new_run(tmp_path / "project")
    (run.folder / "test.yaml").rename(run.folder / "config" / "config.yaml")
    on_slurm(run)
    return run


@pytest.mark.slow
@pytest.mark.slurm
def test_the_command_as_typed(typed, undisturbed, cluster):
    result = typed.snakemake(*COMMAND, timeout=2 * LIMIT, environment={**ENVIRONMENT, **cluster.environment})
    assert result.returncode == 0, result.stdout
    numbers = submitted(result.stdout)
    jobs = [job for job in cluster.jobs() if job.number in numbers]
    assert len(jobs) == len(numbers)
    assert {job.state for job in jobs} == {"COMPLETED"}
    rules = [job.comment.removeprefix("rule_").partition("_wildcards")[0] for job in jobs]
    assert rules.count("synthesize") == len(CHUNKS)
    assert {"sample", "observe", "train", "encode", "evaluate", "report", "manifest"} <= set(rules)
    assert not LOCAL & set(rules)
    train = jobs[rules.index("train")]
    assert (train.partition, train.gres, train.memory) == ("gpu", "gres:gpu:1", "16000M")
    assert {job.partition for job in jobs if job is not train} == {"cpu"}
    # Slurm or not, the same stars to the last bit.
    assert str(compare(typed, undisturbed)) == "nothing"
    assert (typed.path("results/report.html")).stat().st_size > 10_000
    assert verify(typed) == 0
    assert "Nothing to be done" in typed.snakemake("--dry-run", *COMMAND, environment=cluster.environment).stdout


@pytest.mark.slow
@pytest.mark.slurm
def test_a_job_that_cannot_succeed_is_tried_three_times(undisturbed, tmp_path, cluster):
    """By Snakemake where the command was typed, and not again by the one in each job."""
    run = run_after(undisturbed, tmp_path / "project", "observe")
    path = run.path("test.yaml")
    settings = yaml.safe_load(path.read_text())
    settings["train"]["max_learning_rate"] = 1e18
    path.write_text(yaml.safe_dump(settings))
    on_slurm(run)
    result = run.snakemake(*COMMAND, "--configfile", "test.yaml", timeout=LIMIT, environment=cluster.environment)
    assert result.returncode != 0
    assert "the loss is not finite" in result.stdout
    logs = sorted(run.folder.glob(".snakemake/slurm_logs/rule_train/**/*.log"))
    assert len(logs) == 3
    assert not any("Trying to restart" in path.read_text() for path in logs)


@pytest.mark.slurm
def test_a_partition_that_is_not_there_is_refused_at_once(typed, cluster):
    profile = typed.path("slurm/config.yaml")
    profile.write_text(profile.read_text().replace("slurm_partition: gpu", "slurm_partition: gpus"))
    result = typed.snakemake(*COMMAND, timeout=LIMIT, environment=cluster.environment)
    assert result.returncode != 0
    assert "train: slurm_partition: no gpus here (there are cpu, gpu); edit the profile" in result.stdout
    assert not submitted(result.stdout)
