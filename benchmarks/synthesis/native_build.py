"""The native build against unmodified Turbospectrum at 0.01 Å: flux and CPU time of 20 stars that span the labels.

In four windows, for each star: the package's own build at constant steps of 0.01 Å and all layers is the truth; the
pipeline's run is compared with it at R = 2200. Then for three of the stars, over the first window, what each setting of
the native build costs and gains beside the package's build at the same step. Time is CPU time of both programs.
Writes docs/benchmarks/native_build.md. The truth takes a quarter of an hour on two cores and is kept in
results/benchmarks/.

    python benchmarks/synthesis/native_build.py [ENGINE_JSON]
"""

from __future__ import annotations

import platform
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from halochem.config import Config
from halochem.synthesize import build, engines
from halochem.synthesize.atmospheres.c3k import C3K
from halochem.synthesize.instrument import response
from halochem.synthesize.turbospectrum import Star, run_star, synthesis_grid
from halochem.wavelengths import pixel_grid

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "results" / "benchmarks" / "truth"
WINDOWS = ((4000.0, 4200.0), (5050.0, 5250.0), (6150.0, 6350.0), (8450.0, 8650.0))
MARGIN = 25.0  # Å of synthesis beyond the compared pixels
TRUTH_STEP = 0.01
# Teff, log g, [Fe/H], [C/Fe], [alpha/Fe]
STARS = tuple(
    Star(*labels)
    for labels in (
        (3500, 4.5, -0.5, 0.0, 0.2),
        (4800, 2.6, -1.2, 1.5, 0.3),
        (6000, 4.0, -1.2, 0.3, 0.3),
        (3050, 5.0, -0.2, 0.1, 0.0),
        (3200, 4.8, -1.5, 1.0, 0.3),
        (3700, 2.5, -0.8, -0.3, 0.2),
        (3900, 5.4, 0.0, 0.5, 0.1),
        (4100, 3.0, -2.0, 2.0, 0.4),
        (4300, 4.6, -1.0, 0.3, 0.2),
        (4500, 2.5, -2.8, 0.8, 0.4),
        (4700, 5.6, -1.6, 1.2, 0.2),
        (5000, 3.2, -0.4, -0.5, 0.1),
        (5200, 4.5, -1.9, 2.3, 0.3),
        (5400, 4.4, -0.8, 0.5, 0.2),
        (5600, 5.9, -1.2, 0.0, 0.3),
        (5777, 4.44, 0.0, 0.0, 0.0),
        (6200, 3.6, -2.5, 1.8, 0.4),
        (6500, 4.2, -0.2, 0.2, 0.0),
        (6800, 5.2, -1.4, 0.9, 0.25),
        (7000, 3.0, 0.1, -0.4, -0.1),
    )
)
TIMED = STARS[:3]


def cpu_seconds() -> float:
    """CPU time of all ended child processes."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def label(star: Star) -> str:
    """The star's labels in one cell."""
    return f"{star.teff:.0f}, {star.logg:g}, {star.feh:g}, {star.c_fe:g}, {star.alpha_fe:g}"


def run(installation: build.Installation, star: Star, window: tuple[float, float], name: str, step: float, thin: bool):
    """Flux at R = 2200 on the window's pixels, and CPU seconds, of one run of build `name`."""
    structure = C3K(installation.c3k)(star.teff, star.logg, star.feh, star.alpha_fe)
    if thin:
        structure = structure.thinned(engines.OUTER_LOG_TAU, engines.INNER_LOG_TAU)
    lists = [installation.line_lists[part] for part in engines.lists_for(star)]
    first, last = window[0] - MARGIN, window[1] + MARGIN
    pixels = pixel_grid(Config().spectrum)
    pixels = pixels[(pixels > window[0]) & (pixels < window[1])]
    start = cpu_seconds()
    flux = run_star(installation.builds[name], star, structure, lists, (first, last), step, 7200.0)
    seconds = cpu_seconds() - start
    grid = synthesis_grid(first, step, len(flux), geometric=name == "native")
    return response(grid, pixels, Config().spectrum.resolution) @ flux, seconds


