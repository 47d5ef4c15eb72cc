"""Turbospectrum's line lists: what is written is read back, what is broken is named."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from halochem.errors import UserError
from halochem.synthesize.lines import bsyn_list
from halochem.synthesize.lines.bsyn_list import Lines
from halochem.synthesize.lines.moog import convert
from halochem.synthesize.lines.species import Species

FE1, FE2, TIO = Species((26,), (0,), 0), Species((26,), (0,), 1), Species((8, 22), (16, 46))

# Two blocks of the Gaia-ESO list as the package has them: columns beyond the levels, one with an apostrophe more.
GES = """\
'  12.000            '    1         2
'Mg I    LTE'
  5167.321  2.709 -0.931  729.238    3.0  9.77E+07 'p' 's'   0.0    1.0 'Mg I LS:3s.3p 3P* LS:3s.4s 3S'
  5183.604  2.717 -0.168  729.238    3.0  9.77E+07 'p' 's'   0.0    1.0 'Mg I LS' 4    5   '3p3P2*'  '4s3S' 'c' 'c'
' 607.012014         '    1         1
'CN 12 14'
  7999.990  1.234 -2.345    0.000   41.0  1.00E+07 'X' 'A'
"""


def some_lines(species: Species, n: int, seed: int) -> Lines:
    """Lines with more digits than the file keeps."""
    rng = np.random.Generator(np.random.Philox(seed))
    return Lines(
        species,
        np.sort(rng.uniform(3800, 10600, n)),
        rng.uniform(0, 12, n),
        rng.uniform(-25, 1, n),
        rng.choice([0.0, 1.4, 2.5, -7.56, 729.2384, 2006.3419], n),
        rng.integers(0, 400, n).astype(float),
        10 ** rng.uniform(0, 9, n),
        rng.choice(["xx", "sp", "pd", "XA"], n),
    )


def test_hand_checked_line_end_to_end(tmp_path):
    """An Fe I line at 9300 Å: classical damping 2.223e15 / 9300^2 = 2.5702e7 rad/s."""
    lines = convert(FE1, np.array([9300.0]), np.array([4.608]), np.array([-1.234]))
    bsyn_list.write([lines], tmp_path / "list", "by hand")
    assert (tmp_path / "list").read_text() == (
        "' 26.000             '    1         1\n"
        "'Fe I, by hand'\n"
        "  9300.000  4.6080   -1.234     1.400    1.0  2.570E+07 'x' 'x'\n"
    )


def test_written_list_reads_back_at_its_precision(tmp_path):
    written = [some_lines(FE1, 300, 1), some_lines(FE2, 50, 2), some_lines(TIO, 400, 3)]
    bsyn_list.write(written, tmp_path / "list", "test")
    read = bsyn_list.read(tmp_path / "list")
    assert [lines.species for lines in read] == [FE1, FE2, TIO]
    decimals = {"wavelength": 3, "excitation": 4, "log_gf": 3, "damping": 3, "upper_weight": 1}
    for before, after in zip(written, read, strict=True):
        for name, places in decimals.items():
            assert np.array_equal(getattr(after, name), [round(x, places) for x in getattr(before, name).tolist()]), (
                name
            )
        assert np.array_equal(after.radiative, [float(f"{x:.3e}") for x in before.radiative])
        assert np.array_equal(after.levels, before.levels)


def test_second_round_trip_changes_no_bit(tmp_path):
    bsyn_list.write([some_lines(FE1, 300, 4), some_lines(TIO, 300, 5)], tmp_path / "one", "test")
    bsyn_list.write(bsyn_list.read(tmp_path / "one"), tmp_path / "two", "test")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_headers_count_their_rows_and_the_summary_agrees(tmp_path):
    summary = bsyn_list.write(
        [some_lines(FE1, 7, 6), some_lines(TIO, 3, 7), some_lines(FE2, 0, 8)], tmp_path / "list", "c"
    )
    rows = (tmp_path / "list").read_text().splitlines()
    assert len(rows) == 2 + 7 + 2 + 3
    assert rows[0].split() == ["'", "26.000", "'", "1", "7"]
    assert rows[9].split() == ["'0822.016046", "'", "1", "3"]
    assert summary["lines"] == {"Fe I": 7, "TiO (16, 46)": 3}
    assert summary["sha256"] == hashlib.sha256((tmp_path / "list").read_bytes()).hexdigest()
    wavelength = [float(row[:10]) for row in rows if row[0] == " "]
    assert (round(summary["first"], 3), round(summary["last"], 3)) == (min(wavelength), max(wavelength))


@pytest.fixture
def ges(tmp_path):
    path = tmp_path / "ges.txt"
    path.write_text(GES)
    return path


def test_gaia_eso_line_with_columns_beyond_the_levels(ges):
    magnesium, cn = bsyn_list.read(ges)
    assert magnesium.species == Species((12,), (0,), 0)
    assert magnesium.wavelength.tolist() == [5167.321, 5183.604]
    assert magnesium.excitation.tolist() == [2.709, 2.717]
    assert magnesium.log_gf.tolist() == [-0.931, -0.168]
    assert magnesium.upper_weight.tolist() == [3.0, 3.0]
    assert magnesium.radiative.tolist() == [9.77e7, 9.77e7]
    assert magnesium.levels.tolist() == ["ps", "ps"]
    assert cn.species == Species((6, 7), (12, 14))
    assert cn.levels.tolist() == ["XA"]


def test_stark_widths_of_a_species_are_written_for_all_its_lines_and_read_back(tmp_path):
    """Turbospectrum looks for the column in the first row of a species, and in no molecule."""
    iron, tio, fe2 = some_lines(FE1, 3, 1), some_lines(TIO, 2, 2), some_lines(FE2, 2, 3)
    iron.stark[:] = 0.0, -5.29, 0.0
    tio.stark[:] = -4.0
    bsyn_list.write([iron, tio, fe2], tmp_path / "list", "test")
    rows = (tmp_path / "list").read_text().splitlines()
    assert [len(row.partition("'")[0].split()) for row in rows if row[0] == " "] == [7, 7, 7, 6, 6, 6, 6]
    read = bsyn_list.read(tmp_path / "list")
    assert [lines.stark.tolist() for lines in read] == [[0.0, -5.29, 0.0], [0.0, 0.0], [0.0, 0.0]]
    assert np.array_equal(read[0].levels, iron.levels)
    assert bsyn_list.merge([*read, iron])[1].stark.tolist().count(-5.29) == 2


def test_abo_number_keeps_three_decimals(ges, tmp_path):
    """729.238: a cross section of 729 atomic units that goes with the velocity to the power of -0.238."""
    bsyn_list.write(bsyn_list.read(ges), tmp_path / "list", "test")
    assert " 729.238 " in (tmp_path / "list").read_text()
    assert bsyn_list.read(tmp_path / "list")[0].damping.tolist() == [729.238, 729.238]


# --- selections -----------------------------------------------------------------------------------------


def test_between_includes_both_ends(ges):
    magnesium = bsyn_list.read(ges)[0]
    assert len(magnesium.between(5167.321, 5183.604)) == 2
    assert magnesium.between(5167.322, 6000).levels.tolist() == ["ps"]


def test_merge_gives_one_ascending_block_a_species():
    parts = [some_lines(FE1, 20, 9), some_lines(TIO, 5, 10), some_lines(FE1, 30, 11)]
    merged = bsyn_list.merge(parts)
    assert [(lines.species, len(lines)) for lines in merged] == [(TIO, 5), (FE1, 50)]
    iron = merged[1]
    assert (np.diff(iron.wavelength) >= 0).all()
    pairs = {(w, e) for part in (parts[0], parts[2]) for w, e in zip(part.wavelength, part.excitation, strict=True)}
    assert set(zip(iron.wavelength, iron.excitation, strict=True)) == pairs


# --- faults ---------------------------------------------------------------------------------------------


def one_line(path) -> str:
    with pytest.raises(UserError) as caught:
        bsyn_list.read(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kept", range(3, 12))
def test_truncated_list_names_file_row_species_and_counts(tmp_path, kept):
    path = tmp_path / "atoms.bsyn"
    bsyn_list.write([some_lines(FE1, 4, 1), some_lines(FE2, 6, 2)], path, "test")
    rows = path.read_text().splitlines(keepends=True)
    if kept == 6:  # between two blocks: a whole list of one species, which its hash alone can tell
        kept = 7
    path.write_text("".join(rows[:kept]))
    message = one_line(path)
    species, done, whole = ("Fe I", kept - 2, 4) if kept < 6 else ("Fe II", max(kept - 8, 0), 6)
    row = 7 if kept == 8 else kept  # of a block without lines the header is named
    assert f"{path}, row {row}: the list is truncated, {species} has {done} of its {whole} lines" in message
    assert "halochem synthesize --prepare" in message


@pytest.mark.parametrize("cut", range(1, 60, 4))
def test_list_cut_within_its_last_row(tmp_path, cut):
    path = tmp_path / "atoms.bsyn"
    bsyn_list.write([some_lines(FE1, 4, 1)], path, "test")
    text = path.read_text()
    row = text.splitlines()[-1]
    path.write_text(text[: len(text) - 1 - len(row) + cut])
    if cut < len(row):
        assert f"{path}, row 6: " in one_line(path)


def test_missing_list(tmp_path):
    assert "halochem synthesize --prepare" in one_line(tmp_path / "none.bsyn")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("1         2\n", "1         1\n", "row 4: expected a species header"),
        ("1         2\n", "1         3\n", "row 5: expected six numbers and two levels"),
        ("'  12.000  ", "'  93.000  ", "row 1: not a Turbospectrum species"),
        ("-0.931", "-0.9e1x", "row 3: expected six numbers"),
        (" 'p' 's'   0.0    1.0 'Mg I LS:3s.3p 3P* LS:3s.4s 3S'", " 'p'", "row 3: expected six numbers and two levels"),
        ("'  12.000            '    1         2\n", "12.000 1 2\n", "row 1: expected a species header"),
    ],
)
def test_row_that_is_none_is_named(ges, old, new, words):
    assert old in GES
    ges.write_text(GES.replace(old, new, 1))
    message = one_line(ges)
    assert message.startswith(str(ges))
    assert words in message
