"""Writing and reading a catalog against the disk itself: MB a second. Writes docs/benchmarks/hdf5.md.

python benchmarks/scale/hdf5.py [--catalog FILE] [--stars N]
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from halochem import files

ROOT = Path(__file__).resolve().parents[2]
BLOCK = 1024  # stars at a time, as the stages have it
ALONE = 300  # rows read one by one


def forget(path: Path) -> None:
    """Write a file to the disk and drop it from the kernel's memory, so that it is read from the disk."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def timed(function: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    wall, cpu = time.monotonic(), time.process_time()
    function()
    return time.monotonic() - wall, time.process_time() - cpu


def write_plain(path: Path, content: bytes) -> None:
    """The bytes to the disk, all the way."""
    with open(path, "wb") as file:
        file.write(content)
        os.fsync(file.fileno())


def write_catalog(path: Path, flux: np.ndarray) -> None:
    """The flux as `halochem observe` stores it."""
    with h5py.File(path, "w", libver=files.HDF5_FORMAT) as file:
        packing = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}
        data = file.create_dataset("flux", flux.shape, "f4", chunks=(16, flux.shape[1]), **packing)
        for start in range(0, len(flux), BLOCK):
            data[start : start + BLOCK] = flux[start : start + BLOCK]
    forget(path)


def read_blocks(path: Path) -> None:
    """All stars, as `halochem encode` reads them."""
    with files.open_hdf5(path, "observe") as file:
        for start in range(0, len(file["flux"]), BLOCK):
            file["flux"][start : start + BLOCK]


def read_alone(path: Path) -> None:
    """Single stars from all over the file."""
    with files.open_hdf5(path, "observe") as file:
        for row in np.random.default_rng(0).permutation(len(file["flux"]))[:ALONE]:
            file["flux"][row]


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--catalog", type=Path, default=ROOT / "results" / "catalogs" / "halo-1.h5")
    parser.add_argument("--stars", type=int, default=16_384)
    options = parser.parse_args()
    if not options.catalog.is_file():
        sys.exit(f"{options.catalog}: no such catalog; `make run` makes it, or name another with --catalog")
    with h5py.File(options.catalog) as file:
        flux = file["flux"][: options.stars]
    with tempfile.TemporaryDirectory() as name:
        plain, packed = Path(name) / "plain", Path(name) / "catalog.h5"
        content, rows = flux.tobytes(), []
        times = {"the disk, writing": timed(lambda: write_plain(plain, content))}
        forget(plain)
        times["the disk, reading"] = timed(plain.read_bytes)
        times["catalog, writing"] = timed(lambda: write_catalog(packed, flux))
        times["catalog, reading, 1024 stars at a time"] = timed(lambda: read_blocks(packed))
        forget(packed)
        alone = timed(lambda: read_alone(packed))
        share = packed.stat().st_size / len(content)
    for what, (wall, cpu) in times.items():
        size = len(content) / 1e6
        rows.append(f"| {what} | {size / wall:.0f} | {size / max(cpu, 1e-3):.0f} | {len(flux) / wall:.0f} |")
        print(rows[-1], flush=True)
    head = [
        "# HDF5 against the disk",
        "",
        f"`python benchmarks/scale/hdf5.py`: the observed fluxes of {len(flux):,} stars, {len(content) / 1e6:.0f} MB, "
        f"which take {share:.2f} of that in a catalog (gzip 1, shuffled bytes, checksums), {platform.machine()}. "
        "MB are unpacked ones. CPU: what one core does where the disk is no limit.",
        "",
        "| | MB/s | MB per CPU second | stars/s |",
        "| --- | --- | --- | --- |",
        *rows,
        "",
        f"A star from anywhere in the file: {1e3 * alone[0] / ALONE:.1f} ms, {1e3 * alone[1] / ALONE:.1f} ms of CPU.",
    ]
    (ROOT / "docs" / "benchmarks" / "hdf5.md").write_text("\n".join(head) + "\n", encoding="utf-8")
    print(head[-1])


if __name__ == "__main__":
    main()
