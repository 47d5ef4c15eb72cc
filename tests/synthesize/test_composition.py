"""Composition and microturbulence, worked by hand."""

from __future__ import annotations

import pytest

from halochem.synthesize.composition import (
    ALPHA_ELEMENTS,
    SOLAR_SCALE,
    TITANIUM_FRACTIONS,
    abundances,
    is_carbon_rich,
    microturbulence,
)
from halochem.synthesize.lines.species import SYMBOLS

# Table 1 of Asplund et al. 2009, ARA&A 47, 481: the light elements, the abundant ones, some heavy
ASPLUND_2009 = {
    **{"H": 12.00, "He": 10.93, "Li": 1.05, "C": 8.43, "N": 7.83, "O": 8.69, "Na": 6.24, "Mg": 7.60, "Al": 6.45},
    **{"Si": 7.51, "S": 7.12, "Ca": 6.34, "Ti": 4.95, "Cr": 5.64, "Mn": 5.43, "Fe": 7.50, "Ni": 6.22, "Zn": 4.56},
    **{"Sr": 2.87, "Y": 2.21, "Zr": 2.58, "Ba": 2.18, "La": 1.10, "Eu": 0.52, "Pb": 1.75, "Th": 0.02},
}
UNSTABLE = {"Tc", "Pm", "Po", "At", "Rn", "Fr", "Ra", "Ac", "Pa"}


def of(feh: float = 0.0, c_fe: float = 0.0, alpha_fe: float = 0.0) -> dict[str, float]:
    return {SYMBOLS[number - 1]: value for number, value in abundances(feh, c_fe, alpha_fe).items()}


def changes(**labels: float) -> dict[str, float]:
    """Elements whose abundance differs from the Sun's, and by how much."""
    sun, star = of(), of(**labels)
    assert star.keys() == sun.keys()
    return {name: round(star[name] - sun[name], 10) for name in sun if star[name] != sun[name]}


def test_solar_composition_is_asplund_2009():
    assert SOLAR_SCALE == "Asplund et al. 2009"
    sun = of()
    assert {name: sun[name] for name in ASPLUND_2009} == ASPLUND_2009
    assert set(sun) == set(SYMBOLS) - UNSTABLE


def test_metallicity_moves_all_but_hydrogen_and_helium():
    assert changes(feh=-1.5) == {name: -1.5 for name in of() if name not in ("H", "He")}


def test_alpha_moves_the_alpha_elements_alone():
    assert changes(alpha_fe=0.3) == dict.fromkeys(("O", "Ne", "Mg", "Si", "S", "Ar", "Ca", "Ti"), 0.3)
    assert {SYMBOLS[number - 1]: number for number in ALPHA_ELEMENTS.values()} == ALPHA_ELEMENTS


def test_carbon_moves_carbon_alone():
    assert changes(c_fe=2.0) == {"C": 2.0}


def test_the_three_add_up():
    star = of(feh=-2.0, c_fe=1.5, alpha_fe=0.4)
    assert star["C"] == pytest.approx(8.43 - 2.0 + 1.5)
    assert star["O"] == pytest.approx(8.69 - 2.0 + 0.4)
    assert star["N"] == pytest.approx(7.83 - 2.0)
    assert star["Fe"] == pytest.approx(7.50 - 2.0)
    assert star["He"] == 10.93


def test_titanium_fractions_hold_all_of_titanium():
    assert sum(TITANIUM_FRACTIONS.values()) == pytest.approx(1.0, abs=1e-9)
    assert set(TITANIUM_FRACTIONS) == {46, 47, 49, 50}  # the list has no 48TiO
    assert TITANIUM_FRACTIONS[46] == 0.0825
    assert TITANIUM_FRACTIONS[47] - 0.0744 == pytest.approx(TITANIUM_FRACTIONS[49] - 0.0541)


@pytest.mark.parametrize(
    ("teff", "logg", "expected"),
    [
        (5500.0, 4.0, 0.998),
        # X = 277, Y = 0.44: 0.998 + 0.087532 - 0.11132 - 0.03485768 + 0.031944
        (5777.0, 4.44, 0.97129832),
        # X = -500, Y = -1: 0.998 - 0.158 + 0.253 - 0.143 + 0.165
        (5000.0, 3.0, 1.115),
    ],
)
def test_microturbulence_by_hand(teff, logg, expected):
    assert microturbulence(teff, logg) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("asked", "taken"),
    [((3000, 4.0), (4500, 4.0)), ((7000, 4.0), (6500, 4.0)), ((5500, 6.0), (5500, 4.5)), ((5500, 1.0), (5500, 2.5))],
)
def test_microturbulence_outside_its_models_is_that_of_the_nearest_edge(asked, taken):
    assert microturbulence(*asked) == microturbulence(*taken)


@pytest.mark.parametrize("logg", [2.5, 3.0, 3.5, 4.0, 4.5])
def test_microturbulence_rises_with_temperature(logg):
    # as 3D models have it: Steffen, Caffau & Ludwig 2013, MSAIS 24, 37. With the other sign of the mixed term it
    # would fall in giants.
    values = [microturbulence(teff, logg) for teff in range(4500, 6501, 250)]
    assert values == sorted(values)
    assert values[-1] > values[0] + 0.2


def test_microturbulence_stays_plausible_over_the_halo_range():
    values = [microturbulence(teff, logg) for teff in range(3000, 7001, 250) for logg in (2.5, 3, 3.5, 4, 4.5, 5, 6)]
    assert min(values) > 0.5
    assert max(values) < 2.5


def test_carbon_rich_from_a_c_to_o_ratio_of_one():
    # A(C) 8.43 and A(O) 8.69 in the Sun
    assert not is_carbon_rich(0.25, 0.0)
    assert is_carbon_rich(0.27, 0.0)
    assert not is_carbon_rich(0.5, 0.25)
    assert is_carbon_rich(0.53, 0.25)
