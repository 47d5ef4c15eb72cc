"""The figure of errors over the bound: what is in it, and what it does without bounds, peers or stars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from halochem.evaluate import bounds, peers
from halochem.evaluate.comparison import METHODS
from halochem.report.figures import error_over_bound as figure

LABELS = ("feh", "c_fe", "alpha_fe")


@pytest.fixture(scope="module")
def table():
    rng = np.random.Generator(np.random.Philox(1))
    n = 1000
    columns = {"star_id": [f"s{i}" for i in range(n)], "split": np.where(np.arange(n) % 10 < 7, "train", "test")}
    columns["teff_true"] = rng.uniform(3000, 7000, n)
    for z, label in (("z_m", "feh"), ("z_c", "c_fe"), ("z_alpha", "alpha_fe")):
        true = rng.normal(-1, 0.5, n)
        columns |= {f"{label}_true": true, z: 2 * true + rng.normal(0, 0.2, n), label: true + rng.normal(0, 0.3, n)}
    return pd.DataFrame(columns)


def beside(module, table, value):
    test = table[table["split"] == "test"]
    frame = pd.DataFrame(value, index=test.index, columns=list(module.COLUMNS))
    return frame.assign(star_id=test["star_id"])


def lines(drawn):
    """By panel, what each line but the bound's shows."""
    return [[line.get_ydata() for line in axes.lines if len(line.get_xdata()) > 2] for axes in drawn.axes]


def test_errors_are_divided_by_the_bound(table):
    stars = figure.assemble(table, beside(bounds, table, 0.05).iloc[::-1], None)
    assert len(stars) == 300
    panels = lines(figure.draw(stars))
    assert [len(panel) for panel in panels] == [2] * 6  # no peer given: the latents alone
    # The scatter of 0.2 in z is 0.1 dex, twice the bound; that of the table's abundance six times it.
    assert np.median(panels[0][0]) == pytest.approx(2.0, abs=0.3)
    assert np.median(panels[0][1]) == pytest.approx(6.0, abs=0.8)
    assert "divided by the star’s Cramér-Rao bound" in figure.caption(stars)


def test_without_bounds_it_is_in_dex(table):
    stars = figure.assemble(table, None, beside(peers, table, -1.0))
    drawn = figure.draw(stars)
    assert [len(panel) for panel in lines(drawn)] == [len(METHODS)] * 6
    assert drawn.axes[0].get_ylabel() == "error of [Fe/H] [dex]"
    assert np.median(lines(drawn)[0][0]) == pytest.approx(0.1, abs=0.02)
    assert "there is no bound" in figure.caption(stars)


def test_bins_hold_equal_numbers_and_enough():
    x = np.r_[np.arange(100.0), np.nan]
    centre, value, half = figure.binned(x, np.full(101, 2.0))
    assert len(centre) == 4
    np.testing.assert_allclose(value, 2 * 1.4826)
    np.testing.assert_allclose(half, value / np.sqrt(2 * 0.37 * 25))
    assert len(figure.binned(x[:20], np.ones(20))[0]) == 0


def test_a_handful_of_stars_says_so(table):
    drawn = figure.draw(figure.assemble(table.iloc[:30], beside(bounds, table, 0.05), None))
    assert all("not enough stars" in [text.get_text() for text in axes.texts] for axes in drawn.axes)
