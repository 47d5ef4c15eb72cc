"""One catalog's evaluation: the right columns, the right stars, and honesty about small samples."""

from __future__ import annotations

import json

import numpy as np
import pytest

from halochem.errors import UserError
from halochem.evaluate import evaluation
from halochem.evaluate.definitions import DEFINITIONS
from halochem.evaluate.paper import PAPER


def test_numbers_recomputed_from_the_table(make_table):
    frame = make_table(400)
    numbers = evaluation.evaluate(frame, seed=1).numbers
    assert list(numbers) == list(DEFINITIONS)
    test, train = frame[frame["split"] == "test"], frame[frame["split"] == "train"]

    r = np.corrcoef(test["z_m"], test["feh_true"])[0, 1]
    assert numbers["r.z_m.feh"].value == pytest.approx(abs(r))
    assert numbers["r.z_m.feh"].n == 120
    assert numbers["r.z_c.logg"].value == pytest.approx(abs(np.corrcoef(test["z_c"], test["logg_true"])[0, 1]))

    slope, intercept = np.polyfit(train["z_alpha"], train["alpha_fe_true"], 1)
    residual = slope * test["z_alpha"] + intercept - test["alpha_fe_true"]
    assert numbers["rmse_linear.alpha_fe"].value == pytest.approx(np.sqrt((residual**2).mean()))
    calibrated = test["c_fe"] - test["c_fe_true"]
    assert numbers["rmse_calibrated.c_fe"].value == pytest.approx(np.sqrt((calibrated**2).mean()))

    teff = (test["teff"] - test["teff_true"]) / train["teff_true"].std(ddof=0)
    logg = (test["logg"] - test["logg_true"]) / train["logg_true"].std(ddof=0)
    assert numbers["rmse_w.teff"].value == pytest.approx(np.sqrt((teff**2).mean()))
    assert numbers["rmse_w.both"].value == pytest.approx(np.sqrt(((teff**2).mean() + (logg**2).mean()) / 2))


def test_reconstruction_errors_are_norm_ratios_and_equation_a5(make_table):
    frame = make_table(40)
    numbers = evaluation.evaluate(frame, seed=1).numbers
    test = frame[frame["split"] == "test"]
    assert numbers["relative_l2.all"].value == pytest.approx(np.sqrt(test["rel_l2_error_clean"]).mean())
    weight = test["flux_clean_norm"] ** 2
    pooled = (test["rel_l2_error_clean"] * weight).sum() / weight.sum()
    assert numbers["relative_l2_pooled.all"].value == pytest.approx(pooled)


def test_classes_go_by_the_true_abundances(make_table):
    frame = make_table(100)
    frame[["feh", "c_fe", "alpha_fe"]] = 9.0  # the measured ones, which must not matter here
    result = evaluation.evaluate(frame, seed=1)
    test = frame[frame["split"] == "test"]
    members = (test["c_fe_true"] > 0.7) & (test["feh_true"] < -1)
    assert result.classes["cemp"] == members.sum() > 0
    recall = result.numbers["recall.cemp"]
    assert recall.n == members.sum()
    assert recall.value == pytest.approx((members & test["flag_cemp"]).sum() / members.sum())
    errors = np.sqrt(test.loc[members, "rel_l2_error_clean"])
    assert result.numbers["relative_l2.cemp"].value == pytest.approx(errors.mean())


def test_solar_like_is_a_box_of_point_two_dex(make_table):
    frame = make_table(20)
    labels = ["feh_true", "c_fe_true", "alpha_fe_true"]
    frame[labels] = 1.0
    frame.loc[[7, 8, 9], labels] = [
        [0.2, -0.2, 0.0],
        [0.21, 0.0, 0.0],
        [0.0, 0.0, 0.0],
    ]  # all three are test stars
    assert evaluation.evaluate(frame, seed=1).classes["solar_like"] == 2


def test_an_empty_class_is_undefined_not_zero(make_table):
    frame = make_table(40)
    frame["feh_true"] = 0.0  # nobody is metal-poor
    frame.loc[frame["split"] == "test", "flag_alpha_pmp_paper"] = False
    numbers = evaluation.evaluate(frame, seed=1).numbers
    for key in ("relative_l2.cemp", "recall.cemp", "f1.cemp", "precision.alpha_pmp"):
        assert numbers[key].value is None
        assert numbers[key].n == 0
    assert numbers["relative_l2.cemp"].note == "not enough stars (n=0)"
    assert numbers["precision.alpha_pmp"].note == "none flagged (n=0)"


@pytest.mark.parametrize("n", [1, 5, 12])
def test_a_handful_of_stars_gives_json_without_nan(make_table, tmp_path, n):
    frame = make_table(n)
    path = tmp_path / "halo-1.json"
    evaluation.write(evaluation.evaluate(frame, seed=1), path)
    values = json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert values["comparable_with_paper"] is False
    by_key = {row["key"]: row for row in values["numbers"]}
    assert by_key["probe_r2.teff"]["value"] is None
    assert "not enough stars" in by_key["probe_r2.teff"]["note"]
    assert by_key["precision.cemp"]["paper"] == {
        "value": 0.96,
        "spread": 0.09,
        "words": "",
        "source": PAPER["precision.cemp"].source,
        "note": "",
    }


def test_failed_stars_are_counted_and_left_out(make_table):
    frame = make_table(60)
    lost = ["z_m", "z_c", "z_alpha", "rel_l2_error_clean", "feh", "c_fe", "alpha_fe", "teff", "logg"]
    frame.loc[[0, 7, 8], lost] = np.nan
    result = evaluation.evaluate(frame, seed=1)
    assert result.counts == {"n_stars": 60, "n_failed": 3, "n_train": 41, "n_test": 16}
    assert result.numbers["r.z_m.feh"].n == 16
    assert result.numbers["relative_l2.all"].n == 16


def test_spectra_without_labels_have_no_truth_to_be_held_against(make_table):
    frame = make_table(60)
    frame[[name for name in frame if name.endswith("_true")]] = np.nan
    result = evaluation.evaluate(frame, seed=1)
    assert result.numbers["r.z_m.feh"].value is None
    assert result.numbers["recall.cemp"].value is None
    assert result.numbers["precision.cemp"].value is None
    assert result.numbers["relative_l2.all"].n == 18


def test_json_round_trip(make_table, tmp_path):
    result = evaluation.evaluate(make_table(300), seed=3, attributes={"config_hash": "abc"})
    evaluation.write(result, tmp_path / "e.json")
    again = evaluation.read(tmp_path / "e.json")
    assert again.seed == 3
    assert again.counts == result.counts
    assert again.attributes == {"config_hash": "abc"}
    assert again.numbers == result.numbers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not an evaluation"),
        ('{"schema_version": 99}', "schema version 99, expected 4"),
        ('{"schema_version": 4}', "not an evaluation"),
        ("[]", "not an evaluation"),
    ],
)
def test_read_refuses(tmp_path, text, message):
    path = tmp_path / "e.json"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        evaluation.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_read_refuses_a_missing_file(tmp_path):
    with pytest.raises(UserError, match="no such evaluation"):
        evaluation.read(tmp_path / "none.json")
