"""Snakemake interrupted, and started again."""

from __future__ import annotations

import os
import signal
import time

import pytest
from fault_runs import CHUNKS, MODEL, TABLE, Run, attempt, children, name_of, one_of_a_kind, run_after, wait_for

# name -> signal, whether the jobs get it too, words for the table of faults
ENDS = {
    "INT": (signal.SIGINT, True, "Ctrl-C: INT to Snakemake and its job"),
    "TERM": (signal.SIGTERM, False, "TERM to Snakemake"),
    "KILL": (signal.SIGKILL, False, "KILL to Snakemake, whose job lives on beside the next run's"),
    "power": (signal.SIGKILL, True, "KILL to Snakemake and its job, as when the power fails"),
}


def moment_of_synthesis(run: Run) -> bool:
    """A star is done and its chunk is not; of another chunk at each try."""
    chunk = attempt() % len(CHUNKS)
    return any(run.path(CHUNKS[chunk] + ".partial").glob("[0-9]*.npz"))


def moment_of_training(run: Run) -> bool:
    """Some epochs past the first checkpoint; more of them at each try."""
    history = run.path(f"{MODEL}/history.csv")
    return history.is_file() and history.read_text().count("\n") > 12 + 30 * attempt() % 100


def interrupt(run: Run, how: str, moment) -> list[int]:
    """Start Snakemake, and end it at the moment. Returns the processes that live on."""
    number, all_of_it, _ = ENDS[how]
    process = run.start(run.command(TABLE))
    try:
        wait_for(lambda: moment(run) or process.poll() is not None, "the moment")
        assert process.poll() is None, process.stdout.read()
        below = children(process.pid)
        (os.killpg if all_of_it else os.kill)(process.pid, number)
        process.wait(timeout=120)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert not run.path(TABLE).exists()
    if all_of_it:
        wait_for(lambda: not any(map(name_of, below)), "the end of the jobs", 60)
    return [pid for pid in below if name_of(pid)]


def go_on(run: Run, how: str) -> None:
    """What a user does then."""
    if ENDS[how][0] == signal.SIGKILL:
        refused = run.snakemake(*run.command(TABLE)[3:])
        assert refused.returncode != 0
        assert "Directory cannot be locked" in refused.stdout
        assert "--unlock" in refused.stdout
        run.make("--unlock")
    run.make(TABLE)


def kinds(*all_of_them: str, every_day: tuple[str, ...]) -> list:
    """The parameters, of which some are for `make bench-faults` alone."""
    return [how if how in every_day else pytest.param(how, marks=one_of_a_kind) for how in all_of_them]


@pytest.mark.slow
@pytest.mark.parametrize("how", kinds(*ENDS, every_day=("INT", "KILL")))
def test_interrupted_in_the_synthesis(faults, undisturbed, tmp_path, how):
    faults.describe("Snakemake interrupted while it computes spectra", ENDS[how][2])
    run = run_after(undisturbed, tmp_path / "project", "sample")
    alive = interrupt(run, how, moment_of_synthesis)
    assert bool(alive) == (how == "KILL")
    go_on(run, how)
    deadline = time.monotonic() + 60
    while any(name_of(pid) for pid in alive):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    if how in ("INT", "power"):
        chunk = CHUNKS[attempt() % len(CHUNKS)]
        assert "of 2 stars were done before" in run.log(chunk.replace("results/spectra", "synthesize")[:-3] + ".log")
    faults.nothing_is_lost(run)


@pytest.mark.slow
@pytest.mark.parametrize("how", kinds("TERM", "power", every_day=("power",)))
def test_interrupted_in_the_training(faults, undisturbed, tmp_path, how):
    faults.describe("Snakemake interrupted while it trains", ENDS[how][2])
    run = run_after(undisturbed, tmp_path / "project", "observe")
    if how == "TERM":
        # Snakemake waits for its job: the model is there when it ends.
        interrupt(run, how, moment_of_training)
        assert run.path(f"{MODEL}/weights.safetensors").is_file()
    else:
        interrupt(run, how, moment_of_training)
        assert not run.path(f"{MODEL}/weights.safetensors").exists()
    go_on(run, how)
    if how == "power":
        assert "going on from epoch" in run.log("train/halo-3.log")
    names = ("weights.safetensors", "model.json")
    for name in names:
        path = f"{MODEL}/{name}"
        assert run.path(path).read_bytes() == undisturbed.path(path).read_bytes(), name
    faults.nothing_is_lost(run)
