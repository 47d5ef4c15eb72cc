"""Engine against engine: iSpec by itself, our engine `ispec`, and our engine `turbospectrum`, star by star.

For six stars, 4000-10400 Å, the same lines, atmospheres and abundances for all (ispec_input.py): flux differences at
R = 2200, away from iSpec's seams at 100 nm boundaries and at them, and CPU seconds. iSpec by itself runs as in the
paper, in one call at a constant step of 0.05 Å; so does the run that shows its seams. Needs $ISPEC_DIR and
$ISPEC_PYTHON (docs/ispec.md); writes into $ISPEC_DIR/input what is not there. Writes docs/benchmarks/ispec.md; takes
half an hour on one core that has nothing else to do. `--stars dwarf cool` takes these alone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from ispec_input import GRID, NAME, ROOT, STARS, write_input

from halochem import config
from halochem.synthesize import build, composition, engines
from halochem.synthesize.instrument import response
from halochem.synthesize.turbospectrum import Star
from halochem.wavelengths import pixel_grid

ENGINE = ROOT / "resources" / "turbospectrum" / "engine.json"
OUT = ROOT / "docs" / "benchmarks" / "ispec.md"
ISPEC = {
    "time_limit": 36_000.0,  # the machine may be busy with other things
    "engine": "ispec",
    "ispec_atmospheres": GRID,
    "ispec_line_list": NAME,
    "ispec_abundances": "Asplund.2009",
}
RAW_STEP, RAW_MARGIN = 0.05, 80.0  # Å
SEAM = 20.0  # Å: pixels this close to a seam count as at it
PIXELS = pixel_grid(config.Spectrum())


def cpu() -> float:
    """CPU seconds of this process, its ended children, and iSpec's worker, which lives on, with its children."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    seconds = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended just now
            words = stat.read_text(encoding="ascii").rpartition(")")[2].split()
            if int(words[1]) == os.getpid() and b"ispec_worker" in stat.with_name("cmdline").read_bytes():
                seconds += sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")
    return seconds


def raw(star: Star) -> tuple[np.ndarray, float, np.ndarray]:
    """iSpec by itself: flux on the pixels, CPU seconds, and where its seams are [Å]."""
    first, last = PIXELS[0] - RAW_MARGIN, config.Spectrum().wavelength[1] + RAW_MARGIN
    first = float(np.round(first))
    asked = {
        "grid": GRID,
        "lines": NAME,
        "abundances": ISPEC["ispec_abundances"],
        "star": {**vars(star), "microturbulence": composition.microturbulence(star.teff, star.logg)},
        "first": first / 10,
        "last": last / 10,
        "step": RAW_STEP / 10,
    }
    with tempfile.TemporaryDirectory() as work:
        out = Path(work) / "out.npz"
        script = Path(__file__).with_name("ispec_raw.py")
        command = [os.environ["ISPEC_PYTHON"], script, os.path.abspath(os.environ["ISPEC_DIR"]), json.dumps(asked), out]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, check=True, cwd=work, env={**os.environ, "OMP_NUM_THREADS": "1"}, **quiet)
        with np.load(out) as file:
            wavelength, flux, seconds = file["wavelength"], file["flux"], float(file["seconds"])
    seams = np.arange(first + 1000.0, last, 1000.0)
    return response(wavelength[3:-3], PIXELS, config.Spectrum().resolution) @ flux[3:-3], seconds, seams


def timed(engine, star: Star) -> tuple[np.ndarray, float]:
    """An engine's flux and its CPU seconds."""
    start = cpu()
    flux, _, note = engine(star, safe=False)
    assert " for " not in note, f"{star}: {note}"
    return flux, cpu() - start


def compare(name: str, star: Star, ispec, turbospectrum) -> list[str]:
    """Markdown rows of the two tables for one star."""
    alone, t_alone, seams = raw(star)
    driven, t_driven = timed(ispec, star)
    direct, t_direct = timed(turbospectrum, star)
    at_seam = (np.abs(PIXELS[:, None] - seams) < SEAM).any(axis=1)
    cells = []
    for flux in (alone, driven):
        off = np.abs(flux - direct)
        away = off[~at_seam]
        cells += [f"{np.sqrt(np.mean(away**2)):.5f}", f"{away.max():.4f}", f"{off[at_seam].max():.4f}"]
    label = f"{name}: {star.teff:.0f}, {star.logg:g}, {star.feh:g}, {star.c_fe:g}, {star.alpha_fe:g}"
    rows = [
        f"| {label} | " + " | ".join(cells) + " |",
        f"| {label} | {t_alone:.0f} | {t_driven:.0f} | {t_direct:.1f} | **{t_alone / t_direct:.1f}** | "
        f"{t_driven / t_direct:.1f} |",
    ]
    print("\n".join(rows), flush=True)
    return rows


def main() -> None:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stars", nargs="+", default=list(STARS), choices=list(STARS), metavar="NAME")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help="(%(default)s)")
    arguments = parser.parse_args()
    for name in ("ISPEC_DIR", "ISPEC_PYTHON"):
        if name not in os.environ:
            print(f"skipped: ${name} is not set; docs/ispec.md tells how to come by an iSpec")
            return
    installation = build.load(ENGINE)
    write_input(Path(os.environ["ISPEC_DIR"]) / "input", installation)
    start = time.monotonic()
    ispec = engines.make(config.validate({"synthesis": ISPEC}, "this benchmark"), ENGINE)
    print(f"iSpec's worker was ready after {time.monotonic() - start:.0f} s", flush=True)
    turbospectrum = engines.make(config.Config(), ENGINE)
    found = [compare(name, STARS[name], ispec, turbospectrum) for name in arguments.stars]
    ispec.close()
    arguments.out.write_text(page(found, ispec.settings, turbospectrum.settings), encoding="utf-8")
    print(arguments.out)


def page(found: list[list[str]], ispec: dict[str, str], turbospectrum: dict[str, str]) -> str:
    """docs/benchmarks/ispec.md."""
    step, machine = config.Synthesis().step, platform.processor() or platform.machine()
    lines = [
        "# iSpec and the engines",
        "",
        f"`python benchmarks/synthesis/ispec.py` on one core of a {machine}; engines `{ispec['engine']}` and",
        f"`{turbospectrum['engine']}` ({turbospectrum['compiler']}).",
        "4000-10400 Å, the same lines, abundances and (c3k) atmospheres for all.",
        "Stars by Teff, log g, [Fe/H], [C/Fe], [α/Fe].",
        "",
        "## Flux at R = 2200, against engine `turbospectrum`",
        "",
        f"*iSpec alone*: one call at a constant {RAW_STEP:g} Å, as the paper runs it. *Engine `ispec`*: overlapping "
        f"pieces, {step:g} Å at the blue end.",
        f"*At seams*: within {SEAM:g} Å of the ends of the 100 nm runs that iSpec makes of a longer one.",
        "",
        "| star | iSpec alone: rms | max | max at seams | engine `ispec`: rms | max | max at seams |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(rows[0] for rows in found),
        "",
        "## CPU seconds a star",
        "",
        "Of the synthesis, without start and reading of lists. The ratios are to engine `turbospectrum`, on the same "
        "machine in the same run.",
        "",
        "| star | iSpec alone | engine `ispec` | engine `turbospectrum` | iSpec alone / `turbospectrum` | "
        "`ispec` / `turbospectrum` |",
        "| --- | --- | --- | --- | --- | --- |",
        *(rows[1] for rows in found),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
