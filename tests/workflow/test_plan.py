"""What Snakemake plans, from dry runs of the real workflow."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from halochem import files
from halochem.config import load

ROOT = Path(__file__).resolve().parents[2]
RULES = {"prepare_engine", "sample", "synthesize", "observe", "train", "encode"}
RULES |= {"limits", "peers", "anomalies", "evaluate", "summarize", "report", "manifest", "all"}


def test_published_configuration_is_planned_in_chunks(project):
    start = time.monotonic()
    jobs = project.planned("--cores", "32")
    seconds = time.monotonic() - start
    print(f"planned {sum(jobs.values())} jobs in {seconds:.1f} s")
    assert set(jobs) == RULES
    assert jobs["synthesize"] == 5 * 40_000 // 200
    assert jobs["sample"] == jobs["train"] == jobs["encode"] == jobs["evaluate"] == 5
    assert jobs["prepare_engine"] == jobs["summarize"] == jobs["report"] == jobs["manifest"] == 1
    assert seconds < 30  # 10 s is the aim; other work may share this machine


def test_experiments_of_the_appendices_are_planned_where_asked_for(project):
    quick = project.planned("--cores", "2", "--configfile", "config/quickstart.yaml")
    asked = project.planned("--cores", "2", "--configfile", "config/quickstart.yaml", "config/appendices.yaml")
    sizes = load(ROOT / "config" / "appendices.yaml").evaluate
    assert {rule: count for rule, count in asked.items() if rule not in quick} == {
        "without_flow": 1,
        "training_size": len(sizes.training_sizes) * len(sizes.training_snr),
        "training_sizes": 1,
    }


def test_any_seed_is_a_target_without_an_edit(project):
    command = "--cores 2 --configfile config/quickstart.yaml results/tables/halo-42.parquet"
    jobs = project.planned(*command.split())
    quick = load(ROOT / "config" / "quickstart.yaml")
    chunks = math.ceil(quick.sample.n_stars / quick.synthesis.chunk_size)
    assert chunks > 1
    assert jobs == {"sample": 1, "synthesize": chunks, "observe": 1, "train": 1, "encode": 1}


@pytest.mark.parametrize(
    "words",
    [
        "--configfile config/quickstart.yaml --cores 2 results/labels/halo-42.parquet",
        "--cores 2 results/labels/halo-42.parquet --configfile config/quickstart.yaml",
        "--cores 2 --configfile config/quickstart.yaml -- results/labels/halo-42.parquet",
        "--profile slurm --cores 2 --configfile config/quickstart.yaml results/labels/halo-42.parquet",
        "--cores 2 --configfile config/quickstart.yaml config/quickstart.yaml results/labels/halo-42.parquet",
    ],
)
def test_target_in_whatever_place(project, words):
    assert project.planned(*words.split()) == {"sample": 1}


def test_target_behind_the_settings_is_made(project):
    target = "results/labels/halo-42.parquet"
    result = project.snakemake("--cores", "1", "--configfile", "config/quickstart.yaml", target)
    assert result.returncode == 0, result.stdout
    quick = load(ROOT / "config" / "quickstart.yaml")
    assert len(files.read_labels(project.folder / target)) == quick.sample.n_stars


def test_missing_settings_are_one_line(project):
    result = project.snakemake("--dry-run", "--configfile", "nosuch.yaml", "results/labels/halo-42.parquet")
    assert result.returncode == 1
    assert "Traceback" not in result.stdout
    assert result.stdout.splitlines()[-1] == "halochem: nosuch.yaml: no such file of settings (--configfile)"


def test_last_chunk_may_be_smaller(project):
    config = project.write_config({"sample": {"n_stars": 11}, "synthesis": {"chunk_size": 5}, "seeds": [7]})
    assert project.planned("--configfile", config)["synthesize"] == 3


@pytest.mark.parametrize("name", ["halo-042", "halo--1", "halo-x", "halo-1.0"])
def test_what_is_no_seed_is_no_target(project, name):
    result = project.snakemake("--dry-run", f"results/tables/{name}.parquet")
    assert result.returncode != 0
    assert "No rule to produce" in result.stdout


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"sample": {"n_star": 3}}, "unknown key sample.n_star; known there: n_stars"),
        ({"sample": {"n_stars": -3}}, "sample.n_stars: input should be greater than or equal to 1, got -3"),
    ],
)
def test_bad_configuration_is_one_line(project, values, said):
    config = project.write_config(values)
    result = project.snakemake("--dry-run", "--configfile", config)
    assert result.returncode != 0
    assert "Traceback" not in result.stdout
    lines = [line for line in result.stdout.splitlines() if not line.startswith(("Config file", "Using workflow"))]
    assert len(lines) == 1
    assert lines[0].startswith("halochem: test.yaml over config/config.yaml: ")
    assert said in lines[0]


def test_lint(project):
    result = project.snakemake("--lint")
    assert result.returncode == 0, result.stdout
