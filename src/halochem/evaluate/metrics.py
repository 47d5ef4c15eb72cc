"""The measures, each on plain arrays of stars.

Every function leaves out stars where one of its inputs is not finite (failed syntheses, unknown labels) and
returns a `Number` that says how many were left. Standard errors are the usual large-sample ones; for
proportions Wilson's, which do not vanish at 0 and 1.
"""

from __future__ import annotations

import numpy as np

from halochem.evaluate.number import Number, undefined

# Fewer than three points lie on a straight line whatever they are.
MIN_FOR_LINE = 3
MAD_TO_SIGMA = 1.4826  # of a normal distribution


def _finite(*columns: np.ndarray) -> list[np.ndarray]:
    columns = [np.asarray(column, float) for column in columns]
    good = np.all([np.isfinite(column) for column in columns], axis=0)
    return [column[good] for column in columns]


def mean(values: np.ndarray) -> Number:
    """Mean over stars; `values` has shape (n,)."""
    (values,) = _finite(values)
    n = len(values)
    if n == 0:
        return undefined(0)
    return Number(float(values.mean()), n, float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else None)


def median(values: np.ndarray) -> Number:
    """Median over stars; its standard error is that of a normal distribution of the same median deviation."""
    (values,) = _finite(values)
    n = len(values)
    if n == 0:
        return undefined(0)
    middle = float(np.median(values))
    scatter = MAD_TO_SIGMA * float(np.median(np.abs(values - middle)))
    return Number(middle, n, float(np.sqrt(np.pi / 2 / n)) * scatter if n > 1 else None)


def robust_sigma(values: np.ndarray) -> Number:
    """1.4826 times the median deviation from the median: the standard deviation, whatever a few outliers do."""
    (values,) = _finite(values)
    n = len(values)
    if n < 2:
        return undefined(n)
    scatter = MAD_TO_SIGMA * float(np.median(np.abs(values - np.median(values))))
    # The efficiency of the median deviation is 37 %.
    return Number(scatter, n, scatter / np.sqrt(2 * 0.37 * n))


def standard_deviation(values: np.ndarray) -> Number:
    """Standard deviation over stars (n - 1), with the standard error that its fourth moment gives."""
    (values,) = _finite(values)
    n = len(values)
    if n < MIN_FOR_LINE:
        return undefined(n)
    squares = (values - values.mean()) ** 2
    value = float(values.std(ddof=1))
    return Number(value, n, float(squares.std(ddof=1) / np.sqrt(n) / (2 * value)) if value > 0 else None)


def slope(x: np.ndarray, y: np.ndarray) -> Number:
    """Slope of the least-squares line of y on x, with its standard error."""
    x, y = _finite(x, y)
    n, fit = len(x), line(x, y)
    if fit is None:
        return undefined(n)
    residual = y - fit[0] * x - fit[1]
    spread = float(((x - x.mean()) ** 2).sum())
    return Number(fit[0], n, float(np.sqrt((residual**2).sum() / (n - 2) / spread)))


def pooled_ratio(numerator: np.ndarray, denominator: np.ndarray) -> Number:
    """Σ numerator / Σ denominator over stars, as Eq. A.5 of the paper; both of shape (n,)."""
    numerator, denominator = _finite(numerator, denominator)
    n, total = len(numerator), float(denominator.sum())
    if n == 0 or total <= 0:
        return undefined(n)
    ratio = float(numerator.sum() / total)
    scatter = numerator - ratio * denominator
    return Number(ratio, n, float(np.sqrt((scatter**2).sum() * n / (n - 1)) / total) if n > 1 else None)


def correlation(x: np.ndarray, y: np.ndarray) -> Number:
    """|r|, Pearson; the signed value is in the detail. Undefined below three stars or without spread."""
    x, y = _finite(x, y)
    n = len(x)
    if n < MIN_FOR_LINE:
        return undefined(n)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return undefined(n, f"no spread in one of the two (n={n})")
    r = float(np.corrcoef(x, y)[0, 1])
    return Number(abs(r), n, (1 - r * r) / np.sqrt(n - 1), detail={"signed": r})


def rmse(predicted: np.ndarray, true: np.ndarray, scale: float = 1.0) -> Number:
    """Root of the mean squared difference, over `scale`; its mean (bias) is in the detail."""
    predicted, true = _finite(predicted, true)
    n = len(true)
    if n == 0 or not np.isfinite(scale) or scale <= 0:
        return undefined(n)
    difference = (predicted - true) / scale
    squares = difference**2
    value = float(np.sqrt(squares.mean()))
    error = float(squares.std(ddof=1) / np.sqrt(n) / (2 * value)) if n > 1 and value > 0 else None
    return Number(value, n, error, detail={"bias": float(difference.mean())})


def line(x: np.ndarray, y: np.ndarray) -> tuple[float, float] | None:
    """Least-squares (slope, intercept) of y on x; None below three points or without spread in x."""
    x, y = _finite(x, y)
    if len(x) < MIN_FOR_LINE or np.ptp(x) == 0:
        return None
    centred = x - x.mean()
    slope = float((centred * (y - y.mean())).sum() / (centred**2).sum())
    return slope, float(y.mean() - slope * x.mean())


