"""The synthesis disturbed below Snakemake: its programs killed, its scratch files without room."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import h5py
import pytest
from fault_runs import CHUNKS, LABELS, LIMIT, TABLE, Run, attempt, children, name_of, one_of_a_kind, run_after, wait_for

PROGRAMS = ("bsyn_lu", "babsma_lu")


def synthesize(chunk: int) -> list[str]:
    """The command of the rule."""
    command = [sys.executable, "-m", "halochem.cli", "synthesize", "--config", "test.yaml", "--labels", LABELS]
    return [*command, "--chunk", str(chunk), "--out", CHUNKS[chunk]]


def kill_programs(process: subprocess.Popen, name: str, times: int) -> int:
    """Kill that program of a running synthesis so many times, each time another process."""
    killed: set[int] = set()

    def one_more() -> bool:
        for pid in children(process.pid):
            if pid not in killed and name_of(pid) == name and len(killed) < times:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        return len(killed) == times or process.poll() is not None

    wait_for(one_more, f"{times} processes {name}", LIMIT, every=0.001)
    return len(killed)


def statuses(run: Run, chunk: int) -> list[int]:
    with h5py.File(run.path(CHUNKS[chunk])) as file:
        return file["status"][:].tolist()


@pytest.mark.slow
def test_bsyn_killed(faults, undisturbed, tmp_path):
    name = PROGRAMS[attempt() % 2]
    faults.describe("Turbospectrum killed in the middle of a star", "KILL to `bsyn_lu` or `babsma_lu`")
    run = run_after(undisturbed, tmp_path / "project", "sample")
    process = run.start(synthesize(0))
    assert kill_programs(process, name, 1) == 1
    said = process.communicate(timeout=LIMIT)[0]
    assert process.returncode == 0, said
    assert f"{name}: killed from outside (signal 9)" in said
    assert statuses(run, 0) == [0, 0]
    run.make(TABLE)
    faults.nothing_is_lost(run)


@pytest.mark.slow
@one_of_a_kind
def test_bsyn_killed_whatever_one_tries(undisturbed, tmp_path):
    """Out of memory again and again: the job fails, no star is recorded as failed, the next run goes on."""
    run = run_after(undisturbed, tmp_path / "project", "sample")
    process = run.start(synthesize(0))
    wait_for(lambda: any(run.path(CHUNKS[0] + ".partial").glob("[0-9]*.npz")), "the first star", LIMIT)
    assert kill_programs(process, "bsyn_lu", 3) == 3
    said = process.communicate(timeout=LIMIT)[0]
    assert process.returncode == 2, said
    assert "killed from outside (signal 9), 3 times for Star(" in said.splitlines()[-1]
    assert not run.path(CHUNKS[0]).exists()
    again = run.stage(*synthesize(0)[3:])
    assert again.returncode == 0, again.stdout
    assert "1 of 2 stars were done before" in again.stdout
    assert run.path(CHUNKS[0]).read_bytes() == undisturbed.path(CHUNKS[0]).read_bytes()


@pytest.mark.slow
@one_of_a_kind
def test_no_room_for_scratch_files(faults, undisturbed, tmp_path):
    """Room of its own for /dev/shm and /tmp, in a mount namespace of its own, and too little of it."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"]).returncode != 0:
        pytest.skip("needs root and a mount namespace of its own")
    size = (1000, 200, 600)[attempt() % 3]
    faults.describe("disk full under Turbospectrum's scratch files", "`/dev/shm` and `$TMPDIR` of 1000, 200 or 600 kB")
    run = run_after(undisturbed, tmp_path / "project", "sample")
    small = tmp_path / "small"
    small.mkdir()
    mount = 'mount -t tmpfs -o size=$1k none /dev/shm && mount -t tmpfs -o size=$1k none $2 && shift 2 && exec "$@"'
    prefix = ("unshare", "-m", "env", f"TMPDIR={small}", "sh", "-c", mount, "sh", str(size), str(small))
    full = run.stage(*synthesize(0)[3:], prefix=prefix)
    assert full.returncode == 2, full.stdout
    assert "no space left in" in full.stdout.splitlines()[-1]
    assert not run.path(CHUNKS[0]).exists()
    run.make(TABLE)
    faults.nothing_is_lost(run)


@pytest.mark.slow
def test_two_runs_of_one_chunk(undisturbed, tmp_path):
    """As a Snakemake leaves behind that was killed: both end well, and neither spoils the other's file."""
    run = run_after(undisturbed, tmp_path / "project", "sample")
    both = [run.start(synthesize(0)) for _ in range(2)]
    for process in both:
        said = process.communicate(timeout=LIMIT)[0]
        assert process.returncode == 0, said
    assert run.path(CHUNKS[0]).read_bytes() == undisturbed.path(CHUNKS[0]).read_bytes()
    assert [path.name for path in run.path(CHUNKS[0]).parent.iterdir()] == ["chunk-0.h5"]
