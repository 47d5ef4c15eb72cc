"""Spectra spoilt on purpose: how, which, and what the real model says of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from halochem import files
from halochem.encode import latents
from halochem.errors import UserError
from halochem.evaluate import anomalies, anomaly_kinds, stars, table
from halochem.train import model_files

FLUX = np.full(4150, 0.8, np.float32)


@pytest.mark.parametrize("kind", anomaly_kinds.KINDS)
def test_a_star_is_spoilt_the_same_each_time_and_only_where_said(kind):
    spoilt, touched = anomalies.spoil(kind, FLUX, 1, 7)
    again, _ = anomalies.spoil(kind, FLUX, 1, 7)
    other, _ = anomalies.spoil(kind, FLUX, 1, 8)
    assert np.array_equal(spoilt, again)
    assert not np.array_equal(spoilt, other)
    assert spoilt.dtype == np.float32
    assert (np.float32(0.8) == FLUX).all()  # the catalog's own is left alone
    assert np.array_equal(spoilt != FLUX, touched)


def test_each_kind_is_what_it_says():
    noise, _ = anomalies.spoil("noise", FLUX, 1, 7)
    assert np.std(noise - FLUX) == pytest.approx(0.3, rel=0.05)
    spikes, touched = anomalies.spoil("spikes", FLUX, 1, 7)
    assert 1 <= touched.sum() <= 10
    assert (spikes[touched] - FLUX[touched] >= 1).all()
    for kind, value in (("zeros", 0), ("ones", 1)):
        block, touched = anomalies.spoil(kind, FLUX, 1, 7)
        where = np.flatnonzero(touched)
        assert len(where) == 100 == where[-1] - where[0] + 1
        assert (block[touched] == value).all()


def test_blocks_lie_anywhere():
    first = [np.flatnonzero(anomalies.spoil("ones", FLUX, 1, row)[1])[0] for row in range(300)]
    assert min(first) < 200
    assert max(first) > 4150 - 100 - 200


@pytest.fixture(scope="module")
def measured(small_run):
    catalog, model = files.read_catalog(small_run.catalog, clean=False), model_files.load(small_run.model)
    return catalog, model, anomalies.measure(catalog, model)


def test_measured_on_test_stars_by_the_real_model(measured, small_run):
    catalog, model, found = measured
    product = table.read(small_run.table)[0]
    test = product.loc[(product["split"] == "test") & product["z_m"].notna(), "star_id"]
    assert set(found["star_id"]) == set(test)
    assert found.groupby("kind").size().to_dict() == dict.fromkeys(anomaly_kinds.KINDS, len(test))
    row = int(found["star_id"].iloc[0].rpartition("-")[2])
    spoilt, touched = anomalies.spoil("noise", catalog.flux[row], catalog.seed, row)
    rebuilt = latents.infer(model, spoilt[None])
    flux = spoilt[model.pixels]
    expected = np.linalg.norm(rebuilt.reconstruction[0] - flux) / np.linalg.norm(flux)
    first = found[(found["kind"] == "noise")].iloc[0]
    assert first["error"] == pytest.approx(expected, rel=1e-5)
    assert first["norm"] == pytest.approx(np.linalg.norm(rebuilt.z[0]), rel=1e-4)
    assert first["seen"] == touched[model.pixels].sum() == len(model.pixels)
    # Noise of 0.3 where 0.02 is expected
    assert (found.loc[found["kind"] == "noise", "chi2"] > 50).all()


def test_the_file_round_trip(measured, tmp_path):
    path = tmp_path / "anomalies.parquet"
    stars.write(measured[2], path, anomaly_kinds.COLUMNS, {"reason": ""})
    again, _ = stars.read(path, anomaly_kinds.COLUMNS, "x")
    pd.testing.assert_frame_equal(again, measured[2], check_dtype=False)


def test_refuses_a_catalog_without_test_stars(measured):
    catalog, model, _ = measured
    empty = files.Catalog(**{**vars(catalog), "status": np.full(len(catalog.status), files.STATUS_FAILED, np.uint8)})
    with pytest.raises(UserError, match="no test star with a spectrum"):
        anomalies.measure(empty, model)
