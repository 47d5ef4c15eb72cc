"""The explorer of several catalogs: what every catalog has, and each star with its own spectrum."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from halochem.evaluate import table
from halochem.report import explorer, merge
from halochem.report.build import Run
from halochem.report.quantities import MISSING, Quantity
from halochem.train import model_files


def _quantity(name: str, values, categories=()) -> Quantity:
    return Quantity(name, name, "", "", "Flags and classes" if categories else "True", np.array(values), categories)


def test_quantities_that_all_have_with_one_code_for_each_category():
    one = [_quantity("snr", [1.0, 2.0]), _quantity("split", [0, 1], ("test", "train")), _quantity("only", [0.0, 0.0])]
    two = [_quantity("snr", [3.0]), _quantity("split", [0], ("train",))]
    found = {q.name: q for q in merge.quantities([one, two], [1, 7])}
    assert list(found) == ["snr", "catalog", "split"]
    assert found["snr"].values.tolist() == [1, 2, 3]
    assert found["split"].categories == ("test", "train")
    assert found["split"].values.tolist() == [0, 1, 1]
    assert found["catalog"].categories == ("halo-1", "halo-7")
    assert found["catalog"].values.tolist() == [0, 0, 1]


def test_an_unknown_category_stays_unknown():
    one, two = [_quantity("a", [MISSING], ("x",))], [_quantity("a", [0], ("y",))]
    assert merge.quantities([one, two], [1, 2])[-1].values.tolist() == [MISSING, 1]


def _run(made) -> Run:
    frame = pd.read_parquet(made.table)
    assert len(table.read(made.table)[0]) == len(frame)
    return Run(made.seed, made.catalog, made.model, made.table, frame, model_files.read_document(made.model))


def test_two_catalogs_in_one_explorer(tiny_run, second_run):
    runs = [_run(tiny_run), _run(second_run)]
    both, alone = explorer.build(runs), explorer.build(runs[:1])
    header, first = json.loads(both.header), json.loads(alone.header)
    assert header["ids"][: len(first["ids"])] == first["ids"]
    assert {name.split("-")[1] for name in header["ids"]} == {"1", "2"}
    assert len(header["spectra"]) == len(set(header["spectra"])) == len(header["ids"]) == 38 + 16
    assert header["focus"] == first["focus"]
    assert "catalog" in [q["name"] for q in header["quantities"]]
    assert "halo-1" in both.what
    assert "halo-2" in both.what


def test_a_catalog_of_other_pixels_is_left_out(tiny_run, second_run):
    runs = [_run(tiny_run), _run(second_run)]
    runs[1].document["wavelength"]["n"] += 1
    header = json.loads(explorer.build(runs).header)
    assert {name.split("-")[1] for name in header["ids"]} == {"1"}


@pytest.mark.parametrize("most", [3, 10])
def test_each_catalog_has_its_share(tiny_run, most):
    assert len(explorer.choose_stars(_run(tiny_run), most)) == min(most, 12)  # its test stars are 12
