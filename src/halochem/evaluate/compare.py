"""The numbers of `comparison`, from the tables of bounds and peers beside the product. n test stars."""

from __future__ import annotations

import numpy as np
import pandas as pd

from halochem.encode import membership
from halochem.evaluate import metrics
from halochem.evaluate.classes import CLASSES, true_labels
from halochem.evaluate.comparison import FEH_BINS, METHODS, PEERS, TEFF_BINS, VARIANTS
from halochem.evaluate.definition import ABUNDANCES, FLAGS, PARTNER
from halochem.evaluate.number import Number, undefined
from halochem.evaluate.paper import PAPER

Numbers = dict[str, Number]
NO_BOUNDS = "no bounds given (--bounds)"


def errors(train: pd.DataFrame, test: pd.DataFrame, peers: pd.DataFrame | None) -> dict[str, dict[str, np.ndarray]]:
    """Measured minus true [dex], (n,), by method and abundance; NaN where a method has no answer.

    `train` and `test` of the product; `peers` with a row for each row of `test`, in the same order.
    """
    found: dict[str, dict[str, np.ndarray]] = {method: {} for method in METHODS}
    for z, label in PARTNER.items():
        true = test[f"{label}_true"].to_numpy(float)
        line = metrics.line(train[z], train[f"{label}_true"])
        slope, intercept = line if line else (np.nan, np.nan)
        found["linear"][label] = slope * test[z].to_numpy(float) + intercept - true
        found["calibrated"][label] = test[label].to_numpy(float) - true
        for peer in PEERS:
            measured = np.full(len(test), np.nan) if peers is None else peers[f"{peer}_{label}"].to_numpy(float)
            found[peer][label] = measured - true
    return found


def numbers(
    train: pd.DataFrame,
    test: pd.DataFrame,
    bounds: pd.DataFrame | None,
    peers: pd.DataFrame | None,
    reasons: dict[str, str],
    flag_precision: float,
) -> Numbers:
    """All of `comparison.definitions()`.

    `bounds` and `peers` have a row for each row of `test`, in the same order, or are None; `reasons`: why there are no
    bounds or peers, under these names. `flag_precision`: asked of the calibrated flags, NaN where not known.
    """
    found = errors(train, test, peers)
    without_bounds = reasons.get("bounds", "") or ("" if bounds is not None else NO_BOUNDS)
    without_peers = reasons.get("peers", "") or ("" if peers is not None else "no peers given (--peers)")
    result: Numbers = {}
    for method, by_label in found.items():
        note = without_peers if method in PEERS else ""
        for label, error in by_label.items():
            if method in PEERS:
                result[f"rmse_{method}.{label}"] = _noted(metrics.rmse(error, np.zeros(len(error))), note)
            result[f"sigma_{method}.{label}"] = _noted(metrics.robust_sigma(error), note)
            result[f"bias_{method}.{label}"] = _noted(metrics.median(error), note)
            ratio = error / _column(bounds, f"crb_{label}", len(test))
            result[f"over_bound_{method}.{label}"] = _noted(_scaled_median(ratio), note or without_bounds)
    result |= _bound_medians(test, bounds, without_bounds)
    result |= _limits(test, bounds, without_bounds, flag_precision)
    return result


def _column(frame: pd.DataFrame | None, name: str, n: int) -> np.ndarray:
    return np.full(n, np.nan) if frame is None else frame[name].to_numpy(float)


def _noted(number: Number, note: str) -> Number:
    return Number(None, 0, note=note) if number.value is None and note else number


def _scaled_median(values: np.ndarray) -> Number:
    number = metrics.median(np.abs(values))
    if number.value is None:
        return number
    error = None if number.error is None else metrics.MAD_TO_SIGMA * number.error
    return Number(metrics.MAD_TO_SIGMA * number.value, number.n, error)


def _bound_medians(test: pd.DataFrame, bounds: pd.DataFrame | None, note: str) -> Numbers:
    result = {}
    labels = true_labels(test)
    for label in ABUNDANCES:
        for key, (column, _) in VARIANTS.items():
            values = _column(bounds, column.format(label), len(test))
            result[f"{key}.{label}"] = _noted(metrics.median(values), note)
        values = _column(bounds, f"crb_{label}", len(test))
        for teff, teff_bin in TEFF_BINS.items():
            for feh, feh_bin in FEH_BINS.items():
                inside = teff_bin.holds(labels["teff"].to_numpy()) & feh_bin.holds(labels["feh"].to_numpy())
                result[f"bound.{label}.{teff}_{feh}"] = _noted(metrics.median(values[inside]), note)
    return result


def _limits(test: pd.DataFrame, bounds: pd.DataFrame | None, note: str, flag_precision: float) -> Numbers:
    result = {}
    n = len(test)
    for z, label in PARTNER.items():
        true = test[f"{label}_true"].to_numpy(float)
        best = _column(bounds, f"best_{label}", n)
        for method in METHODS:
            result[f"limit.rmse_{method}.{label}"] = _noted(metrics.rmse(best, true), note)
            result[f"limit.sigma_{method}.{label}"] = _noted(metrics.robust_sigma(best - true), note)
        result[f"limit.r.{z}.{label}"] = _noted(metrics.correlation(best, true), note)
    labels = true_labels(test)
    for name in FLAGS:
        probability = _column(bounds, f"best_p_{name}", n)
        member = CLASSES[name].member(labels)
        for kind, precision in (("", PAPER[f"precision.{name}"].value), ("_calibrated", flag_precision)):
            result[f"limit.recall{kind}.{name}"] = _noted(ceiling(probability, member, precision), note)
    return result


def ceiling(probability: np.ndarray, member: np.ndarray, precision: float) -> Number:
    """Recall of the stars above the lowest probability beyond which its mean is `precision`.

    The realised precision, of which the mean is the expectation, is in the detail.
    """
    known = np.isfinite(probability)
    if not known.any() or not np.isfinite(precision):
        return undefined(0)
    cut = membership.choose_cut(probability, precision)
    flagged = cut.flags(probability[known])
    number = metrics.recall(flagged, member[known])
    realised = metrics.precision(flagged, member[known]).value
    detail = number.detail | {"asked": precision, "precision": realised, "threshold": cut.threshold}
    reached = number.note if cut.reached else f"a precision of {precision:g} is out of reach"
    return Number(number.value, number.n, number.error, reached, detail)
