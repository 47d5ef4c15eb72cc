"""Snakemake's planning: time and memory of a dry run for catalogs of many sizes.

Each is planned in a folder of its own, from nothing, all targets. Writes docs/benchmarks/planning.md.

    python benchmarks/scale/planning.py [CATALOGSxSTARS ...]
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNS = ("1x40000", "5x40000", "50x40000", "1x10000000", "5x10000000")
COPIED = ("Snakefile", "workflow", "profiles", "config", "resources/linelists", "resources/emulator")


def project(folder: Path, catalogs: int, stars: int) -> None:
    """The workflow and a configuration of so many catalogs, in an empty folder."""
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name) if (ROOT / name).is_dir() else shutil.copy(ROOT / name, folder)
    shutil.copy(ROOT / "resources" / "responses.npz", folder / "resources")
    seeds = list(range(1, catalogs + 1))
    (folder / "c.yaml").write_text(f"seeds: {seeds}\nsample: {{n_stars: {stars}}}\n", encoding="utf-8")


def plan(folder: Path) -> tuple[int, float, float, float]:
    """Jobs, wall and CPU seconds, and peak memory [MB] of a dry run."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", "--cores", "32", "--configfile", "c.yaml"]
    start = time.monotonic()
    with open(folder / "out", "w+b") as out:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        out.seek(0)
        text = out.read().decode()
    total = re.search(r"^total\s+(\d+)", text, re.MULTILINE)
    if status or total is None:
        raise SystemExit(f"snakemake -n failed:\n{text[-2000:]}")
    return int(total[1]), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Plan each, print and write the table."""
    rows = []
    for run in sys.argv[1:] or RUNS:
        catalogs, stars = map(int, run.split("x"))
        with tempfile.TemporaryDirectory() as name:
            project(Path(name), catalogs, stars)
            jobs, wall, cpu, memory = plan(Path(name))
        print(f"{run}: {jobs} jobs, {wall:.1f} s, {cpu:.1f} s of CPU, {memory:.0f} MB", flush=True)
        rows.append(f"| {catalogs} x {stars:,} | {jobs:,} | {wall:.1f} | {cpu:.1f} | {memory:.0f} |")
    if sys.argv[1:]:
        return
    head = [
        "# Planning",
        "",
        f"`python benchmarks/scale/planning.py`, `snakemake -n` of everything from nothing, {platform.machine()}.",
        "",
        "| catalogs x stars | jobs | wall [s] | CPU [s] | memory [MB] |",
        "| --- | --- | --- | --- | --- |",
    ]
    out = ROOT / "docs" / "benchmarks" / "planning.md"
    out.write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
