"""Jobs cancelled, over their memory, over their time, killed and requeued: one run on a real Slurm with all of it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from fault_runs import (
    CHUNKS,
    ENVIRONMENT,
    LIMIT,
    MODEL,
    TABLE,
    WEIGHTS,
    Run,
    attempt,
    children,
    name_of,
    on_slurm,
    processes,
    run_after,
    wait_for,
)
from slurm_cluster import Cluster, Job

pytestmark = [pytest.mark.slow, pytest.mark.slurm]

# Which chunk has which fault, at this try.
CANCELLED, TOO_LARGE, TOO_SLOW = ((k + attempt()) % len(CHUNKS) for k in range(3))
EPOCHS_BEFORE_KILL, EPOCHS_BEFORE_REQUEUE = 20 + attempt() % 3 * 10, 70 + attempt() % 3 * 10


@dataclass
class Disturbed:
    """A run on Slurm that met every fault of these tests."""

    run: Run
    said: str
    jobs: list[Job]

    def of(self, comment: str) -> list[Job]:
        """The jobs of a rule and its wildcards, in their order."""
        return [job for job in self.jobs if job.comment == comment]


def adapt(run: Run) -> None:
    """The profile as somebody may write it for a small cluster: too little memory and time for two first tries."""
    synthesize = {
        "mem_mb": f"200 if attempt == 1 and wildcards.chunk == '{TOO_LARGE}' else 2000 * attempt",
        "runtime": f"1 if attempt == 1 and wildcards.chunk == '{TOO_SLOW}' else 10 * attempt",
    }
    on_slurm(run, {"set-resources": {"synthesize": synthesize}, "slurm-init-seconds-before-status-checks": 5})


def stage_process(run: Run, *words: str) -> list[int]:
    """The processes of a stage in this run's folder."""
    return [
        pid
        for pid in processes("halochem", "--config results/config.yaml", *words)
        if name_of(pid) == "halochem" and os.readlink(f"/proc/{pid}/cwd") == str(run.folder)
    ]


def running(cluster: Cluster, comment: str) -> list[Job]:
    return [job for job in cluster.jobs() if job.comment == comment and job.state == "RUNNING"]


def epochs(run: Run) -> int:
    history = run.path(f"{MODEL}/history.csv")
    return history.read_text().count("\n") if history.is_file() else 0


def disturb(run: Run, cluster: Cluster, ended: Callable[[], bool]) -> None:
    """Inject the faults that Slurm's limits do not, each at its moment."""

    def wait(condition: Callable[[], object], what: str) -> None:
        wait_for(lambda: condition() or ended(), what, LIMIT, every=0.05)
        assert not ended(), f"the run ended before {what}"

    slow = f"--chunk {TOO_SLOW} "
    wait(lambda: stage_process(run, "synthesize", slow), "the chunk that is to be slow")
    for pid in stage_process(run, "synthesize", slow):
        for each in (pid, *children(pid)):
            os.kill(each, signal.SIGSTOP)
    cancelled = f"rule_synthesize_wildcards_3_{CANCELLED}"
    wait(lambda: stage_process(run, "synthesize", f"--chunk {CANCELLED} "), "the chunk that is to be cancelled")
    cluster.run("scancel", running(cluster, cancelled)[0].number)
    train = "rule_train_wildcards_3"
    wait(lambda: epochs(run) > EPOCHS_BEFORE_KILL, "some epochs")
    for pid in stage_process(run, "train"):
        os.kill(pid, signal.SIGKILL)
    wait(lambda: "going on from" in run.log("train/halo-3.log") and epochs(run) > EPOCHS_BEFORE_REQUEUE, "more epochs")
    number = running(cluster, train)[0].number
    cluster.run("scontrol", "requeue", number)
    wait(lambda: any(job.number == number and job.state == "PENDING" for job in cluster.jobs()), "the requeued job")
    cluster.run("scontrol", "update", f"JobId={number}", "StartTime=now")


@pytest.fixture(scope="module")
def disturbed(undisturbed, cluster, tmp_path_factory) -> Disturbed:
    """One run, all faults."""
    run = run_after(undisturbed, tmp_path_factory.mktemp("slurm") / "project", "sample")
    adapt(run)
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--cores",
        "32",
        "--profile",
        "slurm",
        "--configfile",
        "test.yaml",
        TABLE,
    ]
    log = run.path("said")
    with log.open("w") as said:
        process = run.start(["timeout", "-k", "5", str(LIMIT), *command], {**ENVIRONMENT, **cluster.environment}, said)
        try:
            disturb(run, cluster, lambda: process.poll() is not None)
            process.wait(LIMIT)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
    result = Disturbed(run, log.read_text(), cluster.jobs())
    assert process.returncode == 0, result.said
    return result


def states(jobs: list[Job]) -> list[str]:
    return [job.state for job in jobs]


def test_chunk_job_cancelled(faults, disturbed):
    faults.describe("a chunk's job cancelled", "`scancel` while it computes")
    jobs = disturbed.of(f"rule_synthesize_wildcards_3_{CANCELLED}")
    assert states(jobs) == ["CANCELLED", "COMPLETED"]
    faults.nothing_is_lost(disturbed.run)


def test_chunk_job_over_its_memory(faults, disturbed):
    faults.describe("a chunk's job over its memory", "200 MB for it; the next try has 4 GB")
    jobs = disturbed.of(f"rule_synthesize_wildcards_3_{TOO_LARGE}")
    assert states(jobs)[-1] == "COMPLETED"
    assert len(jobs) == 2
    assert jobs[0].state in ("FAILED", "OUT_OF_MEMORY", "CANCELLED")
    assert [job.memory for job in jobs] == ["200M", "4000M"]
    faults.nothing_is_lost(disturbed.run)


def test_chunk_job_over_its_time(faults, disturbed):
    faults.describe("a chunk's job over its time", "a minute for it, and STOP to its processes; the next try has 20")
    jobs = disturbed.of(f"rule_synthesize_wildcards_3_{TOO_SLOW}")
    assert states(jobs) == ["TIMEOUT", "COMPLETED"]
    assert [job.minutes for job in jobs] == ["1:00", "20:00"]
    faults.nothing_is_lost(disturbed.run)


def test_training_job_killed_and_requeued(faults, disturbed, undisturbed):
    faults.describe(
        "the training killed, and its job requeued", "KILL to it; then, in the next try, `scontrol requeue`"
    )
    jobs = disturbed.of("rule_train_wildcards_3")
    # The try after the kill may be in the same job: `disturb` has seen that it went on from a checkpoint.
    assert states(jobs)[-1] == "COMPLETED"
    assert jobs[-1].restarts == "1"
    assert all(job.gres == "gres:gpu:1" and job.partition == "gpu" for job in jobs)
    assert "going on from epoch" in disturbed.run.log("train/halo-3.log")
    assert disturbed.run.path(WEIGHTS).read_bytes() == undisturbed.path(WEIGHTS).read_bytes()
    faults.nothing_is_lost(disturbed.run)
