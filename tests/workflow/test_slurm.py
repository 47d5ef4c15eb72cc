"""The Slurm profile on a real Slurm, started here."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import slurm_cluster

SEEDS = (1, 2, 3)


@pytest.fixture
def cluster() -> Iterator[slurm_cluster.Cluster]:
    """A Slurm of one node with two partitions and one GPU (of no use)."""
    reason = slurm_cluster.reason_to_skip()
    if reason:
        pytest.skip(reason)
    # Not pytest's folder: munged wants one that everybody may enter, and its socket's path has to be short.
    folder = Path(tempfile.mkdtemp(prefix="halochem-slurm-"))
    folder.chmod(0o755)
    try:
        with slurm_cluster.Cluster(folder) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.slurm
def test_profile_runs_sample_jobs(project, cluster):
    config = project.write_config({"seeds": list(SEEDS), "sample": {"n_stars": 30}})
    targets = [f"results/labels/halo-{seed}.parquet" for seed in SEEDS]
    result = project.snakemake(
        *("--cores", "32", "--profile", "slurm", "--configfile", config),
        *("--slurm-init-seconds-before-status-checks", "5"),
        *targets,
        timeout=90,
        environment=cluster.environment,
    )
    assert result.returncode == 0, result.stdout
    assert result.stdout.count("has been submitted with SLURM jobid") == len(SEEDS), result.stdout
    for seed, target in zip(SEEDS, targets, strict=True):
        labels = pd.read_parquet(project.folder / target)
        assert len(labels) == 30
        assert labels["star_id"].iloc[0] == f"halo-{seed}-000000"
        assert (project.folder / f"results/figures/density-{seed}.pdf").read_bytes().startswith(b"%PDF")
