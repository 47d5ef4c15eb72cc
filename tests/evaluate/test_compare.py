"""Ours beside peers and limits, from tables whose relations are known."""

from __future__ import annotations

import argparse
import json

import numpy as np
import pandas as pd
import pytest

from halochem.errors import UserError
from halochem.evaluate import bounds, command, compare, evaluation, peers, stars
from halochem.evaluate.comparison import METHODS

LABELS = ("feh", "c_fe", "alpha_fe")


def held_out(frame):
    return frame[frame["split"] == "test"]


def bounds_of(frame: pd.DataFrame, crb: float = 0.05) -> pd.DataFrame:
    """The same bound for all; the best estimate is off by it, up and down in turn; probabilities are certain."""
    test = held_out(frame)
    found = pd.DataFrame(crb, index=test.index, columns=list(bounds.COLUMNS))
    found["star_id"] = test["star_id"].astype(str)
    for label in LABELS:
        found[f"best_{label}"] = test[f"{label}_true"] + crb * np.where(np.arange(len(test)) % 2, 1, -1)
    metal_poor = test["feh_true"] < -1
    found["best_p_cemp"] = (metal_poor & (test["c_fe_true"] > 0.7)).astype(float)
    found["best_p_alpha_pmp"] = (metal_poor & (test["alpha_fe_true"] < 0)).astype(float)
    return found


def peers_of(frame: pd.DataFrame, error: float = 0.1) -> pd.DataFrame:
    test = held_out(frame)
    found = pd.DataFrame(0.0, index=test.index, columns=list(peers.COLUMNS))
    found["star_id"] = test["star_id"].astype(str)
    side = np.where(np.arange(len(test)) % 2, 1, -1)
    for peer in peers.PEERS:
        for label in LABELS:
            found[f"{peer}_{label}"] = test[f"{label}_true"] + 0.02 + error * side
    return found


def test_numbers_recomputed_from_the_tables(make_table):
    frame = make_table(400)
    # In another order, since rows go by star_id.
    beside = {"bounds": bounds_of(frame).sample(frac=1, random_state=0), "peers": peers_of(frame).iloc[::-1]}
    numbers = evaluation.evaluate(frame, 1, {"flag_precision": "0.8"}, **beside).numbers
    assert numbers["rmse_network.feh"].value == pytest.approx(np.sqrt(0.1**2 + 0.02**2))
    assert numbers["bias_cannon.c_fe"].value == pytest.approx(0.02)
    assert numbers["sigma_cannon_all.alpha_fe"].value == pytest.approx(1.4826 * 0.1)
    assert numbers["over_bound_network.feh"].value == pytest.approx(1.4826 * 0.1 / 0.05)
    test, train = held_out(frame), frame[frame["split"] == "train"]
    slope, intercept = np.polyfit(train["z_m"], train["feh_true"], 1)
    error = slope * test["z_m"] + intercept - test["feh_true"]
    assert numbers["over_bound_linear.feh"].value == pytest.approx(1.4826 * np.median(np.abs(error)) / 0.05)
    scatter = 1.4826 * np.median(np.abs(error - np.median(error)))
    assert numbers["sigma_linear.feh"].value == pytest.approx(scatter)
    assert numbers["bound_known.c_fe"].value == pytest.approx(0.05)
    assert numbers["bound.c_fe"].n == 120
    inside = (test["teff_true"] <= 4000) & (test["feh_true"] > -2) & (test["feh_true"] <= -1)
    assert numbers["bound.feh.cool_middle"].n == inside.sum() > 0
    assert numbers["limit.rmse_calibrated.feh"].value == pytest.approx(0.05)
    r = np.corrcoef(beside["bounds"].sort_index()["best_c_fe"], test["c_fe_true"])[0, 1]
    assert numbers["limit.r.z_c.c_fe"].value == pytest.approx(r)
    assert numbers["limit.recall.cemp"].value == numbers["limit.recall_calibrated.alpha_pmp"].value == 1.0


