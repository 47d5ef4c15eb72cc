"""One catalog by each engine, through Snakemake: what differs, what must not, and what it cost.

`snakemake --cores 2 results/catalogs/halo-7.h5` with engines turbospectrum (native and reference build), emulator and
ispec, six stars at 4000-10400 Å, then compared against the native build's. Stars keep away from the atmospheres' edges
(SETTINGS), for iSpec gets a grid made around them (ispec_input.py). Engine ispec is left out where $ISPEC_DIR and
$ISPEC_PYTHON are not set. Writes docs/benchmarks/catalogs.md; with iSpec it takes 25 minutes on one core.

    python benchmarks/synthesis/catalogs.py [ENGINE ...]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import yaml
from ispec_input import NAME, ROOT, write_input

from halochem import config
from halochem.files import Catalog, read_catalog, read_labels
from halochem.synthesize import build
from halochem.synthesize.turbospectrum import Star

SEED = 7
CATALOG = f"results/catalogs/halo-{SEED}.h5"
GRID = f"MARCS.halo-{SEED}"
OUT = ROOT / "docs" / "benchmarks" / "catalogs.md"
SETTINGS = {"seeds": [SEED], "sample": {"n_stars": 6, "teff": [4200.0, 6800.0], "logg": [2.6, 4.8]}}
FIRST = "turbospectrum"
ENGINES = {
    FIRST: {"engine": "turbospectrum"},
    "turbospectrum, reference build": {"engine": "turbospectrum", "build": "reference"},
    "emulator": {"engine": "emulator", "check_stars": 0},
    "ispec": {
        **{"engine": "ispec", "ispec_atmospheres": GRID, "ispec_line_list": NAME},
        "ispec_abundances": "Asplund.2009",
    },
}


def project(folder: Path) -> Path:
    """A folder in which Snakemake finds the repository's workflow and leaves the repository's results alone."""
    folder.mkdir()
    for name in ("Snakefile", "workflow", "profiles", "config", "resources"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def make(folder: Path, name: str) -> tuple[Path, float]:
    """The catalog by an engine, moved aside so that the next engine's can be made; and the wall seconds."""
    settings = {**SETTINGS, "synthesis": {"chunk_size": 3, "time_limit": 3600.0, **ENGINES[name]}}
    (folder / "catalogs.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    start = time.monotonic()
    command = (sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "catalogs.yaml", CATALOG)
    result = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        raise SystemExit(f"engine {name}:\n{result.stdout}")
    kept = folder / f"{name}.h5"
    (folder / CATALOG).replace(kept)
    return kept, time.monotonic() - start


def give_ispec_its_grid(folder: Path) -> None:
    """Models around the catalog's stars, in iSpec's own input folder."""
    labels = read_labels(next(folder.glob(f"results/labels/halo-{SEED}.parquet")))
    columns = ["teff", "logg", "feh", "c_fe", "alpha_fe"]
    stars = [Star(*map(float, row)) for row in labels[columns].to_numpy()]
    installation = build.load(ROOT / "resources" / "turbospectrum" / "engine.json")
    write_input(Path(os.environ["ISPEC_DIR"]) / "input", installation, stars, GRID)


def noise(catalog: Catalog) -> np.ndarray:
    """What `observe` added, in sigma."""
    return (catalog.flux - catalog.flux_clean) / catalog.sigma


def row(name: str, path: Path, seconds: float, first: Catalog) -> str:
    """An engine's line of the table, against the first engine's catalog."""
    catalog = read_catalog(path)
    with h5py.File(path) as file:
        attributes = {key: str(value) for key, value in file.attrs.items()}
    if not (catalog.labels.equals(first.labels) and np.array_equal(catalog.wavelength, first.wavelength)):
        raise SystemExit(f"engine {name}: labels or wavelengths differ from those of engine {FIRST}")
    off = catalog.flux_clean - first.flux_clean
    rms = np.sqrt((off**2).mean(axis=1))
    cells = (
        name,
        attributes["engine"],
        attributes["atmospheres"],
        attributes["line_list_hash"][:12],
        f"{np.median(rms):.5f}, {rms.max():.5f}",
        f"{np.abs(off).max():.4f}",
        f"{np.abs(noise(catalog) - noise(first)).max():.0e}",
        f"{seconds:.0f}",
    )
    print(row := "| " + " | ".join(cells) + " |", flush=True)
    return row


def page(rows: list[str]) -> str:
    """docs/benchmarks/catalogs.md."""
    sample = SETTINGS["sample"]
    lines = [
        "# One catalog by each engine",
        "",
        "`python benchmarks/synthesis/catalogs.py`: `snakemake --cores 2 --configfile FILE results/catalogs/halo-7.h5`",
        f"with each engine. {sample['n_stars']} stars, Teff {sample['teff'][0]:.0f}-{sample['teff'][1]:.0f} K, log g",
        f"{sample['logg'][0]:g}-{sample['logg'][1]:g}, 4000-10400 Å, R = 2200. Labels (jittered Teff and log g among",
        "them) and wavelengths are the same to the last bit, else the script stops. Flux (without noise) and noise are",
        f"compared with engine `{FIRST}`, native build.",
        "",
        "| engine | as in the file | atmospheres | lines (SHA-256) | rms of a star: median, largest "
        "| largest difference in a pixel | largest difference of noise / σ | wall seconds, two jobs |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *rows,
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make the catalogs and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("engines", nargs="*", default=list(ENGINES), metavar="ENGINE", help=", ".join(ENGINES))
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help="(%(default)s)")
    arguments = parser.parse_args()
    config.validate(SETTINGS, "this benchmark")
    names = [FIRST, *(name for name in ENGINES if name in arguments.engines and name != FIRST)]
    if "ispec" in names and not {"ISPEC_DIR", "ISPEC_PYTHON"} <= os.environ.keys():
        print("engine ispec is left out: $ISPEC_DIR and $ISPEC_PYTHON are not both set (docs/ispec.md)")
        names.remove("ispec")
    with tempfile.TemporaryDirectory() as temporary:
        folder = project(Path(temporary) / "project")
        rows, first = [], None
        for name in names:
            if name == "ispec":
                give_ispec_its_grid(folder)
            path, seconds = make(folder, name)
            first = first or read_catalog(path)
            rows.append(row(name, path, seconds, first))
    arguments.out.write_text(page(rows), encoding="utf-8")
    print(arguments.out)


if __name__ == "__main__":
    main()
