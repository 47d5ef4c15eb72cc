"""40 000 emulated spectra into HDF5, noise and jitter included: time, memory and size of each stage.

Labels, spectra in four chunks, catalog: the commands of the workflow, on the emulator in resources/emulator. Writes
docs/benchmarks/emulated_catalog.md.

    python benchmarks/synthesis/emulated_catalog.py [N_STARS]
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHUNKS = 4
JOBS = 2
SEED = "1"


def stage(*words: str) -> tuple[float, float, float]:
    """Wall and CPU seconds and the largest memory [MB] of one `halochem` command."""
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "halochem.cli", *words], cwd=ROOT, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"halochem {' '.join(words)}: failed")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def run(n_stars: int, folder: Path) -> list[str]:
    """Markdown rows: a stage each, and the sum."""
    config, labels, catalog = folder / "c.yaml", folder / "labels.parquet", folder / "catalog.h5"
    chunk_size = -(-n_stars // CHUNKS)
    config.write_text(
        f"sample: {{n_stars: {n_stars}}}\nsynthesis: {{engine: emulator, chunk_size: {chunk_size}}}\n", encoding="utf-8"
    )
    common = ("--config", str(config))
    spectra = [folder / f"chunk-{k}.h5" for k in range(CHUNKS)]

    def synthesize(k: int) -> tuple[float, float, float]:
        chunk = ("--labels", str(labels), "--chunk", str(k), "--out", str(spectra[k]))
        return stage("synthesize", *common, *chunk)

    rows = [("sample", *stage("sample", *common, "--seed", SEED, "--out", str(labels)))]
    start = time.monotonic()
    with ThreadPoolExecutor(JOBS) as pool:
        parts = list(pool.map(synthesize, range(CHUNKS)))
    wall = time.monotonic() - start
    rows.append(
        (f"synthesize, {CHUNKS} chunks, {JOBS} at a time", wall, sum(p[1] for p in parts), max(p[2] for p in parts))
    )
    paths = ("--labels", str(labels), "--spectra", *map(str, spectra), "--out", str(catalog))
    rows.append(("observe", *stage("observe", *common, *paths)))
    total, cpu, memory = sum(row[1] for row in rows), sum(row[2] for row in rows), max(row[3] for row in rows)
    # Two chunks at a time hold their memory together.
    memory = max(memory, JOBS * rows[1][3])
    rows.append((f"**together**, catalog of {catalog.stat().st_size / 1e9:.2f} GB", total, cpu, memory))
    return [f"| {name} | {seconds:.1f} | {spent:.1f} | {size:.0f} |" for name, seconds, spent, size in rows]


def main() -> None:
    """Measure and write the page."""
    if not (ROOT / "resources" / "emulator" / "weights.safetensors").is_file():
        print("resources/emulator/weights.safetensors is missing: nothing to measure")
        return
    n_stars = int(sys.argv[1]) if len(sys.argv) > 1 else 40_000
    with tempfile.TemporaryDirectory(prefix="halochem-") as folder:
        rows = run(n_stars, Path(folder))
    lines = [
        "# An emulated catalog: time, memory, size",
        "",
        f"`python benchmarks/synthesis/emulated_catalog.py`, {n_stars} stars, {os.cpu_count()} cores, "
        f"{platform.machine()}.",
        "",
        "| stage | wall [s] | CPU [s] | memory [MB] |",
        "| --- | --- | --- | --- |",
        *rows,
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if n_stars == 40_000:
        (ROOT / "docs" / "benchmarks" / "emulated_catalog.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
