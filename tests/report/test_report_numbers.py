"""The page's tables of numbers: the limit beside a number, and numbers that no layout knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from halochem.evaluate import evaluation, summary
from halochem.evaluate.definitions import DEFINITIONS
from halochem.evaluate.number import Number
from halochem.report import numbers


@pytest.fixture
def one(tiny_run):
    return evaluation.read(tiny_run.evaluation)


def _cells(evaluations) -> dict:
    tables = numbers.tables(evaluations, summary.summarise(evaluations))
    return {cell["key"]: cell for table in tables for row in table["rows"] for cell in row["cells"] if cell}


def test_no_limit_unless_an_evaluation_says(one):
    assert {cell["limit"] for cell in _cells([one]).values()} == {""}


def test_limits_stand_beside_their_numbers_with_the_unit(one):
    known = replace(one, numbers=one.numbers | {"limit.rmse_linear.feh": Number(0.0271, 30)})
    cells = _cells([known])
    assert cells["rmse_linear.feh"]["limit"] == "0.027"
    assert cells["rmse_linear.c_fe"]["limit"] == ""
    assert "limit.rmse_linear.feh" not in cells
    main = {cell["title"]: cell for cell in numbers.headline([known], summary.summarise([known]))}
    assert main["RMSE [Fe/H]"]["limit"] == "0.027 dex"
    undefined = replace(one, numbers=one.numbers | {"limit.rmse_linear.feh": Number(None, 0, note="none")})
    assert _cells([undefined])["rmse_linear.feh"]["limit"] == ""


def test_a_column_has_its_unit_in_its_heading(one):
    shown = numbers.tables([one], summary.summarise([one]))
    by_title = {table["title"]: table["columns"] for table in shown}
    assert by_title["Abundances"][0] == "straight line on all training stars [dex]"
    assert by_title["Errors by S/N"][:3] == ["L² error", "the noise’s own", "[Fe/H], mean [dex]"]


def test_a_number_that_no_layout_knows_gets_a_row(one, monkeypatch):
    row = replace(DEFINITIONS["f1.cemp"], key="auc.cemp", title="area under the ROC curve")
    monkeypatch.setitem(DEFINITIONS, "auc.cemp", row)
    known = replace(one, numbers=one.numbers | {"auc.cemp": Number(0.91, 30, 0.02)})
    tables = numbers.tables([known], summary.summarise([known]))
    (further,) = [table for table in tables if table["title"] == "Flags, further"]
    assert further["rows"][0]["title"] == "area under the ROC curve"
    assert further["rows"][0]["cells"][0]["ours"] == "0.91 ± 0.02"


def test_several_catalogs_have_their_spread_beside_the_papers_value(one):
    other = replace(one, seed=2, numbers=one.numbers | {"recall.cemp": Number(0.7, 30)})
    one = replace(one, numbers=one.numbers | {"recall.cemp": Number(0.5, 30), "limit.recall.cemp": Number(0.9, 30)})
    averages = summary.summarise([one, other])
    cell = _cells([one, other])["recall.cemp"]
    assert (cell["ours"], cell["paper"], cell["limit"]) == ("0.60 ± 0.14", "0.68 ± 0.05", "0.90")
    main = {each["title"]: each for each in numbers.headline([one, other], averages)}
    assert main["CEMP recall"]["ours"] == "0.60"
    assert main["CEMP recall"]["spread"] == "± 0.14 over 2 catalogs"
