"""Chemical composition of a star and its microturbulence.

Solar composition: Asplund et al. 2009, ARA&A 47, 481 (photospheric values, meteoritic where there is none), that of
the C3K models behind the `c3k` atmospheres. [Fe/H] scales all elements heavier than helium; [alpha/Fe] adds to
O Ne Mg Si S Ar Ca Ti, the alpha elements of those models and of Turbospectrum; [C/Fe] adds to carbon.
"""

from __future__ import annotations

import numpy as np

SOLAR_SCALE = "Asplund et al. 2009"
ALPHA_ELEMENTS = {"O": 8, "Ne": 10, "Mg": 12, "Si": 14, "S": 16, "Ar": 18, "Ca": 20, "Ti": 22}
CARBON = 6

# log10 N(X)/N(H) + 12 for Z = 1 to 92; None: no stable isotope, no solar value
_SOLAR: tuple[float | None, ...] = (
    *(12.00, 10.93, 1.05, 1.38, 2.70, 8.43, 7.83, 8.69, 4.56, 7.93),  # H-Ne
    *(6.24, 7.60, 6.45, 7.51, 5.41, 7.12, 5.50, 6.40, 5.03, 6.34),  # Na-Ca
    *(3.15, 4.95, 3.93, 5.64, 5.43, 7.50, 4.99, 6.22, 4.19, 4.56),  # Sc-Zn
    *(3.04, 3.65, 2.30, 3.34, 2.54, 3.25, 2.52, 2.87, 2.21, 2.58),  # Ga-Zr
    *(1.46, 1.88, None, 1.75, 0.91, 1.57, 0.94, 1.71, 0.80, 2.04),  # Nb-Sn
    *(1.01, 2.18, 1.55, 2.24, 1.08, 2.18, 1.10, 1.58, 0.72, 1.42),  # Sb-Nd
    *(None, 0.96, 0.52, 1.07, 0.30, 1.10, 0.48, 0.92, 0.10, 0.84),  # Pm-Yb
    *(0.10, 0.85, -0.12, 0.85, 0.26, 1.40, 1.38, 1.62, 0.92, 1.17),  # Lu-Hg
    *(0.90, 1.75, 0.65, None, None, None, None, None, None, 0.02),  # Tl-Th
    *(None, -0.54),  # Pa, U
)

# Titanium: linemake has no 48TiO, three quarters of all TiO. Its share goes to 47TiO and 49TiO in equal parts: at
# R = 2200 the isotope shift is unresolved. Fractions: Rosman & Taylor 1998. Ti lines carry no isotope, so that
# these fractions touch TiO alone.
TITANIUM_FRACTIONS = {46: 0.0825, 47: 0.0744 + 0.7372 / 2, 49: 0.0541 + 0.7372 / 2, 50: 0.0518}


def abundances(feh: float, c_fe: float, alpha_fe: float) -> dict[int, float]:
    """log10 N(X)/N(H) + 12 of each element: atomic number -> abundance."""
    result = {}
    for number, solar in enumerate(_SOLAR, 1):
        if solar is None:
            continue
        value = solar
        if number > 2:
            value += feh
        if number in ALPHA_ELEMENTS.values():
            value += alpha_fe
        if number == CARBON:
            value += c_fe
        result[number] = value
    return result


def is_carbon_rich(c_fe: float, alpha_fe: float) -> bool:
    """Whether carbon outnumbers oxygen: what CO leaves over is then carbon, not oxygen as in any grid used here.

    In the Sun C/O is 0.55, so this is [C/Fe] - [alpha/Fe] > 0.26.
    """
    star = abundances(0.0, c_fe, alpha_fe)
    return star[CARBON] > star[ALPHA_ELEMENTS["O"]]


def microturbulence(teff: float, logg: float) -> float:
    """Microturbulent velocity [km/s] of Dutra-Ferreira et al. 2016, A&A 585, A75, from 3D models.

    With X = Teff - 5500 K and Y = log g - 4: 0.998 + 3.16e-4 X - 0.253 Y - 2.86e-4 X Y + 0.165 Y^2. Outside the
    range of its 3D models (4500-6500 K, log g 2.5-4.5) the value at the nearest edge is taken.
    """
    x = float(np.clip(teff, 4500.0, 6500.0)) - 5500.0
    y = float(np.clip(logg, 2.5, 4.5)) - 4.0
    return 0.998 + 3.16e-4 * x - 0.253 * y - 2.86e-4 * x * y + 0.165 * y**2
