"""Encoding a catalog larger than the memory allowed: stars a second, peak memory. Writes docs/benchmarks/encode.md.

Catalogs are made by repeating the stars of a real one, block by block as they are packed; each is then encoded in a
process whose address space is limited (`ulimit -v`) to less than the catalog takes in memory, and that is checked.

    python benchmarks/scale/encode.py [N_STARS ...] [--catalog FILE] [--model DIR]
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
GB = 2**30
# Of the process: Torch's libraries, threads' stacks and buffers are some 3 GB of addresses, most never touched.
ADDRESSES = 5 * GB


def repeated(source: Path, out: Path, n_stars: int) -> float:
    """A catalog of the stars of `source` again and again; returns what its flux and flux_clean take unpacked [GB]."""
    with h5py.File(source) as old, h5py.File(out, "w", libver=("v110", "v110")) as new:
        new.attrs.update(old.attrs)
        new["wavelength"] = old["wavelength"][:]
        rows = np.arange(n_stars) % len(old["status"])
        for name in (f"labels/{name}" for name in old["labels"]):
            # Not by `new[name] = data`: with these versions of the format h5py then links the wrong data to the name.
            new.create_dataset(
                name,
                data=[f"s{row:08d}".encode() for row in range(n_stars)] if name.endswith("id") else old[name][:][rows],
            )
        for name in ("sigma", "status", "out_of_grid"):
            new.create_dataset(name, data=old[name][:][rows])
        for name in ("flux", "flux_clean"):
            data = old[name]
            block, n_pixels = data.chunks
            filters = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}
            copy = new.create_dataset(name, (n_stars, n_pixels), "f4", chunks=data.chunks, **filters)
            whole = len(data) // block
            for number in range(-(-n_stars // block)):
                mask, packed = data.id.read_direct_chunk((number % whole * block, 0))
                copy.id.write_direct_chunk((number * block, 0), packed, mask)
    return 2 * n_stars * n_pixels * 4 / GB


def encode(catalog: Path, model: Path, out: Path) -> tuple[float, float, float]:
    """Wall and CPU seconds and the peak memory [GB] of `halochem encode`."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))

    command = [sys.executable, "-m", "halochem.cli", "encode", "--config", str(ROOT / "config" / "quickstart.yaml")]
    command += ["--catalog", str(catalog), "--model", str(model), "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, preexec_fn=limit, stderr=subprocess.PIPE, text=True)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"halochem encode failed:\n{said[-2000:]}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20


def main() -> None:
    """Encode each and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("stars", type=int, nargs="*")
    parser.add_argument("--catalog", type=Path, default=ROOT / "results" / "catalogs" / "halo-1.h5")
    parser.add_argument("--model", type=Path, default=ROOT / "results" / "models" / "halo-1")
    options = parser.parse_args()
    if not options.catalog.is_file():
        sys.exit(f"{options.catalog}: no such catalog; `make run` makes it, or name another with --catalog")
    rows = []
    for n_stars in options.stars or (40_000, 200_000):
        with tempfile.TemporaryDirectory() as name:
            catalog = Path(name) / "catalog.h5"
            unpacked = repeated(options.catalog, catalog, n_stars)
            wall, cpu, memory = encode(catalog, options.model, Path(name) / "table.parquet")
            on_disk = catalog.stat().st_size / GB
        sizes = f"{on_disk:.2f} | {unpacked:.2f} | {memory:.2f}"
        row = f"{n_stars:,} | {sizes} | {wall:.0f} | {cpu:.0f} | {n_stars / cpu:.0f}"
        print(row, flush=True)
        rows.append(f"| {row} |")
    head = [
        "# Encoding",
        "",
        "`python benchmarks/scale/encode.py`, preset `fast`, one thread, "
        f"address space limited to {ADDRESSES / GB:g} GB, {platform.machine()}.",
        "",
        "| stars | on disk [GB] | unpacked [GB] | peak memory [GB] | wall [s] | CPU [s] | stars per CPU second |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    text = "\n".join([*head, *rows]) + "\n"
    (ROOT / "docs" / "benchmarks" / "encode.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
