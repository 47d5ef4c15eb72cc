"""Which stars the page names, and what it says of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from halochem.report import notable


def _table(n: int = 30) -> pd.DataFrame:
    frame = pd.DataFrame({"star_id": [f"halo-1-{i:06d}" for i in range(n)], "split": "test", "z_m": 0.0})
    for name in ("feh", "c_fe", "alpha_fe"):
        frame[name] = np.linspace(-2, 0, n)
        frame[f"{name}_true"] = frame[name] + 0.1
    frame["teff"], frame["logg"], frame["snr"] = 5000.0, 4.0, 50.0
    frame["teff_true"], frame["logg_true"] = 5100.0, np.nan
    frame["rel_l2_error"] = frame["rel_l2_error_clean"] = np.linspace(1e-6, 1e-4, n)
    for name in ("cemp", "alpha_pmp", "anomalous", "out_of_grid"):
        frame[f"flag_{name}"] = False
    return frame


def test_kinds_hold_their_extreme_test_stars():
    table = _table()
    table.loc[[3, 9, 20], "flag_cemp"] = True
    table.loc[0, "split"] = "train"
    table.loc[29, "z_m"] = np.nan
    kinds = {kind.title: kind for kind in notable.choose(table)}
    assert list(kinds) == ["Most metal-poor", "CEMP candidates", "Reconstructed worst"]  # the other flags are unset
    assert kinds["Most metal-poor"].rows.tolist() == [1, 2, 3, 4, 5, 6]
    assert kinds["Most metal-poor"].total == 28
    assert kinds["CEMP candidates"].rows.tolist() == [20, 9, 3]
    assert kinds["Reconstructed worst"].rows.tolist() == [28, 27, 26, 25, 24, 23]


def test_stars_are_shown_with_their_truth_where_known():
    table = _table()
    table.loc[0, "flag_alpha_pmp"] = True
    table.loc[0, ["c_fe_true", "alpha_fe_true"]] = 1.5, -0.1
    kinds = notable.choose(table)
    star = notable.shown(table, kinds)[0]["stars"][0]
    assert star["star_id"] == "halo-1-000000"
    assert star["numbers"][0] == ("−2.00", "−1.90")
    assert star["numbers"][3:] == [("5000", "5100"), ("4.00", "–")]
    assert star["error"] == "0.0010"
    assert star["flags"] == "alpha_pmp"
    assert star["classes"] == "αPMP, CEMP"


def test_without_a_clean_flux_the_observed_one_is_measured_against():
    table = _table()
    table["rel_l2_error_clean"] = np.nan
    table["rel_l2_error"] = table["rel_l2_error"].to_numpy()[::-1]
    worst = next(kind for kind in notable.choose(table) if kind.title == "Reconstructed worst")
    assert worst.rows[0] == 0
