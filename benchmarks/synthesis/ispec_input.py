"""An `input` folder for iSpec made of this project's own lists and atmospheres, in iSpec's formats.

`python benchmarks/synthesis/ispec_input.py FOLDER` writes into FOLDER (iSpec's `input`): the prepared atomic lines as
linelists/transitions/halochem/, C2, CN, hydrides, TiO and FeH as linelists/turbospectrum/molecules/, abundances of
Asplund et al. 2009, isotopes, and the grid MARCS.c3k: a box of c3k models around each star of ispec.py, with as
many layers as MARCS models have, 56, but out to log tau -6.2: cut at MARCS's -5, the cores of a giant's strong lines
would be 0.003 shallower at R = 2200. So engines are compared, not their inputs.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from astropy.table import Table
from scipy.interpolate import CubicSpline

from halochem.synthesize import build, composition
from halochem.synthesize.atmospheres.c3k import C3K, nearest_covered
from halochem.synthesize.atmospheres.structure import Structure
from halochem.synthesize.lines import bsyn_list
from halochem.synthesize.lines.species import SYMBOLS
from halochem.synthesize.turbospectrum import Star

ROOT = Path(__file__).resolve().parents[2]
NAME = "halochem"
GRID = "MARCS.c3k"
# dwarf, giant, metal-poor, carbon-rich, cool with TiO, hot
STARS = {
    "dwarf": Star(6000.0, 4.0, -1.2, 0.3, 0.3),
    "giant": Star(4800.0, 2.6, -0.6, 0.0, 0.2),
    "metal-poor": Star(5300.0, 3.0, -2.8, 0.2, 0.4),
    "carbon-rich": Star(5000.0, 2.8, -1.8, 2.0, 0.3),
    "cool": Star(3500.0, 4.5, -0.5, 0.0, 0.2),
    "hot": Star(6800.0, 4.2, -0.3, 0.0, 0.1),
}
# Half the box around a star: a linear interpolation of 80 K errs by far less than what is compared.
HALF = (40.0, 0.1, 0.1, 0.05)  # teff, logg, feh, alpha_fe
BOLTZMANN = 1.380649e-16
# log tau_Ross of every model.
DEPTHS = np.concatenate([np.linspace(-6.2, -4.0, 11, endpoint=False), np.linspace(-4.0, 1.6, 45)])
MOLECULES_FROM, MOLECULES_TO, MOLECULES_STEP = 370, 1070, 100  # nm
# Columns of iSpec's atomic lines that Turbospectrum needs; text columns of the others hold "none", numbers 0.
COLUMNS = (
    *("element", "wave_A", "wave_nm", "loggf", "lower_state_eV", "lower_state_cm1", "lower_j", "upper_state_eV"),
    *("upper_state_cm1", "upper_j", "upper_g", "lande_lower", "lande_upper", "spectrum_transition_type"),
    *("turbospectrum_rad", "rad", "stark", "waals", "waals_single_gamma_format", "turbospectrum_fdamp"),
    *("spectrum_fudge_factor", "theoretical_depth", "theoretical_ew", "lower_orbital_type", "upper_orbital_type"),
    *("molecule", "spectrum_synthe_isotope", "ion", "spectrum_moog_species", "turbospectrum_species"),
    *("width_species", "reference_code", "nlte", "nlte_level_low", "nlte_level_up", "nlte_label_low"),
    *("nlte_label_up", "spectrum_support", "turbospectrum_support", "moog_support", "width_support"),
    *("synthe_support", "sme_support"),
)
TEXT = {
    **dict.fromkeys(("spectrum_moog_species", "width_species", "reference_code"), "none"),
    **dict.fromkeys(("nlte_label_low", "nlte_label_up"), "none"),
    **{name: "F" for name in COLUMNS if name.endswith("_support")},
    **{"molecule": "F", "nlte": "F", "turbospectrum_support": "T", "spectrum_transition_type": "GA"},
}
WHOLE = ("spectrum_synthe_isotope", "ion", "nlte_level_low", "nlte_level_up")


def write_atoms(path: Path, lists: list[bsyn_list.Lines]) -> None:
    """The atomic lines, in order of wavelength."""
    defaults = {name: TEXT.get(name, 0 if name in WHOLE else 0.0) for name in COLUMNS}
    rows = []
    for lines in lists:
        species = {
            "element": f"{SYMBOLS[lines.species.atoms[0] - 1]} {lines.species.charge + 1}",
            "ion": lines.species.charge + 1,
            "turbospectrum_species": lines.species.turbospectrum.strip("' "),
        }
        numbers = (getattr(lines, name).tolist() for name in (*bsyn_list.NUMBERS, "levels"))
        for wave, excitation, log_gf, damping, weight, radiative, levels in zip(*numbers, strict=True):
            line = {
                **{"wave_A": wave, "wave_nm": round(wave / 10, 5), "loggf": log_gf, "lower_state_eV": excitation},
                **{"upper_g": weight, "turbospectrum_rad": radiative, "turbospectrum_fdamp": damping},
                **{"lower_orbital_type": levels[0], "upper_orbital_type": levels[1]},
            }
            rows.append((wave, "\t".join(str(value) for value in {**defaults, **species, **line}.values())))
    rows.sort()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\t".join(COLUMNS) + "\n" + "\n".join(row for _, row in rows) + "\n", encoding="utf-8")


def write_molecules(folder: Path, name: str, lists: list[bsyn_list.Lines]) -> None:
    """A list as files of 100 nm each, which iSpec chooses from by their names."""
    folder.mkdir(parents=True, exist_ok=True)
    for first in range(MOLECULES_FROM, MOLECULES_TO, MOLECULES_STEP):
        last = first + MOLECULES_STEP
        part = [lines.between(10.0 * first, 10.0 * last - 0.0005) for lines in lists]
        if any(map(len, part)):
            bsyn_list.write(part, folder / f"{name}_{first}-{last}.bsyn", NAME)


def write_abundances(path: Path) -> None:
    """Relative to all nuclei, with the constant that iSpec adds again."""
    solar = composition.abundances(0.0, 0.0, 0.0)
    rows = [f"{z} {solar.get(z, -7.964) - 12.036:.3f} 1.0 0.0 0.0 0.0 0.0 3" for z in range(1, 93)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("code Abund Amass I1 I2 I3 I4 maxcharge\n" + "\n".join(rows) + "\n", encoding="utf-8")


def write_isotopes(path: Path) -> None:
    """Titanium alone, as the prepared TiO needs it (composition.py); Turbospectrum has the others itself."""
    rows = [f"22 {mass} {mass:.3f} {fraction:.4f}" for mass, fraction in composition.TITANIUM_FRACTIONS.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def on_common_depths(structure: Structure) -> Structure:
    """The structure at DEPTHS, its columns interpolated in the log by a cubic spline."""
    columns = ("column_mass", "temperature", "gas_pressure", "electron_density", "rosseland")
    depth = structure.log_tau
    assert depth[0] < DEPTHS[0]
    assert depth[-1] > DEPTHS[-1]
    splines = {name: CubicSpline(depth, np.log(getattr(structure, name))) for name in columns}
    return Structure(**{name: np.exp(spline(DEPTHS)) for name, spline in splines.items()})


def optical_depths(engine, structure: Structure, labels: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """log tau at 5000 Å and density [g cm-3] of each layer, from babsma's opacity file."""
    teff, logg, feh, alpha_fe = labels
    elements = composition.abundances(feh, 0.0, alpha_fe)
    rows = [
        *("'LAMBDA_MIN:' '5000.'", "'LAMBDA_MAX:' '5010.'", "'LAMBDA_STEP:' '1.'", "'MODELINPUT:' 'model'"),
        *("'MARCS-FILE:' '.false.'", "'MODELOPAC:' 'opacity'", "'METALLICITY:' '0.'", "'ALPHA/Fe:' '0.'"),
        *("'HELIUM:' '0.'", "'R-PROCESS:' '0.'", "'S-PROCESS:' '0.'"),
        f"'INDIVIDUAL ABUNDANCES:' '{len(elements)}'",
        *(f"{number} {value:.4f}" for number, value in elements.items()),
        *("'XIFIX:' 'T'", "1.0"),
    ]
    with tempfile.TemporaryDirectory() as work:
        (Path(work) / "DATA").symlink_to(engine.data.resolve())
        structure.write_kurucz(Path(work) / "model", teff, logg)
        text = ("\n".join(rows) + "\n").encode()
        subprocess.run([engine.babsma.resolve()], cwd=work, input=text, stdout=subprocess.DEVNULL, check=True)
        words = (Path(work) / "opacity").read_text(encoding="latin-1").split("\n")
    layers = [row.split() for row in words]
    layers = [list(map(float, row)) for row in layers if len(row) == 8 and _numbers(row)]
    # rr, tau, T, Pe, Pg, density, ...; the temperature tells these rows from others of eight numbers.
    table = np.array([row for row in layers if np.isclose(structure.temperature, row[2], rtol=1e-4).any()])
    assert len(table) == len(structure.temperature), f"{len(table)} layers in babsma's file"
    return np.log10(table[:, 1]), table[:, 5]


