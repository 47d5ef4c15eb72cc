"""Files damaged after they were written: told in one line, and made anew."""

from __future__ import annotations

import os

import h5py
import pytest
from fault_runs import CATALOG, CHUNKS, TABLE, Run, attempt, one_of_a_kind, run_after, verify


def damage(path, change) -> None:
    """Rewrite a file's content and leave its time, as a failing disk does."""
    times = os.stat(path)
    path.write_bytes(change(path.read_bytes()))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def flip(place: float):
    """One bit of the byte at this part of the file."""

    def change(content: bytes) -> bytes:
        at = int(place * len(content))
        return content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :]

    return change


def place_in_pixels(path, part: float) -> float:
    """Where in the file this part of a stored block of pixels is."""
    with h5py.File(path) as file:
        block = file["flux"].id.get_chunk_info(0)
    return (block.byte_offset + int(part * block.size)) / path.stat().st_size


def refused(run: Run, target: str, log: str, words: str) -> None:
    """The job that reads the file ends, and its log's last line says which file it is and what to do."""
    result = run.snakemake(*run.command(target)[3:])
    assert result.returncode != 0
    last = run.log(log).splitlines()[-1]
    assert words in last, last
    assert "Traceback" not in run.log(log)


@pytest.mark.slow
def test_truncated_chunk(faults, undisturbed, tmp_path):
    chunk = CHUNKS[attempt() % len(CHUNKS)]
    part = (0.5, 0.9, 0.1, 0.999)[attempt() % 4]
    faults.describe("a chunk's file truncated", "cut to 10, 50, 90 or 99.9 % of its bytes before `observe` reads it")
    run = run_after(undisturbed, tmp_path / "project", "synthesize")
    damage(run.path(chunk), lambda content: content[: int(part * len(content))])
    refused(run, CATALOG, "observe/halo-3.log", f"{chunk}: ")
    run.path(chunk).unlink()
    run.make(TABLE)
    faults.nothing_is_lost(run)


@pytest.mark.slow
def test_flipped_byte_in_a_catalog(faults, undisturbed, tmp_path, capsys):
    faults.describe(
        "a byte of a catalog changed on disk", "one bit of the pixels flipped, the file's time left as it was"
    )
    run = run_after(undisturbed, tmp_path / "project", "encode")
    assert verify(run, "--write") == 0
    damage(run.path(CATALOG), flip(place_in_pixels(run.path(CATALOG), 0.2 + 0.15 * (attempt() % 5))))
    capsys.readouterr()
    assert verify(run) == 1
    assert f"{CATALOG}: SHA-256" in capsys.readouterr().out
    # Neither a manifest nor a model is made of it.
    run.path("results/MANIFEST.json").unlink()
    assert verify(run, "--write") == 1
    assert f"{CATALOG}: " in capsys.readouterr().out
    for name in ("results/models", "results/tables"):
        for path in sorted(run.path(name).rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
    refused(run, TABLE, "train/halo-3.log", f"{CATALOG}: ")
    run.path(CATALOG).unlink()
    run.make(TABLE)
    faults.nothing_is_lost(run)


@pytest.mark.slow
@one_of_a_kind
def test_every_flipped_bit_is_seen(undisturbed, tmp_path, capsys):
    """In chunk, catalog, model and table, wherever it lies: by the checksums of the manifest."""
    run = run_after(undisturbed, tmp_path / "project", "encode")
    assert verify(run, "--write") == 0
    for name in (CHUNKS[0], CATALOG, "results/models/halo-3/weights.safetensors", TABLE):
        whole = run.path(name).read_bytes()
        for place in (0.0, 0.013, 0.31, 0.77, 0.9999):
            damage(run.path(name), flip(place))
            assert verify(run) == 1, (name, place)
            assert f"{name}: SHA-256" in capsys.readouterr().out
        run.path(name).write_bytes(whole)
    assert verify(run) == 0
