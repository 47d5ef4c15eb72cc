"""What the native build gains and what it costs in flux: side by side with the package's own build, as ratios.

For three stars, over WINDOW: the reference build at constant steps of 0.01 Å is the truth; then the reference and the
native build as the pipeline runs them. Time is CPU time of babsma and bsyn together; flux is compared at R = 2200.
Writes docs/benchmarks/native_build.md. Takes about ten minutes on one core.
"""

from __future__ import annotations

import platform
import resource
from pathlib import Path

import numpy as np

from halochem.config import Config
from halochem.synthesize import build
from halochem.synthesize.atmospheres.c3k import C3K
from halochem.synthesize.engines import INNER_LOG_TAU, OUTER_LOG_TAU, needs_cool_list
from halochem.synthesize.instrument import response
from halochem.synthesize.turbospectrum import Star, run_star, synthesis_grid
from halochem.wavelengths import pixel_grid

ROOT = Path(__file__).resolve().parents[2]
WINDOW = (4200.0, 5600.0)
EDGE = 20.0  # Å beyond the compared pixels
STARS = (
    Star(6000.0, 4.0, -1.2, 0.3, 0.3),
    Star(4800.0, 2.6, -1.2, 1.5, 0.3),
    Star(3500.0, 4.5, -0.5, 0.0, 0.2),
)


def cpu_seconds() -> float:
    """CPU time of all ended child processes."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Bench:
    """The runs of one star."""

    def __init__(self, installation: build.Installation, star: Star) -> None:
        self.installation, self.star = installation, star
        self.structure = C3K(installation.c3k)(star.teff, star.logg, star.feh, star.alpha_fe)
        names = ("atoms", "molecules", *(("cool",) if needs_cool_list(star) else ()))
        self.lists = [installation.line_lists[name] for name in names]
        pixels = pixel_grid(Config().spectrum)
        self.pixels = pixels[(pixels > WINDOW[0] + EDGE) & (pixels < WINDOW[1] - EDGE)]

    def run(self, name: str, step: float, thin: bool) -> tuple[np.ndarray, float]:
        """Flux on the pixels and CPU seconds of one run of build `name`."""
        structure = self.structure.thinned(OUTER_LOG_TAU, INNER_LOG_TAU) if thin else self.structure
        start = cpu_seconds()
        flux = run_star(self.installation.builds[name], self.star, structure, self.lists, WINDOW, step, 3600.0)
        seconds = cpu_seconds() - start
        grid = synthesis_grid(WINDOW[0], step, len(flux), geometric=name == "native")
        return response(grid, self.pixels, Config().spectrum.resolution) @ flux, seconds


def rows(bench: Bench) -> list[str]:
    """Markdown rows of one star."""
    step = Config().synthesis.step
    truth, _ = bench.run("reference", 0.01, thin=False)
    runs = {
        f"reference, {step:g} Å": ("reference", step, False),
        f"native, {step:g} Å, all layers": ("native", step, False),
        f"**native, {step:g} Å** (published run)": ("native", step, True),
        "native, 0.03 Å (quickstart)": ("native", 0.03, True),
    }
    lines, first = [], None
    star = bench.star
    label = f"{star.teff:.0f} K, {star.logg:g}, [Fe/H] {star.feh:g}, [C/Fe] {star.c_fe:g}"
    for name, arguments in runs.items():
        flux, seconds = bench.run(*arguments)
        first = first or seconds
        off = np.abs(flux - truth)
        lines.append(
            f"| {label} | {name} | {seconds:.1f} | {first / seconds:.1f} | {off.max():.4f} | "
            f"{np.sqrt(np.mean(off**2)):.5f} |"
        )
        print(lines[-1], flush=True)
        label = ""
    return lines


def main() -> None:
    """Measure and write the table."""
    installation = build.load(ROOT / "resources" / "turbospectrum" / "engine.json")
    lines = [
        "# The native build against the package's own",
        "",
        f"`python benchmarks/synthesis/native_build.py`, {WINDOW[0]:g}-{WINDOW[1]:g} Å, on one core of a "
        f"{platform.processor() or platform.machine()},",
        f"{installation.description['compiler']}. Flux against the reference build at 0.01 Å, at R = 2200.",
        "",
        "| star | run | CPU [s] | times faster | largest error | rms error |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for star in STARS:
        lines += rows(Bench(installation, star))
    out = ROOT / "docs" / "benchmarks" / "native_build.md"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(out)


if __name__ == "__main__":
    main()
