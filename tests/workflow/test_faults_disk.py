"""A disk that is full, in each stage that writes what cannot be lost."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_runs import CATALOG, CHUNKS, LABELS, MODEL, TABLE, Run, attempt, one_of_a_kind, run_after

SETTINGS = ("--config", "test.yaml")
# stage -> the stage before, its command as the rule gives it, folder of what it writes, room there at each try [kB]
STAGES = {
    "synthesize": ("sample", ("--labels", LABELS, "--chunk", "0", "--out", CHUNKS[0]), CHUNKS[0], (4, 8, 12)),
    "observe": ("synthesize", ("--labels", LABELS, "--spectra", *CHUNKS, "--out", CATALOG), CATALOG, (4, 12, 20)),
    "train": ("observe", ("--catalog", CATALOG, "--out", MODEL), f"{MODEL}/x", (8, 800, 1300)),
    "encode": ("train", ("--catalog", CATALOG, "--model", MODEL, "--out", TABLE), TABLE, (4, 16, 32)),
}
WORDS = {"synthesize": "a chunk", "observe": "the catalog", "train": "the model's checkpoint", "encode": "the table"}


@contextlib.contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    """A tmpfs of so many kilobytes at a folder."""
    folder.mkdir(parents=True)
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", folder], capture_output=True, text=True
    )
    if mount.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted here ({mount.stderr.strip()})")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def one_line_and_no_file(run: Run, stage: str, result: subprocess.CompletedProcess[str], reason: str) -> None:
    """The stage ended with one line on the reason, and left no half file."""
    assert result.returncode == 2, (result.returncode, result.stdout)
    assert "Traceback" not in result.stdout
    assert "Segmentation" not in result.stdout
    last = result.stdout.splitlines()[-1]
    assert last.startswith(f"halochem {stage}: "), last
    assert f"cannot be written ({reason})" in last, last
    folder = run.path(STAGES[stage][2]).parent
    files = [path for path in folder.rglob("*") if path.is_file()]
    # Stars that are done, and epochs: what a second run goes on from.
    assert all(path.suffix == ".npz" or path.name in ("history.csv", "checkpoint.safetensors") for path in files), files


@pytest.mark.slow
@pytest.mark.parametrize(
    "stage", [pytest.param(stage, marks=one_of_a_kind if stage in ("synthesize", "train") else ()) for stage in STAGES]
)
def test_full_disk(faults, undisturbed, tmp_path, stage):
    before, options, written, sizes = STAGES[stage]
    rooms = ", ".join(map(str, sizes))
    faults.describe(f"disk full while {WORDS[stage]} is written", f"a tmpfs with {rooms} kB for it, then room")
    run = run_after(undisturbed, tmp_path / "project", before)
    folder = run.path(written).parent
    with small_disk(folder, sizes[attempt() % len(sizes)]):
        full = run.stage(stage, *SETTINGS, *options)
        one_line_and_no_file(run, stage, full, "No space left on device")
        subprocess.run(["mount", "-o", "remount,size=16m", folder], check=True)
        run.make(TABLE)
        faults.nothing_is_lost(run)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["observe", "encode"])
def test_limit_of_a_file(undisturbed, tmp_path, stage):
    """The same without a mount, which not everybody may: a limit on the size of any file."""
    before, options, written, sizes = STAGES[stage]
    run = run_after(undisturbed, tmp_path / "project", before)
    program = "import os, resource, sys; n = int(sys.argv[1]); resource.setrlimit(resource.RLIMIT_FSIZE, (n, n)); "
    program += "os.execvp(sys.argv[2], sys.argv[2:])"
    prefix = (sys.executable, "-c", program, str(1024 * sizes[attempt() % len(sizes)]))
    one_line_and_no_file(run, stage, run.stage(stage, *SETTINGS, *options, prefix=prefix), "File too large")
    whole = run.stage(stage, *SETTINGS, *options)
    assert whole.returncode == 0, whole.stdout
    assert run.path(written).read_bytes() == undisturbed.path(written).read_bytes()