def linear_fit_rmse(x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> Number:
    """RMSE on the test stars of the straight line y(x) fitted to the training stars."""
    n_train = len(_finite(x_train, y_train)[0])
    n_test = len(_finite(x_test, y_test)[0])
    fit = line(x_train, y_train)
    if fit is None:
        return undefined(n_test, f"not enough stars (n_train={n_train})", n_train=n_train)
    slope, intercept = fit
    number = rmse(slope * np.asarray(x_test, float) + intercept, y_test)
    detail = number.detail | {"n_train": n_train, "slope": slope, "intercept": intercept}
    return Number(number.value, number.n, number.error, number.note, detail)


def constant_rmse(y_train: np.ndarray, y_test: np.ndarray) -> Number:
    """RMSE on the test stars of the training stars' mean: what knowing nothing scores."""
    (y_train,) = _finite(y_train)
    if len(y_train) == 0:
        return undefined(len(_finite(y_test)[0]), "not enough stars (n_train=0)")
    return rmse(np.full(len(y_test), y_train.mean()), y_test)


def standardised_rmse(
    predicted: dict[str, np.ndarray], true: dict[str, np.ndarray], train: dict[str, np.ndarray]
) -> Number:
    """RMSE pooled over several labels, each in units of its standard deviation among the training stars."""
    differences = []
    for name in true:
        (spread,) = _finite(train[name])
        scale = spread.std() if len(spread) > 1 and np.ptp(spread) > 0 else np.nan
        differences.append((np.asarray(predicted[name], float) - np.asarray(true[name], float)) / scale)
    stars = np.sqrt((np.array(differences) ** 2).mean(axis=0))
    return rmse(stars, np.zeros_like(stars))


# --- classification -------------------------------------------------------------------------------------


def counts(flagged: np.ndarray, true: np.ndarray) -> dict[str, int]:
    """Stars by flag and truth: true_positive, false_positive, false_negative, true_negative."""
    flagged, true = np.asarray(flagged, bool), np.asarray(true, bool)
    return {
        "true_positive": int((flagged & true).sum()),
        "false_positive": int((flagged & ~true).sum()),
        "false_negative": int((~flagged & true).sum()),
        "true_negative": int((~flagged & ~true).sum()),
    }


def proportion(k: int, n: int, note: str, **detail: int) -> Number:
    """k of n, with Wilson's standard error; undefined, with that note, where n is 0."""
    if n == 0:
        return undefined(0, note, **detail)
    p = k / n
    error = np.sqrt(p * (1 - p) / n + 1 / (4 * n * n)) / (1 + 1 / n)
    return Number(p, n, float(error), detail=dict(detail))


def precision(flagged: np.ndarray, true: np.ndarray) -> Number:
    """Share of the flagged stars that belong to the class (Eq. A.7); n is the number flagged."""
    c = counts(flagged, true)
    return proportion(c["true_positive"], c["true_positive"] + c["false_positive"], "none flagged (n=0)", **c)


def recall(flagged: np.ndarray, true: np.ndarray) -> Number:
    """Share of the class that is flagged (Eq. A.6); n is the size of the class."""
    c = counts(flagged, true)
    return proportion(c["true_positive"], c["true_positive"] + c["false_negative"], "not enough stars (n=0)", **c)


def recall_at(score: np.ndarray, true: np.ndarray, precision: float) -> Number:
    """The highest recall of a cut in `score` whose precision among the same stars is `precision` or more.

    n is the size of the class; the detail has the cut.
    """
    score, true = np.asarray(score, float), np.asarray(true, bool)
    if not true.any():
        return undefined(0, "not enough stars (n=0)")
    order = np.argsort(-score, kind="stable")
    found = np.cumsum(true[order])
    # Stars of the same score are flagged together.
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    good = last[np.isfinite(score[order][last]) & (found[last] >= precision * (last + 1))]
    if len(good) == 0:
        return undefined(int(found[-1]), f"no cut has a precision of {precision:g}")
    cut = good[-1]
    number = proportion(int(found[cut]), int(true.sum()), "not enough stars (n=0)")
    return Number(number.value, number.n, number.error, number.note, {"cut": float(score[order[cut]])})


def f1(flagged: np.ndarray, true: np.ndarray) -> Number:
    """Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN); n is the size of the class.

    Undefined where there is no star of the class, whatever is flagged.
    """
    c = counts(flagged, true)
    n = c["true_positive"] + c["false_negative"]
    if n == 0:
        return undefined(0, "", **c)
    value = 2 * c["true_positive"] / (2 * c["true_positive"] + c["false_positive"] + c["false_negative"])
    return Number(value, n, detail=dict(c))


def auc(positive: np.ndarray, negative: np.ndarray) -> Number:
    """Area under the ROC curve: the probability that a positive exceeds a negative (ties count half).

    Standard error after Hanley & McNeil (1982, Radiology 143, 29); n is the number of positives.
    """
    (positive,), (negative,) = _finite(positive), _finite(negative)
    m, n = len(positive), len(negative)
    if m == 0 or n == 0:
        return undefined(m, f"not enough stars (n={m}, {n} to tell them from)")
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left")
    equal = np.searchsorted(ordered, positive, side="right") - below
    area = float((below + 0.5 * equal).mean() / n)
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (area * (1 - area) + (m - 1) * (q1 - area**2) + (n - 1) * (q2 - area**2)) / (m * n)
    return Number(area, m, float(np.sqrt(max(variance, 0.0))))


def roc(positive: np.ndarray, negative: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ROC curve, shares of the negatives and of the positives from each threshold on, from 0 to 1."""
    (positive,), (negative,) = _finite(positive), _finite(negative)
    thresholds = np.unique(np.concatenate([positive, negative]))[::-1]
    false, true = (
        1 - np.searchsorted(np.sort(values), thresholds, side="left") / max(len(values), 1)
        for values in (negative, positive)
    )
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])
