"""Species codes of MOOG and of Turbospectrum, both ways."""

from __future__ import annotations

import pytest

from halochem.synthesize.lines.species import SYMBOLS, Species, from_moog, from_turbospectrum

# MOOG code, Turbospectrum's block name and ion, species, printed name
SPECIES = [
    ("26.0", "26.000", 1, Species((26,), (0,), 0), "Fe I"),
    ("26.1", "26.000", 2, Species((26,), (0,), 1), "Fe II"),
    ("8.0", "8.000", 1, Species((8,), (0,), 0), "O I"),
    ("3.0006", "3.006", 1, Species((3,), (6,), 0), "Li I (6)"),
    ("56.1137", "56.137", 2, Species((56,), (137,), 1), "Ba II (137)"),
    ("92.1", "92.000", 2, Species((92,), (0,), 1), "U II"),
    ("106.00112", "0106.001012", 1, Species((1, 6), (1, 12)), "CH (1, 12)"),
    ("106.00113", "0106.001013", 1, Species((1, 6), (1, 13)), "CH (1, 13)"),
    ("107.00114", "0107.001014", 1, Species((1, 7), (1, 14)), "NH (1, 14)"),
    ("108.00116", "0108.001016", 1, Species((1, 8), (1, 16)), "OH (1, 16)"),
    ("112.00124", "0112.001024", 1, Species((1, 12), (1, 24)), "MgH (1, 24)"),
    ("112.00125", "0112.001025", 1, Species((1, 12), (1, 25)), "MgH (1, 25)"),
    ("112.00126", "0112.001026", 1, Species((1, 12), (1, 26)), "MgH (1, 26)"),
    ("114.00128", "0114.001028", 1, Species((1, 14), (1, 28)), "SiH (1, 28)"),
    ("126.0", "0126.000000", 1, Species((1, 26), (0, 0)), "FeH"),
    ("606.01212", "0606.012012", 1, Species((6, 6), (12, 12)), "C2 (12, 12)"),
    ("606.01213", "0606.012013", 1, Species((6, 6), (12, 13)), "C2 (12, 13)"),
    ("607.01214", "0607.012014", 1, Species((6, 7), (12, 14)), "CN (12, 14)"),
    ("608.01318", "0608.013018", 1, Species((6, 8), (13, 18)), "CO (13, 18)"),
    ("822.01646", "0822.016046", 1, Species((8, 22), (16, 46)), "TiO (16, 46)"),
    ("822.01650", "0822.016050", 1, Species((8, 22), (16, 50)), "TiO (16, 50)"),
]


@pytest.mark.parametrize(("moog", "block", "ion", "species", "name"), SPECIES)
def test_both_codes_name_the_species(moog, block, ion, species, name):
    assert from_moog(moog) == species
    assert from_turbospectrum(block, ion) == species
    assert species.name == name


@pytest.mark.parametrize(("moog", "block", "ion", "species", "name"), SPECIES)
def test_block_name_is_twenty_characters_in_quotes_and_reads_back(moog, block, ion, species, name):
    quoted = species.turbospectrum
    assert len(quoted) == 22
    assert quoted[0] == quoted[-1] == "'"
    assert quoted.strip("'").strip() == block
    assert from_turbospectrum(quoted, species.charge + 1) == species


@pytest.mark.parametrize("block", ["'606.012012          '", "606.012012", " 0606.012012 "])
def test_turbospectrum_blocks_with_and_without_the_leading_zero(block):
    assert from_turbospectrum(block, 1) == Species((6, 6), (12, 12))


def test_short_isotopes_mean_the_natural_mixture():
    assert from_turbospectrum("0822.000", 1) == Species((8, 22), (0, 0))


def test_triatomic_block():
    assert from_turbospectrum("010108.000000000", 1) == Species((1, 1, 8), (0, 0, 0))


@pytest.mark.parametrize(
    "code", ["", "26", "26.", ".0", "Fe I", "0.0", "93.0", "26.3", "-26.0", "106.1", "106.0012", "193.00112", "10108.0"]
)
def test_bad_moog_codes_are_refused(code):
    with pytest.raises(ValueError, match=r"not an? |expected"):
        from_moog(code)


@pytest.mark.parametrize("name", ["", "26", "Fe.000", "0.000", "93.000", "0693.012012", "26.a"])
def test_bad_turbospectrum_names_are_refused(name):
    with pytest.raises(ValueError, match="not a Turbospectrum species"):
        from_turbospectrum(name, 1)


def test_symbols_stand_at_their_atomic_numbers():
    for number, symbol in {1: "H", 6: "C", 8: "O", 22: "Ti", 26: "Fe", 56: "Ba", 63: "Eu", 82: "Pb", 92: "U"}.items():
        assert SYMBOLS[number - 1] == symbol
    assert len(SYMBOLS) == len(set(SYMBOLS)) == 92
