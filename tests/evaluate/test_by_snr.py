"""Errors in bins of S/N, and slopes in bins of Teff."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from halochem.evaluate import by_snr, evaluation


def test_bins_are_the_papers():
    assert list(by_snr.SNR_BINS) == ["15_25", "25_35", "35_45", "45_55", "55_65", "65_75", "75_85"]
    assert by_snr.SNR_BINS["15_25"].holds(np.array([15.0, 15.1, 25.0, 25.1])).tolist() == [False, True, True, False]


def test_numbers_of_a_bin_recomputed(make_table):
    frame = make_table(900)
    numbers = evaluation.evaluate(frame, seed=1).numbers
    train, test = frame[frame["split"] == "train"], frame[frame["split"] == "test"]
    inside = (test["snr"] > 45) & (test["snr"] <= 55)
    slope, intercept = np.polyfit(train["z_m"], train["feh_true"], 1)
    residual = (slope * test["z_m"] + intercept - test["feh_true"])[inside]
    assert numbers["snr_bias.feh.45_55"].value == pytest.approx(residual.mean())
    assert numbers["snr_sd.feh.45_55"].value == pytest.approx(residual.std())
    assert numbers["snr_sd.feh.45_55"].n == inside.sum()
    assert numbers["snr_l2.45_55"].value == pytest.approx(np.sqrt(test.loc[inside, "rel_l2_error_clean"]).mean())
    assert numbers["snr_noise.45_55"].value == pytest.approx((1 / test.loc[inside, "snr"]).mean())
    assert numbers["snr_l2.75_85"].value is None  # S/N is 50 with a spread of 5 here
    assert numbers["limit.snr_sd.feh.45_55"].note == "no bounds given (--bounds)"


def test_a_trend_with_the_noise_is_seen(make_table):
    frame = make_table(900)
    assert evaluation.evaluate(frame, seed=1).numbers["snr_trend.feh"].value < 0.15
    frame["z_m"] += 0.3 * (frame["snr"] - 50)
    assert evaluation.evaluate(frame, seed=1).numbers["snr_trend.feh"].value > 0.5


def test_slope_by_temperature(make_table):
    frame = make_table(900)
    frame.loc[frame["teff_true"] <= 4000, "z_m"] *= -1
    numbers = evaluation.evaluate(frame, seed=1).numbers
    assert numbers["slope.z_m.warm"].value == pytest.approx(2.0, abs=0.25)  # z is the abundance over 0.5 dex
    assert numbers["slope.z_m.cool"].value == pytest.approx(-2.0, abs=0.25)
    assert 0 < numbers["slope.z_m.cool"].error < 0.2
    frame["z_m"] *= -1  # whose sign is arbitrary
    again = evaluation.evaluate(frame, seed=1).numbers
    assert again["slope.z_m.cool"].value == pytest.approx(numbers["slope.z_m.cool"].value)


def test_limits_are_of_the_best_estimate(make_table):
    frame = make_table(900)
    test = frame[frame["split"] == "test"].reset_index(drop=True)
    off = np.where(np.arange(len(test)) % 2, 0.03, -0.03)
    bounds = pd.DataFrame({f"best_{label}": test[f"{label}_true"] + off for label in ("feh", "c_fe", "alpha_fe")})
    residual = {label: np.zeros(len(test)) for label in ("feh", "c_fe", "alpha_fe")}
    numbers = by_snr.numbers(test, residual, bounds, "")
    assert numbers["limit.snr_sd.c_fe.45_55"].value == pytest.approx(0.03, rel=0.02)
    assert set(numbers) == {row.key for row in by_snr.definitions()}
