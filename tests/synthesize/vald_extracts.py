"""Extracts as VALD sends them, a line or two each, and where real ones lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SCALED = "* oscillator strengths were scaled by the solar isotopic ratios.\n References:\n  1. Kurucz\n"
NOT_SCALED = SCALED.replace("were", "were NOT")

SHORT_STELLAR = """\
 5000.00000, 5005.00000, 2, 6413, 1.0 Wavelength region, lines selected, lines processed, Vmicro
                                                  Damping parameters    Lande  Central
Spec Ion       WL_vac(A)  Excit(eV) Vmic log gf* Rad.   Stark   Waals   factor  depth  Reference
'Fe 1',        5003.2584,  3.8816, 1.0,  0.010, 8.180,-5.290, 725.240,  1.110, 0.782, '   1 wl:K14   5 BPM Fe         '
'La 2',        5000.8547,  0.4030, 1.0, -0.770, 0.000, 0.000,   0.000,  1.210, 0.222, '  12 wl:LBS  12 LBS La+       '
'castelli_ap00k2_T05750G40.krz',
'H :  0.92','He: -1.11',
'Es:-20.00','END'
"""
SHORT_ALL = """\
                                             Damping parameters  Lande
Elm Ion       WL_vac(A) Excit(eV) log gf*   Rad.  Stark    Waals factor   References
'CN 1',      5001.00751,   0.2895, -1.137,  7.180, 0.000,   0.000, 99.000,'   6 wl:BRW   6 BRW    (12)C(14)N'
'Fe 1',      5003.25840,   3.8816,  0.010,  0.000,-5.290,   0.000,  1.110,'   1 wl:K14   1 K14    Fe'
"""
LONG_ALL = """\
                                                                               Lande factors        Damping parameters
Elm Ion       WL_air(A)  log gf* E_low(cm^-1)   J lo  E_up(cm^-1)   J up   lower   upper    mean   Rad.  Stark    Waals
'Ti 1',      4998.72899,  -0.760,  25102.875,    2.0,  45102.381,    3.0,  1.930,  1.360,  0.780, 7.970,-5.260,  -7.540
'  LS                                                             3d2.(3P).4s.4p.(3P*) z5S*'
'  LS                                                                     3d2.4s.(2D).5s 3D'
'_          Kurucz TiI 2016    7 wl:K16   7 gf:K16   7 K16   7 K16   7 K16   7 K16   7 K16   7 K16   7 K16          Ti'
"""
LONG_STELLAR = """\
 5000.00000, 5001.00000, 1, 6413, 1.0 Wavelength region, lines selected, lines processed, Vmicro
                                                                       Lande factors       Damping parameters   Central
Spec Ion        WL_vac(A)  log gf* E_low(eV) J lo E_up(eV)  J up   lower   upper   mean   Rad.   Stark   Waals   depth
'Ni 1',        5001.7407, -0.597,  3.6353,  2.0,  6.1135,  3.0,  1.930,  1.360,  1.040, 8.260,-4.640,  -7.500, 0.607,
  LS                                                                            3d9.4p 3P*
  LS                                                                            3d9.4d 3D
'_          (58)Ni                         1 wl:K08   1 gf:FMW   1 K08   1 K08   1 K08   1 K08   1 K08   1 K08   1 K08'
"""


def write(folder: Path, text: str, name: str = "lines.vald") -> Path:
    path = folder / name
    path.write_text(text, encoding="ascii")
    return path


def reference(name: str) -> Path:
    """A real extract; the test is skipped where there is none."""
    folder = Path(os.environ.get("HALOCHEM_REFERENCE_DATA", Path(__file__).parents[3] / "shared" / "data"))
    path = folder / "vald" / name
    if not path.is_file():
        pytest.skip(f"no VALD extract at {path}; set HALOCHEM_REFERENCE_DATA to the folder that holds vald/")
    return path