def _numbers(words: list[str]) -> bool:
    try:
        list(map(float, words))
    except ValueError:
        return False
    return True


def write_grid(folder: Path, installation: build.Installation, stars: Iterable[Star]) -> int:
    """Boxes of models around the stars; returns how many."""
    atmospheres, engine = C3K(installation.c3k), installation.builds["reference"]
    (folder / "grid").mkdir(parents=True, exist_ok=True)
    nodes = set()
    for star in stars:
        centre = (star.teff, star.logg, star.feh, star.alpha_fe)
        for signs in itertools.product((-1, 1), repeat=4):
            nodes.add(tuple(round(c + s * h, 3) for c, s, h in zip(centre, signs, HALF, strict=True)))
    table = ["filename\tteff\tlogg\tMH\talpha"]
    for labels in sorted(nodes):
        assert not nearest_covered(*labels)[1], f"{labels} is not covered by c3k"
        structure = atmospheres(*labels)
        structure = on_common_depths(structure)
        structure.check()
        log_tau5, density = optical_depths(engine, structure, labels)
        name = "grid/{:.0f}_{:.2f}_{:.2f}_{:.2f}.fits".format(*labels)
        _model(structure, log_tau5, density).write(folder / name, overwrite=True)
        table.append("\t".join([f"./{name}", *(f"{value:g}" for value in labels)]))
    (folder / "parameters.tsv").write_text("\n".join(table) + "\n", encoding="utf-8")
    return len(nodes)


