"""What noise and temperature do to the latents: errors in bins of S/N, and latent against abundance in bins of Teff.

Sect. 4.4 and Fig. 6 of the paper, bins of width 10 from 15 to 85; the bins of Teff are those of its Fig. 4. n test
stars.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from halochem.evaluate import metrics
from halochem.evaluate.comparison import TEFF_BINS, Bin
from halochem.evaluate.definition import ABUNDANCES, LATENTS, PARTNER, Definition
from halochem.evaluate.number import Number

SNR_EDGES = range(15, 86, 10)
SNR_BINS = {f"{low}_{low + 10}": Bin(f"S/N {low}-{low + 10}", low, low + 10) for low in SNR_EDGES[:-1]}

GROUPS = {
    "snr": "Errors by S/N",
    "slopes": "Slope of a latent on its abundance by Teff",
}


def definitions() -> list[Definition]:
    """All of them, limits last."""
    rows = []
    for name, snr_bin in SNR_BINS.items():
        where = snr_bin.title
        rows += [
            _row(f"snr_l2.{name}", f"relative L² error, {where}", "mean of ‖x̃ − x‖ / ‖x‖", where, spec=".4f"),
            _row(f"snr_noise.{name}", f"the noise’s own, {where}", "mean of √(Σσ²) / ‖x‖", where, spec=".4f"),
        ]
        for label, title in ABUNDANCES.items():
            meaning = "of the residuals of the straight line z → abundance"
            rows.append(_dex(f"snr_bias.{label}.{name}", f"{title}, mean, {where}", f"mean {meaning}", where))
            shown = f"{title}, standard deviation, {where}"
            rows.append(_dex(f"snr_sd.{label}.{name}", shown, f"standard deviation {meaning}", where))
    for label, title in ABUNDANCES.items():
        meaning = "absolute correlation of the straight line’s residual with S/N"
        rows.append(_row(f"snr_trend.{label}", f"residual of {title} – S/N", meaning, "test", spec=".3f"))
    for z, label in PARTNER.items():
        for name, teff_bin in TEFF_BINS.items():
            shown = f"{LATENTS[z]} on {ABUNDANCES[label]}, {teff_bin.title}"
            meaning = "slope of the least-squares line, latent on true abundance, above 0 for all stars together"
            rows.append(Definition(f"slope.{z}.{name}", "slopes", shown, meaning, teff_bin.title, "1/dex"))
    for name, snr_bin in SNR_BINS.items():
        for label, title in ABUNDANCES.items():
            meaning = "standard deviation of the error of the best estimate from a measurement at the bound"
            rows.append(_dex(f"limit.snr_sd.{label}.{name}", f"limit, {title}", meaning, snr_bin.title, "none"))
    return rows


def _row(key: str, title: str, meaning: str, stars: str, spec: str) -> Definition:
    return Definition(key, "snr", title, meaning, stars, spec=spec, better="lower" if "l2" in key else "none")


def _dex(key: str, title: str, meaning: str, stars: str, better: str = "lower") -> Definition:
    return Definition(key, "snr", title, meaning, stars, "dex", ".3f", better)


def noise_l2(table: pd.DataFrame) -> np.ndarray:
    """√(Σσ²) / ‖x‖ over the decoders' pixels, what the noise alone is worth on the scale of the L² error: (n,).

    Of each star the table has Σ(x̃ − x)² / Σx² and the mean of (x̃ − x)² / σ²: with one σ a star their ratio is
    Σσ² / Σx².
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(table["rel_l2_error"].to_numpy(float) / table["chi2_reduced"].to_numpy(float))


def numbers(
    test: pd.DataFrame, residual: dict[str, np.ndarray], bounds: pd.DataFrame | None, why_no_bounds: str
) -> dict[str, Number]:
    """All of `definitions()`.

    `residual`: of the straight line, measured minus true [dex], (n,), by abundance; `bounds` with a row for each row of
    `test`, in the same order, or None.
    """
    snr, teff = (test[name].to_numpy(float) for name in ("snr", "teff_true"))
    error, noise = np.sqrt(test["rel_l2_error_clean"].to_numpy(float)), noise_l2(test)
    result = {}
    for name, snr_bin in SNR_BINS.items():
        inside = snr_bin.holds(snr)
        result[f"snr_l2.{name}"] = metrics.mean(error[inside])
        result[f"snr_noise.{name}"] = metrics.mean(noise[inside])
        for label in ABUNDANCES:
            result[f"snr_bias.{label}.{name}"] = metrics.mean(residual[label][inside])
            result[f"snr_sd.{label}.{name}"] = metrics.standard_deviation(residual[label][inside])
            limit = Number(None, 0, note=why_no_bounds)
            if bounds is not None:
                off = bounds[f"best_{label}"].to_numpy(float) - test[f"{label}_true"].to_numpy(float)
                limit = metrics.standard_deviation(off[inside])
            result[f"limit.snr_sd.{label}.{name}"] = limit
    for label in ABUNDANCES:
        result[f"snr_trend.{label}"] = metrics.correlation(residual[label], snr)
    for z, label in PARTNER.items():
        # The sign of a latent is arbitrary, and would differ from catalog to catalog.
        whole = metrics.line(test[f"{label}_true"], test[z])
        sign = -1.0 if whole and whole[0] < 0 else 1.0
        for name, teff_bin in TEFF_BINS.items():
            inside = teff_bin.holds(teff)
            result[f"slope.{z}.{name}"] = metrics.slope(test.loc[inside, f"{label}_true"], sign * test.loc[inside, z])
    return result
