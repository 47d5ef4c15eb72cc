"""The bound of log g: below the edge what is measured, at it the mean of all that look alike."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks" / "model"))
import bound_w


def test_best_estimate_at_below_and_near_the_edge():
    measured, sigma = np.array([4.0, 5.0, 4.93, 4.0]), np.array([0.02, 0.01, 0.05, 50.0])
    found = bound_w.best_logg(measured, sigma, np.full(4, 5.0), (2.5, 6.0))
    assert found[0] == pytest.approx(4.0, abs=0.01)
    assert found[1] == pytest.approx(5.5, abs=0.02)
    assert 5.1 < found[2] < 5.45  # as well the edge's as its own
    assert found[3] == pytest.approx(4.25, abs=0.02)  # nothing is known: the mean of all


def test_edge_of_the_atmospheres():
    assert bound_w.edge(np.array([4000.0, 4250.0, 4251.0])).tolist() == [5.5, 5.5, 5.0]


def test_numbers_of_a_table(tmp_path):
    n = 400
    rng = np.random.default_rng(0)
    teff, logg = rng.uniform(4300, 7000, n), rng.uniform(2.5, 6, n)
    table = pd.DataFrame({"teff_true": teff, "logg_true": logg, "teff": teff + 50, "logg": logg - 0.2})
    table["split"] = np.where(np.arange(n) < 100, "train", "test")
    table.to_parquet(tmp_path / "t.parquet")
    stars, of_teff, of_logg, both, below, *ranges = bound_w.of_table(tmp_path / "t.parquet")
    spread = teff[:100].std(), logg[:100].std()
    assert stars == 300
    assert (of_teff, of_logg) == pytest.approx((50 / spread[0], 0.2 / spread[1]))
    assert both == pytest.approx(np.hypot(of_teff, of_logg) / np.sqrt(2)) == pytest.approx(below)
    assert ranges == pytest.approx([0.2] * len(bound_w.RANGES))