def test_both_sets_of_flags_and_false_alarms(make_table):
    frame = make_table(300)
    frame.loc[[7, 8], "flag_anomalous"] = True
    numbers = evaluation.evaluate(frame, 1).numbers
    test = held_out(frame)
    members = (test["c_fe_true"] > 0.7) & (test["feh_true"] < -1)
    for key, column in (("recall.cemp", "flag_cemp_paper"), ("recall_calibrated.cemp", "flag_cemp_calibrated")):
        assert numbers[key].value == pytest.approx((members & test[column]).sum() / members.sum())
    assert numbers["recall.cemp"].value != numbers["recall_calibrated.cemp"].value
    assert numbers["false_alarm.anomalous"].value == pytest.approx(2 / 90)


def test_what_is_not_given_is_undefined_and_says_so(make_table):
    numbers = evaluation.evaluate(make_table(60), 1, reasons={"bounds": "no bounds: another grid"}).numbers
    assert numbers["bound.feh"].note == numbers["limit.recall.cemp"].note == "no bounds: another grid"
    assert numbers["over_bound_linear.feh"].note == "no bounds: another grid"
    assert numbers["rmse_cannon.feh"].note == "no peers given (--peers)"
    assert numbers["sigma_linear.feh"].value is not None


def test_ceiling_takes_the_lowest_cut_that_holds_the_precision():
    p = np.array([0.99, 0.97, 0.95] * 10 + [0.6] * 10 + [np.nan])
    member = np.array([True] * 30 + [True] * 6 + [False] * 4 + [True])
    assert compare.ceiling(p, member, 0.9).value == pytest.approx(30 / 36)
    lax = compare.ceiling(p, member, 0.87)
    assert lax.value == 1.0
    assert lax.detail["precision"] == pytest.approx(0.9)
    assert compare.ceiling(p, member, 0.999).note == "a precision of 0.999 is out of reach"
    assert compare.ceiling(np.full(5, np.nan), member[:5], 0.9).value is None


def _run(*words: object) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args([str(word) for word in words]))


def _write(module, frame, path, reason=""):
    stars.write(frame, path, module.COLUMNS, {"seed": "1", "reason": reason})
    return path


def test_command_takes_both_tables(make_table, write_table, tmp_path):
    frame = make_table(60)
    table = write_table(frame, 1, flag_precision="0.8")
    b = _write(bounds, bounds_of(frame), tmp_path / "bounds-1.parquet")
    empty = peers_of(frame)
    empty[list(peers.COLUMNS)[1:]] = np.nan
    p = _write(peers, empty, tmp_path / "peers-1.parquet", "no peers: too few")
    _run("--table", table, "--bounds", b, "--peers", p, "--out", tmp_path / "halo-1.json")
    numbers = {row["key"]: row for row in json.loads((tmp_path / "halo-1.json").read_text())["numbers"]}
    assert numbers["bound.feh"]["value"] == pytest.approx(0.05)
    assert numbers["rmse_cannon.feh"]["note"] == "no peers: too few"
    assert numbers["rmse_cannon.feh"]["paper"]["value"] == 0.26
    _run("--summary", tmp_path / "halo-1.json", "--out", tmp_path / "summary.parquet")
    page = (tmp_path / "summary.md").read_text()
    assert "| The Cannon, 1000 stars, [Fe/H] | no peers | 0 | 0 | 0.26 |" in page
    for name in METHODS.values():
        assert name in page


def test_tables_of_other_stars_are_refused(make_table, write_table, tmp_path):
    frame = make_table(60)
    table = write_table(frame)
    other = _write(bounds, bounds_of(frame).iloc[1:], tmp_path / "b.parquet")
    with pytest.raises(UserError, match=r"b\.parquet: holds 17 stars, not the 18 test stars of the table"):
        _run("--table", table, "--bounds", other, "--out", tmp_path / "e.json")
    with pytest.raises(UserError, match="column cannon_teff is missing; make it anew with `halochem evaluate --peers"):
        _run("--table", table, "--peers", other, "--out", tmp_path / "e.json")
    with pytest.raises(UserError, match=r"none\.parquet: no such file; `halochem evaluate --limits-of CATALOG` makes"):
        _run("--table", table, "--bounds", tmp_path / "none.parquet", "--out", tmp_path / "e.json")
    with pytest.raises(UserError, match="--bounds: goes with --table only"):
        _run("--summary", table, "--bounds", other, "--out", tmp_path / "s.parquet")
