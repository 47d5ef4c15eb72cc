"""The flags of a table: both sets, which one the plain flags repeat, and what the footer keeps of them."""

import json
import logging

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from halochem.encode import product
from halochem.encode.scale import Scale

CLASSES = {"cemp": ("c_fe_true", 0.7, 1), "alpha_pmp": ("alpha_fe_true", 0.0, -1)}


@pytest.fixture(scope="module")
def table(table_path):
    return pd.read_parquet(table_path)


def test_plain_flags_repeat_the_published_ones_by_default(table):
    for name in CLASSES:
        pd.testing.assert_series_equal(table[f"flag_{name}"], table[f"flag_{name}_paper"], check_names=False)


def test_plain_flags_repeat_the_calibrated_ones_where_asked(toy, model, table, tmp_path):
    config = toy.config(encode={"thresholds": "calibrated"})
    product.make(toy.catalog(), model, config, tmp_path / "t.parquet")
    found = pd.read_parquet(tmp_path / "t.parquet")
    assert (table["flag_cemp_calibrated"] != table["flag_cemp_paper"]).any()
    for name in CLASSES:
        pd.testing.assert_series_equal(found[f"flag_{name}"], table[f"flag_{name}_calibrated"], check_names=False)
        pd.testing.assert_series_equal(found[f"flag_{name}_paper"], table[f"flag_{name}_paper"])
    assert pq.read_schema(tmp_path / "t.parquet").metadata[b"halochem.thresholds"] == b"calibrated"


def test_flags_follow_the_probability(table):
    for name, (label, bound, side) in CLASSES.items():
        p, flagged = table[f"p_{name}"], table[f"flag_{name}_calibrated"]
        assert p[flagged].min() > p[~flagged].max()
        member = (side * (table[label] - bound) > 0) & (table["feh_true"] < -1)
        assert p[member].mean() > 2 * p[~member].mean()


def test_lower_precision_flags_more_stars(toy, model, table, tmp_path):
    product.make(toy.catalog(), model, toy.config(encode={"flag_precision": 0.5}), tmp_path / "t.parquet")
    lax = pd.read_parquet(tmp_path / "t.parquet")["flag_cemp_calibrated"]
    assert 0 < table["flag_cemp_calibrated"].sum() < lax.sum()
    assert lax[table["flag_cemp_calibrated"]].all()


def test_precision_out_of_reach_is_said(toy, model, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        config = toy.config(encode={"flag_precision": 0.9999999})
        product.make(toy.catalog(), model, config, tmp_path / "t.parquet")
    assert "flag_alpha_pmp_calibrated: a precision of 1 (encode.flag_precision) is out of reach; the 10" in caplog.text


def test_two_labelled_stars_give_no_probability(toy, model, tmp_path, caplog):
    product.make(toy.catalog(), model, toy.config(encode={"n_labelled": 2}), tmp_path / "t.parquet")
    found = pd.read_parquet(tmp_path / "t.parquet")
    assert found["p_cemp"].isna().all()
    assert not found["flag_cemp_calibrated"].any()
    assert "two labelled stars give no probability" in caplog.text


def test_true_cuts_lie_where_the_bounds_do(table_path, table):
    scale = Scale.from_json(json.loads(pq.read_schema(table_path).metadata[product.CALIBRATION_KEY]))
    train = table[(table["split"] == "train") & (table["status"] != 2)]
    # [Fe/H] = -1 lies above the mean of -1.2, so that metal-poor reaches above it: the sign that the paper has not.
    assert scale.true_cuts()["z_m"] > 0
    for latent, label, bound in (("z_m", "feh", -1.0), ("z_c", "c_fe", 0.7), ("z_alpha", "alpha_fe", 0.0)):
        score = scale.relations[latent].sign * (train[latent] - train[latent].mean()) / train[latent].std(ddof=0)
        np.testing.assert_array_equal(score > scale.true_cuts()[latent], train[label] > bound)


def test_scale_survives_its_footer(table_path):
    values = json.loads(pq.read_schema(table_path).metadata[product.CALIBRATION_KEY])
    again = json.loads(json.dumps(Scale.from_json(values).as_json(), allow_nan=False))
    assert again == {name: value for name, value in values.items() if name != "weights_sha256"}
