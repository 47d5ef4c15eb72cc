"""Whether spoilt spectra stand out: ROC areas, and shares found at one false alarm in a hundred.

The normal spectra are all test stars of the catalog's table, the spoilt ones of `anomalies`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from halochem.evaluate import metrics
from halochem.evaluate.anomaly_kinds import KINDS, STATISTICS
from halochem.evaluate.definition import Definition
from halochem.evaluate.number import Number

GROUPS = {
    "detection": "Spoilt spectra, area under the ROC curve",
    "detection_share": "Spoilt spectra, share found at 1 % false alarms",
}
FALSE_ALARM = 0.01
ALL = {"all": "all kinds"}


def definitions() -> list[Definition]:
    """All of them."""
    rows = []
    for measure, group, meaning in (
        ("auc", "detection", "probability that the statistic of a spoilt spectrum exceeds that of a test star"),
        ("detected", "detection_share", "share above the value that 1 % of the test stars exceed"),
    ):
        for statistic, title in STATISTICS.items():
            for kind, what in (KINDS | ALL).items():
                rows.append(
                    Definition(
                        f"{measure}.{statistic}.{kind}",
                        group,
                        f"{title}, {what}",
                        meaning,
                        f"spoilt: {what}",
                        spec=".3f",
                        better="higher",
                    )
                )
    rows.append(
        Definition(
            "detected.flag",
            "detection_share",
            "flag_anomalous, all kinds",
            "share whose reduced χ² is above that of every test star without flag_anomalous",
            "spoilt: all kinds",
            spec=".3f",
            better="higher",
        )
    )
    return rows


def normal(test: pd.DataFrame) -> dict[str, np.ndarray]:
    """The statistics of a product table's stars: (n,) by the names of STATISTICS."""
    return {
        "error": np.sqrt(test["rel_l2_error"].to_numpy(float)),
        "chi2": test["chi2_reduced"].to_numpy(float),
        "norm": test["latent_norm"].to_numpy(float),
    }


def numbers(test: pd.DataFrame, spoilt: pd.DataFrame | None) -> dict[str, Number]:
    """All of `definitions()`; `spoilt` the columns of `anomalies`, or None."""
    if spoilt is None:
        none = Number(None, 0, note="no spoilt spectra given (--anomalies)")
        return {row.key: none for row in definitions()}
    result = {}
    for statistic, values in normal(test).items():
        finite = values[np.isfinite(values)]
        limit = np.quantile(finite, 1 - FALSE_ALARM) if len(finite) else np.nan
        for kind in KINDS | ALL:
            chosen = spoilt if kind == "all" else spoilt[spoilt["kind"] == kind]
            found = chosen[statistic].to_numpy(float)
            result[f"auc.{statistic}.{kind}"] = metrics.auc(found, values)
            result[f"detected.{statistic}.{kind}"] = _share(found > limit, np.isfinite(limit))
    chi2 = test["chi2_reduced"].to_numpy(float)
    unflagged = chi2[~test["flag_anomalous"].to_numpy(bool) & np.isfinite(chi2)]
    limit = unflagged.max() if len(unflagged) else np.nan
    result["detected.flag"] = _share(spoilt["chi2"].to_numpy(float) > limit, np.isfinite(limit))
    return result


def _share(found: np.ndarray, known: bool) -> Number:
    return metrics.proportion(int(found.sum()), len(found) if known else 0, "not enough stars (n=0)")