def truth(arguments: tuple[Path, Star, tuple[float, float]]) -> np.ndarray:
    """The package's own build at 0.01 Å, computed or found."""
    engine_json, star, window = arguments
    installation = build.load(engine_json)
    name = f"{label(star).replace(', ', '_')}-{window[0]:.0f}-{window[1]:.0f}-{installation.line_list_hash[:8]}.npy"
    if not (KEPT / name).is_file():
        KEPT.mkdir(parents=True, exist_ok=True)
        flux, _ = run(installation, star, window, "reference", TRUTH_STEP, thin=False)
        np.save(KEPT / name, flux)
    return np.load(KEPT / name)


def fidelity(installation: build.Installation, engine_json: Path) -> list[str]:
    """Markdown rows: the pipeline's run of each star against the truth."""
    step = Config().synthesis.step
    tasks = [(engine_json, star, window) for star in STARS for window in WINDOWS]
    lines = []
    with ProcessPoolExecutor(2) as pool:
        truths = pool.map(truth, tasks)
        for star in STARS:
            off = []
            for window in WINDOWS:
                flux, _ = run(installation, star, window, "native", step, thin=True)
                off.append(flux - next(truths))
            every = np.concatenate(off)
            cells = [f"{np.abs(part).max():.4f}" for part in off]
            lines.append(
                f"| {label(star)} | {' | '.join(cells)} | {np.abs(every).max():.4f} | "
                f"{np.sqrt(np.mean(every**2)):.5f} |"
            )
            print(lines[-1], flush=True)
    return lines


def speed(installation: build.Installation, engine_json: Path) -> list[str]:
    """Markdown rows: CPU time and flux error of builds and settings, side by side."""
    step, window = Config().synthesis.step, WINDOWS[1]
    runs = {
        f"reference, {step:g} Å": ("reference", step, False),
        f"native, {step:g} Å, all layers": ("native", step, False),
        f"native, {step:g} Å, 56 layers": ("native", step, True),
        "native, 0.03 Å, all layers": ("native", 0.03, False),
        "native, 0.04 Å, all layers": ("native", 0.04, False),
    }
    lines = []
    for star in TIMED:
        right, first = truth((engine_json, star, window)), None
        for name, settings in runs.items():
            flux, seconds = run(installation, star, window, *settings)
            first = first or seconds
            off = np.abs(flux - right)
            lines.append(
                f"| {label(star)} | {name} | {seconds:.1f} | {first / seconds:.1f} | {off.max():.4f} | "
                f"{np.sqrt(np.mean(off**2)):.5f} |"
            )
            print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Measure and write both tables."""
    engine_json = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "resources" / "turbospectrum" / "engine.json"
    installation = build.load(engine_json)
    windows = [f"{first:g}-{last:g} Å" for first, last in WINDOWS]
    lines = [
        "# The native build against unmodified Turbospectrum",
        "",
        f"`python benchmarks/synthesis/native_build.py` on {platform.processor() or platform.machine()}, "
        f"{installation.description['compiler']}.",
        "",
        "## Flux",
        "",
        f"The pipeline's run (native, {Config().synthesis.step:g} Å) against the package's own build at "
        f"{TRUTH_STEP:g} Å with all layers, at R = 2200: largest difference in each window, over all, and rms.",
        "",
        f"| Teff, log g, [Fe/H], [C/Fe], [α/Fe] | {' | '.join(windows)} | largest | rms |",
        "| --- | " + "--- | " * (len(windows) + 1) + "--- |",
        *fidelity(installation, engine_json),
        "",
        "## Time",
        "",
        f"CPU seconds of babsma and bsyn over {windows[1]} on one core, and the flux error of each.",
        "",
        "| Teff, log g, [Fe/H], [C/Fe], [α/Fe] | run | CPU [s] | times faster | largest error | rms error |",
        "| --- | --- | --- | --- | --- | --- |",
        *speed(installation, engine_json),
    ]
    out = ROOT / "docs" / "benchmarks" / "native_build.md"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(out)


if __name__ == "__main__":
    main()