def _model(structure: Structure, log_tau5: np.ndarray, density: np.ndarray) -> Table:
    zero = np.zeros(len(log_tau5))
    steps = 2 * np.diff(structure.column_mass) / (density[1:] + density[:-1])
    depth = np.concatenate([[0.0], steps.cumsum()])
    return Table(
        {
            "rhox": structure.column_mass,
            "temperature": structure.temperature,
            "pgas": structure.gas_pressure,
            "xne": structure.electron_density,
            "abross": structure.rosseland,
            **{"accrad": zero, "vturb": zero, "logtau5": log_tau5},
            "depth": depth - np.interp(0.0, DEPTHS, depth),
            "pelectron": structure.electron_density * BOLTZMANN * structure.temperature,
            **{f"{name}_enhancement": zero for name in ("alpha", "c", "n", "o", "rapid_neutron_capture")},
            "slow_neutron_capture_enhancement": zero,
            **{"radius": zero + 1.0, "mass": zero, "vmic": zero + 1.0},
        }
    )


def write_input(
    folder: Path, installation: build.Installation, stars: Iterable[Star] = STARS.values(), grid: str = GRID
) -> None:
    """Everything that the engine `ispec` needs of iSpec's input folder; the lists only where they have changed."""
    lists, stamp = installation.line_lists, folder / f"{NAME}.txt"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != installation.line_list_hash:
        write_atoms(folder / "linelists" / "transitions" / NAME / "atomic_lines.tsv", bsyn_list.read(lists["atoms"]))
        for name in ("molecules", "cool"):
            write_molecules(folder / "linelists" / "turbospectrum" / "molecules", name, bsyn_list.read(lists[name]))
        stamp.write_text(installation.line_list_hash, encoding="utf-8")
    write_abundances(folder / "abundances" / "Asplund.2009" / "stdatom.dat")
    write_isotopes(folder / "isotopes" / "SPECTRUM.lst")
    print(write_grid(folder / "atmospheres" / grid, installation, stars), "models in", folder / "atmospheres" / grid)


def main() -> None:
    """Write the folder that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="iSpec's input folder, made if it is not there")
    folder = parser.parse_args().folder
    if folder is None:
        print("skipped: no folder given")
        return
    write_input(folder, build.load(ROOT / "resources" / "turbospectrum" / "engine.json"))


if __name__ == "__main__":
    main()
