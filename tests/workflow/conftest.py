"""Fixtures of the workflow's tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import fault_runs
import pytest
import slurm_cluster
from workflow_project import Project, copy_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh copy of the workflow."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> fault_runs.Run:
    """The tiny run, undisturbed. Not to be changed."""
    run = fault_runs.new_run(tmp_path_factory.mktemp("undisturbed") / "project")
    run.make(fault_runs.TABLE)
    assert not fault_runs.leftovers(run)
    return run


@pytest.fixture(scope="session")
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


class Faults:
    """What benchmarks/reliability/faults.py hears of a test of a fault, and what every such test ends with."""

    def __init__(self, undisturbed: fault_runs.Run, record: Callable[[str, object], None]):
        self.undisturbed, self._record = undisturbed, record

    def describe(self, fault: str, injected: str) -> None:
        """The fault and how it is injected, in words for the table of faults."""
        self._record("fault", fault)
        self._record("injected", injected)

    def nothing_is_lost(self, run: fault_runs.Run) -> None:
        """The run has come to its table: no star missing or doubled, every bit as undisturbed, no litter."""
        loss = fault_runs.compare(run, self.undisturbed)
        self._record("lost", str(loss))
        assert str(loss) == "nothing"
        assert not fault_runs.leftovers(run)
        assert fault_runs.verify(run, "--write") == 0
        assert fault_runs.verify(run) == 0


@pytest.fixture
def faults(undisturbed: fault_runs.Run, record_property: Callable[[str, object], None]) -> Faults:
    """How a test of a fault begins and ends."""
    return Faults(undisturbed, record_property)
