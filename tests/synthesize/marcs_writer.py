"""Structures written as MARCS files, in the site's layout, so that grids can be made of any atmospheres."""

from __future__ import annotations

from pathlib import Path

import numpy as np

BOLTZMANN, HYDROGEN = 1.380649e-16, 1.6735e-24
MEAN_WEIGHT = 1.26  # of neutral gas
# The optical depths of every MARCS model.
LOG_TAU = np.concatenate([np.arange(-5.0, -3.0, 0.2), np.arange(-3.0, 1.0, 0.1), np.arange(1.0, 2.01, 0.2)]).round(2)
SOLAR = (12.00, 10.93, 1.05, 1.38, 2.70, 8.39, 7.78, 8.66, 4.56, 7.84)


def name_of(teff, logg, feh, alpha_fe, mass=0.0, microturbulence=2, kind="st"):
    """The site's file name."""
    letter = "s" if mass else "p"
    enriched = "_".join(f"{element}+0.00" for element in "cn")
    return (
        f"{letter}{teff:.0f}_g{logg:+.1f}_m{mass:.1f}_t{microturbulence:02.0f}_{kind}_z{feh:+.2f}_a{alpha_fe:+.2f}_"
        f"{enriched}_o{alpha_fe:+.2f}_r+0.00_s+0.00.mod"
    )


def on_marcs_depths(structure) -> dict[str, np.ndarray]:
    """A structure's columns at LOG_TAU."""
    log_tau = structure.log_tau
    assert log_tau[0] < LOG_TAU[0]
    assert log_tau[-1] > LOG_TAU[-1]
    columns = ("column_mass", "temperature", "gas_pressure", "electron_density", "rosseland")
    return {name: np.exp(np.interp(LOG_TAU, log_tau, np.log(getattr(structure, name)))) for name in columns}


def write(folder: Path, labels, structure, mass=0.0, microturbulence=2, carbon=0.0, name=None, radius=None) -> Path:
    """Write one model; returns its path. `structure` has the attributes of Structure."""
    teff, logg, feh, alpha_fe = labels
    columns = on_marcs_depths(structure)
    mass_column, temperature, gas, electrons, rosseland = columns.values()
    density = gas * MEAN_WEIGHT * HYDROGEN / (BOLTZMANN * temperature)
    steps = np.diff(mass_column) / np.sqrt(density[1:] * density[:-1])
    depth = np.concatenate([[0.0], steps.cumsum()])
    depth -= np.interp(0.0, LOG_TAU, depth)
    if radius is None:
        radius = np.sqrt(6.674e-8 * 1.989e33 * mass / 10**logg) if mass else 1.0
    abundances = [value + feh * (number > 2) for number, value in enumerate(SOLAR, 1)]
    abundances[5] += carbon
    rows = [
        name_of(*labels, mass, microturbulence),
        f"{teff:7.0f}.      Teff [K].         Last iteration; yyyymmdd=20080519",
        f"{5.6704e-5 * teff**4:12.4E} Flux [erg/cm2/s]",
        f"{10**logg:12.4E} Surface gravity [cm/s2]",
        f"  {microturbulence:<4.1f}       Microturbulence parameter [km/s]",
        f"  {mass:<4.1f}       " + ("Mass [Msun]" if mass else "No mass for plane-parallel models"),
        f" {feh:+.2f} {alpha_fe:+.2f} Metallicity [Fe/H] and [alpha/Fe]",
        f"{radius:12.4E} " + ("Radius [cm] at Tau(Rosseland)=1.0" if mass else "1 cm radius for plane-parallel models"),
        "  2.0783E-22 Luminosity [Lsun]",
        "  1.50 8.00 0.076 0.00 are the convection parameters: alpha, nu, y and beta",
        "  0.73826 0.24954 1.22E-02 are X, Y and Z, 12C/13C=89 (=solar)",
        "Logarithmic chemical number abundances, H always 12.00",
        "".join(f"{value:7.2f}" for value in abundances),
        *["   0.00" * 10] * 9,
        f"{len(LOG_TAU):4d} Number of depth points",
        "Model structure",
        " k lgTauR  lgTau5    Depth     T        Pe          Pg         Prad       Pturb",
    ]
    electron_pressure = electrons * BOLTZMANN * temperature
    for k, layer in enumerate(zip(LOG_TAU, depth, temperature, electron_pressure, gas, strict=True), 1):
        tau, z, t, pe, pg = layer
        rows.append(f"{k:3d} {tau:5.2f} {tau:7.4f} {z:10.3E} {t:7.1f} {pe:11.4E} {pg:11.4E}  1.0000E+00  0.0000E+00")
    rows.append(" k lgTauR    KappaRoss   Density   Mu      Vconv   Fconv/F      RHOX")
    for k, layer in enumerate(zip(LOG_TAU, rosseland, density, mass_column, strict=True), 1):
        tau, kappa, rho, rhox = layer
        rows.append(f"{k:3d} {tau:5.2f} {kappa:11.4E} {rho:11.4E} 1.260  0.000E+00 0.00000 {rhox:13.6E}")
    path = folder / (name or name_of(*labels, mass, microturbulence))
    path.write_text("\n".join(rows) + "\n", encoding="ascii")
    return path
