"""The share of stars within their stated errors."""

from __future__ import annotations

import numpy as np
import pytest

from halochem.evaluate import coverage, evaluation


@pytest.fixture
def frame(make_table):
    """A table whose sigma is the true one, 0.15 dex in [Fe/H]; 1200 test stars."""
    table = make_table(4000)
    for label, spread in (("feh", 0.5), ("c_fe", 0.7), ("alpha_fe", 0.15)):
        table[f"{label}_sigma"] = 0.3 * spread
    return table


def test_true_errors_are_covered(frame):
    numbers = evaluation.evaluate(frame, seed=1).numbers
    for label in ("feh", "c_fe", "alpha_fe"):
        for name in ("all", "teff_3000_4000", "snr_45_55"):
            for level, share in (("68", 0.683), ("95", 0.95)):
                number = numbers[f"coverage.{level}.{label}.{name}"]
                assert abs(number.value - share) < 4 * number.error
    assert numbers["coverage.68.feh.all"].n == 1200
    assert numbers["stated_sigma.feh.all"].value == pytest.approx(0.15)


def test_half_the_errors_stated(frame):
    frame["feh_sigma"] /= 2
    numbers = evaluation.evaluate(frame, seed=1).numbers
    assert numbers["coverage.68.feh.all"].value == pytest.approx(0.383, abs=0.05)
    assert numbers["coverage.68.c_fe.all"].value == pytest.approx(0.683, abs=0.05)


def test_numbers_of_a_bin_recomputed(frame):
    test = frame[frame["split"] == "test"]
    warm = test[(test["teff_true"] > 4000) & (test["teff_true"] <= 5000)]
    number = coverage.numbers(test)["coverage.95.c_fe.teff_4000_5000"]
    assert number.value == pytest.approx(((warm["c_fe"] - warm["c_fe_true"]).abs() <= 1.96 * 0.21).mean())
    assert number.n == len(warm)


def test_stars_that_are_too_sure_are_found_where_they_are(frame):
    frame.loc[frame["teff_true"] > 6000, "feh_sigma"] /= 10
    numbers = evaluation.evaluate(frame, seed=1).numbers
    assert numbers["coverage.68.feh.teff_6000_7000"].value < 0.15
    assert numbers["coverage.68.feh.teff_3000_4000"].value > 0.6


def test_without_sigma_there_is_no_coverage(frame):
    frame["feh_sigma"] = np.nan
    numbers = evaluation.evaluate(frame, seed=1).numbers
    assert numbers["coverage.68.feh.all"].value is None
    assert numbers["coverage.68.feh.all"].note.startswith("no sigma")
    assert numbers["coverage.68.c_fe.all"].value is not None


def test_every_definition_has_its_number(frame):
    assert set(coverage.numbers(frame)) == {row.key for row in coverage.definitions()}
    bright = coverage.numbers(frame[frame["snr"] > 40])
    assert bright["coverage.68.feh.snr_15_35"].note.startswith("not enough stars")
