"""Corrections of single lines: the table's form, one entry to one line, and what becomes of it."""

from __future__ import annotations

import re

import numpy as np
import pytest
import yaml

from halochem.errors import UserError
from halochem.synthesize.lines import corrections, moog
from halochem.synthesize.lines.species import Species

IRON, NICKEL = Species((26,), (0,)), Species((28,), (0,))


def lists():
    """Two species; the iron lines at 5002 differ in excitation alone, those at 5003 in strength alone."""
    iron = [(5001.0, 4.0, -1.0), (5002.0, 4.0, -1.0), (5002.0, 3.0, -1.0), (5003.0, 4.0, -1.0), (5003.0, 4.0, -2.0)]
    return [
        moog.convert(IRON, *np.array(iron).T.copy()),
        moog.convert(NICKEL, np.array([5001.0]), np.array([4.0]), np.array([-1.0])),
    ]


def entry(**changes):
    return {
        **{"species": "Fe I", "wavelength": 5002.0, "excitation": 3.0, "old": -1.0, "new": -2.5},
        **{"observed": 5, "before": 50, "after": 5},
        **changes,
    }


def rows(result):
    return [
        (one.species.name, *row)
        for one in result
        for row in zip(one.wavelength, one.excitation, one.log_gf, strict=True)
    ]


def test_only_the_line_named_changes_and_the_input_stays():
    before = lists()
    after = corrections.apply(before, [entry()])
    expected = [row if row[1:3] != (5002.0, 3.0) else (*row[:3], -2.5) for row in rows(lists())]
    assert rows(after) == expected
    assert rows(before) == rows(lists())


def test_a_line_left_out_is_gone_and_no_other():
    after = corrections.apply(lists(), [entry(wavelength=5003.0, excitation=4.0, old=-2.0, new="leave out"), entry()])
    expected = [row for row in rows(corrections.apply(lists(), [entry()])) if row[3] != -2.0]
    assert rows(after) == expected
    assert len(rows(after)) == 5


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"wavelength": 5002.002}, 0),
        ({"excitation": 3.002}, 0),
        ({"old": -1.01}, 0),
        ({"species": "Ni I"}, 0),
        ({"species": "Fe II"}, 0),
    ],
)
def test_an_entry_that_matches_nothing_is_an_error(changes, found):
    with pytest.raises(UserError, match=rf"entry 2: .* matches {found} lines of the list, expected one"):
        corrections.apply(lists(), [entry(wavelength=5001.0, excitation=4.0), entry(**changes)])


def test_an_entry_that_matches_two_lines_is_an_error():
    twice = [moog.convert(IRON, np.full(2, 5002.0), np.full(2, 3.0), np.full(2, -1.0))]
    with pytest.raises(UserError, match=r"entry 1: Fe I 5002.000 Å, 3.0 eV, log gf -1.0 matches 2 lines"):
        corrections.apply(twice, [entry()])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- [", "unreadable"),
        ("species: Fe I", "expected a list"),
        (yaml.safe_dump([entry(), {"species": "Fe I"}]), "entry 2: expected the keys after, before"),
        (yaml.safe_dump([entry(comment="x")]), "entry 1: expected the keys"),
        (yaml.safe_dump([entry(new="left out")]), "entry 1: new: expected a number, got 'left out'"),
        (yaml.safe_dump([entry(old="leave out")]), "entry 1: old: expected a number"),
    ],
)
def test_a_table_of_another_form_is_an_error(tmp_path, content, message):
    (tmp_path / "table.yaml").write_text(content)
    with pytest.raises(UserError, match=re.escape(message)):
        corrections.load(tmp_path / "table.yaml")


def test_a_missing_table_is_an_error(tmp_path):
    with pytest.raises(UserError, match="unreadable"):
        corrections.load(tmp_path / "table.yaml")


def test_the_table_keeps_to_its_own_rules():
    entries = corrections.load()
    assert len({(one["species"], one["wavelength"], one["excitation"]) for one in entries}) == len(entries)
    assert [one["wavelength"] for one in entries] == sorted(one["wavelength"] for one in entries)
    for one in entries:
        assert 4850 < one["wavelength"] < 6720
        assert one["observed"] < 70
        if one["new"] != corrections.LEAVE_OUT:
            change = one["new"] - one["old"]
            assert change <= -0.5 or 0 < change <= 1.0
            assert abs(one["after"] - one["observed"]) <= 1  # the strength is that of the observed line
        before, after = (abs(one[name] - one["observed"]) for name in ("before", "after"))
        assert before >= 25
        assert after < before / 3
