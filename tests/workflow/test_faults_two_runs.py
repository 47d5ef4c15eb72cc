"""Two runs at once in one folder: the second is refused, the first is not disturbed."""

from __future__ import annotations

import os
import signal

import pytest
from fault_runs import CHUNKS, LIMIT, TABLE, attempt, run_after, wait_for


@pytest.mark.slow
def test_second_run_in_the_same_folder(faults, undisturbed, tmp_path):
    faults.describe("two runs at once in one folder", "the same command again while the first computes spectra")
    run = run_after(undisturbed, tmp_path / "project", "sample")
    with run.path("said").open("w") as said:
        first = run.start(run.command(TABLE), said=said)
        try:
            wait_for(
                lambda: any(run.path("results").rglob(f"chunk-{attempt() % len(CHUNKS)}.h5.partial/*.npz")), "a star"
            )
            second = run.snakemake(*run.command(TABLE)[3:], timeout=LIMIT)
            assert second.returncode != 0
            assert "Directory cannot be locked" in second.stdout
            assert "Please make sure that no other Snakemake process" in second.stdout
            # Nor is what the first has made, or its settings.
            assert first.poll() is None
            first.wait(LIMIT)
        finally:
            if first.poll() is None:
                os.killpg(first.pid, signal.SIGKILL)
    assert first.returncode == 0, run.path("said").read_text()
    faults.nothing_is_lost(run)


@pytest.mark.slow
def test_second_run_with_other_settings_changes_none(undisturbed, tmp_path):
    """results/config.yaml is what the first run's jobs read: a run that is refused must not write it."""
    run = run_after(undisturbed, tmp_path / "project", "sample")
    with run.path("said").open("w") as said:
        first = run.start(run.command(CHUNKS[0]), said=said)
        try:
            wait_for(lambda: run.path("results/config.yaml").is_file(), "the first run's settings")
            before = run.path("results/config.yaml").read_bytes()
            other = run.path("test.yaml").read_text().replace("n_stars: 6", "n_stars: 4")
            run.path("other.yaml").write_text(other)
            command = [word.replace("test.yaml", "other.yaml") for word in run.command(CHUNKS[0])[3:]]
            assert run.snakemake(*command, timeout=LIMIT).returncode != 0
            assert run.path("results/config.yaml").read_bytes() == before
            first.wait(LIMIT)
        finally:
            if first.poll() is None:
                os.killpg(first.pid, signal.SIGKILL)
    assert first.returncode == 0, run.path("said").read_text()
    assert run.path(CHUNKS[0]).read_bytes() == undisturbed.path(CHUNKS[0]).read_bytes()
