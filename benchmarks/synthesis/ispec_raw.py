"""iSpec by itself, as the paper runs it: one call for the whole range at a constant step. Run by ispec.py.

`ISPEC_PYTHON ispec_raw.py ISPEC_DIR JSON OUT.npz`: JSON gives grid, lines, abundances (names in iSpec's input folder),
star (teff, logg, feh, c_fe, alpha_fe, microturbulence), first, last, step [nm]. OUT holds wavelength [Å], flux and the
CPU seconds of the synthesis alone: imports and the reading of the lists, done once for all stars, are not in it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile

import numpy as np


def cpu() -> float:
    """CPU seconds of this process and its children that have ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> None:
    """Synthesise one star."""
    folder, asked, out = sys.argv[1], json.loads(sys.argv[2]), os.path.abspath(sys.argv[3])
    sys.path[0] = folder
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        import ispec

        data = f"{folder}/input"
        grid = ispec.load_modeled_layers_pack(f"{data}/atmospheres/{asked['grid']}")
        lines = ispec.read_atomic_linelist(f"{data}/linelists/transitions/{asked['lines']}/atomic_lines.tsv")
        isotopes = ispec.read_isotope_data(f"{data}/isotopes/SPECTRUM.lst")
        solar = ispec.read_solar_abundances(f"{data}/abundances/{asked['abundances']}/stdatom.dat")
        star = asked["star"]
        target = {"teff": star["teff"], "logg": star["logg"], "MH": star["feh"], "alpha": star["alpha_fe"]}
        carbon = solar["Abund"][solar["code"] == 6][0] + star["feh"] + star["c_fe"]
        fixed = np.array([(6, carbon)], dtype=[("code", int), ("Abund", float)])
        count = round((asked["last"] - asked["first"]) / asked["step"]) + 1
        wavelength = np.round(asked["first"] + asked["step"] * np.arange(count), 6)
        start = cpu()
        layers = ispec.interpolate_atmosphere_layers(grid, target, code="turbospectrum")
        flux = ispec.generate_fundamental_spectrum(
            wavelength,
            layers,
            *target.values(),
            lines,
            isotopes,
            solar,
            fixed,
            star["microturbulence"],
            code="turbospectrum",
            use_molecules=True,
            tmp_dir=work,
        )
        np.savez(out, wavelength=10 * wavelength, flux=flux, seconds=cpu() - start)


# No other guard: `make bench` runs by themselves the scripts that have the usual one.
if len(sys.argv) == 4:
    main()
