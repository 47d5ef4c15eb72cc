"""Targets whose wildcards would be words of a shell."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "target",
    [
        "results/labels/halo-$(touch x).parquet",
        "results/spectra/halo-1/chunk-0;touch x.h5",
        "results/evaluation/training-sizes/halo-1_snr-$(touch x)_stars-3.json",
        "results/evaluation/training-sizes/halo-1_snr-20_stars-3 --config x.json",
    ],
)
def test_no_rule_makes_it(project, target):
    config = project.write_config({"sample": {"n_stars": 20}})
    result = project.snakemake("--cores", "1", "--configfile", config, "--", target)
    assert result.returncode != 0
    assert "MissingRuleException" in result.stdout
    assert not (project.folder / "x").exists()


def test_paths_that_snakemake_would_take_for_wildcards(project):
    config = project.write_config({"train": {"regions": "config/{seed}.yaml"}})
    result = project.snakemake("--dry-run", "--configfile", config)
    assert result.returncode != 0
    assert "a path may not hold braces" in result.stdout


def test_job_count_of_ten_million_stars(project):
    """However many stars: the chunks of a catalog are arguments of one command, which Linux cuts at 131 072 bytes."""
    config = project.write_config({"seeds": [9223372036854775807], "sample": {"n_stars": 10_000_000}})
    target = "results/catalogs/halo-9223372036854775807.h5"
    result = project.snakemake("--dry-run", "--printshellcmds", "--configfile", config, target, timeout=300)
    assert result.returncode == 0, result.stdout[-2000:]
    commands = [line for line in result.stdout.splitlines() if "halochem observe" in line]
    assert commands[0].count(".h5") == 2001
    assert len(commands[0]) < 131_072
