"""Whether spoilt spectra stand out: areas under the ROC curve and shares found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from halochem.evaluate import detection, evaluation, metrics
from halochem.evaluate.anomaly_kinds import KINDS


def _spoilt(test: pd.DataFrame, factor: float) -> pd.DataFrame:
    values = detection.normal(test)
    parts = [
        pd.DataFrame({name: factor * each for name, each in values.items()}).assign(kind=kind, star_id=test["star_id"])
        for kind in KINDS
    ]
    return pd.concat(parts, ignore_index=True)


def test_what_stands_out_is_found_and_what_does_not_is_not(make_table):
    frame = make_table(1000)
    test = frame[frame["split"] == "test"].reset_index(drop=True)
    far = evaluation.evaluate(frame, 1, anomalies=_spoilt(test, 1000)).numbers
    assert far["auc.chi2.noise"].value == far["detected.chi2.all"].value == far["detected.flag"].value == 1
    assert far["auc.chi2.all"].n == 4 * len(test)
    same = evaluation.evaluate(frame, 1, anomalies=_spoilt(test, 1)).numbers
    assert same["auc.norm.ones"].value == pytest.approx(0.5)
    assert same["detected.error.zeros"].value == pytest.approx(0.01, abs=0.005)
    assert same["detected.flag"].value == 0


def test_without_spoilt_spectra_it_says_so(make_table):
    numbers = evaluation.evaluate(make_table(60), 1).numbers
    assert numbers["auc.error.all"].value is None
    assert numbers["auc.error.all"].note == "no spoilt spectra given (--anomalies)"


def test_auc_is_the_probability_of_a_higher_value():
    rng = np.random.Generator(np.random.Philox(3))
    positive, negative = rng.normal(1, 1, 300), rng.normal(0, 1, 200)
    positive[:5] = negative[:5]  # ties
    positive[7] = np.nan
    known = positive[np.isfinite(positive)]
    pairs = (known[:, None] > negative) + 0.5 * (known[:, None] == negative)
    area = metrics.auc(positive, negative)
    assert area.value == pytest.approx(pairs.mean())
    assert area.n == 299
    # d' = 1 has an area of 0.760
    assert abs(area.value - 0.760) < 3 * area.error < 0.1
    assert metrics.auc(positive, np.array([np.nan])).value is None


def test_the_curve_encloses_the_area():
    rng = np.random.Generator(np.random.Philox(4))
    positive, negative = rng.normal(1, 1, 300).round(1), rng.normal(0, 1, 200).round(1)  # ties
    false, true = metrics.roc(positive, negative)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(metrics.auc(positive, negative).value)
