"""Mean and spread over catalogs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from halochem.errors import UserError
from halochem.evaluate import summary
from halochem.evaluate.definitions import DEFINITIONS
from halochem.evaluate.evaluation import Evaluation
from halochem.evaluate.number import Number


def _evaluation(seed: int, n_test: int = 12_000, **values: float | None) -> Evaluation:
    numbers = {key: Number(0.5, 10) for key in DEFINITIONS}
    numbers |= {key.replace("__", "."): Number(value, 10) for key, value in values.items()}
    counts = {"n_stars": n_test, "n_failed": 0, "n_train": 0, "n_test": n_test}
    return Evaluation(seed, counts, {}, numbers)


def test_mean_and_spread():
    catalogs = [
        _evaluation(1, recall__cemp=0.6),
        _evaluation(2, recall__cemp=0.7),
        _evaluation(3, recall__cemp=0.8),
    ]
    row = summary.summarise(catalogs).set_index("key").loc["recall.cemp"]
    assert row["mean"] == pytest.approx(0.7)
    assert row["spread"] == pytest.approx(0.1)
    assert (row["minimum"], row["maximum"]) == (0.6, 0.8)
    assert (row["n_catalogs"], row["n_stars"]) == (3, 30)
    assert (row["paper"], row["paper_spread"]) == (0.68, 0.05)


def test_undefined_catalogs_are_left_out_and_counted():
    catalogs = [_evaluation(1, recall__cemp=0.6), _evaluation(2, recall__cemp=None)]
    row = summary.summarise(catalogs).set_index("key").loc["recall.cemp"]
    assert (row["mean"], row["n_catalogs"], row["n_stars"]) == (0.6, 1, 10)
    assert np.isnan(row["spread"])
    assert row["values"][0] == 0.6
    assert np.isnan(row["values"][1])


def test_file_round_trip_and_page(tmp_path):
    catalogs = [_evaluation(1, 40, recall__cemp=None), _evaluation(5, 40, recall__cemp=None)]
    page = summary.write(catalogs, tmp_path / "summary.parquet")
    again = summary.read(tmp_path / "summary.parquet")
    assert again.attrs["seeds"] == [1, 5]
    expected = summary.summarise(catalogs)
    pd.testing.assert_frame_equal(again.drop(columns="values"), expected.drop(columns="values"))
    assert page == tmp_path / "summary.md"
    text = page.read_text(encoding="utf-8")
    assert "With 40 test stars in a catalog" in text
    assert "| CEMP recall | not enough stars | 0 | 0 | 0.68 ± 0.05 | 0.50 ± 0.00 |" in text
    assert "| αPMP recall | 0.50 ± 0.00 | 2 | 20 | 0.11 ± 0.02 | 0.50 ± 0.00 |" in text
    assert "limit," not in text  # beside its number, in no row of its own in text


def test_no_warning_when_there_are_enough_stars():
    assert summary.caution([_evaluation(1), _evaluation(2)]) == ""
    assert "999 test stars" in summary.caution([_evaluation(1), _evaluation(2, 999)])


def test_refuses_a_catalog_twice():
    with pytest.raises(UserError, match="seed 1 is there twice"):
        summary.summarise([_evaluation(1), _evaluation(1)])


def test_read_refuses(tmp_path):
    path = tmp_path / "summary.parquet"
    with pytest.raises(UserError, match="no such summary"):
        summary.read(path)
    path.write_text("not Parquet")
    with pytest.raises(UserError, match="not a readable Parquet file"):
        summary.read(path)
    pd.DataFrame({"key": ["a"]}).to_parquet(path)
    with pytest.raises(UserError, match="column group is missing"):
        summary.read(path)


def test_of_one_catalog_the_error_is_that_from_its_stars(tmp_path):
    one = _evaluation(1)
    one.numbers["recall.cemp"] = Number(0.6, 10, 0.12)
    row = summary.summarise([one]).set_index("key").loc["recall.cemp"]
    assert (row["mean"], row["error"]) == (0.6, 0.12)
    assert np.isnan(row["spread"])
    text = summary.write([one], tmp_path / "summary.parquet").read_text(encoding="utf-8")
    assert "± is one standard error" in text
    assert "| CEMP recall | 0.60 ± 0.12 | 1 | 10 |" in text


def test_the_limit_has_its_mean_and_spread():
    catalogs = [_evaluation(1), _evaluation(2)]
    for catalog, value in zip(catalogs, (0.8, 0.9), strict=True):
        catalog.numbers["limit.recall.cemp"] = Number(value, 10)
    row = summary.summarise(catalogs).set_index("key").loc["recall.cemp"]
    assert row["limit"] == pytest.approx(0.85)
    assert row["limit_spread"] == pytest.approx(0.0707, abs=1e-4)


def test_groups_that_were_not_measured_are_one_sentence(tmp_path):
    one = _evaluation(1)
    for key, row in DEFINITIONS.items():
        if row.group == "gain":
            one.numbers[key] = Number(None, 0, note="no such training given (--without-flow)")
    text = summary.write([one], tmp_path / "summary.parquet").read_text(encoding="utf-8")
    part = text.partition("## Gain in |r| by selective gradient flow")[2].partition("##")[0]
    assert text.count("| \\|r\\|, z_M – [Fe/H] |") == 1
    assert part.strip() == "Not measured: no such training given (--without-flow)."
