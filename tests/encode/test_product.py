import json
import warnings

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.table import Table

from halochem import files, split
from halochem.encode import calibration, product, scale
from halochem.encode.columns import COLUMNS
from halochem.errors import UserError
from halochem.train import data

FAILED = [3, 150]


@pytest.fixture(scope="module")
def table(table_path):
    return pd.read_parquet(table_path)


def test_pandas_reads_every_column(table, toy):
    assert list(table.columns) == [column.name for column in COLUMNS]
    catalog = toy.catalog()
    assert list(table["star_id"]) == list(catalog.labels["star_id"])
    np.testing.assert_array_equal(table["split"] == "train", split.is_train(7, 600, 0.7))
    np.testing.assert_array_equal(table["feh_true"], catalog.labels["feh"])
    np.testing.assert_array_equal(table["teff_obs"], catalog.labels["teff_obs"])
    for column in COLUMNS:
        kind = {"float64": "f", "bool": "b", "uint8": "u"}.get(column.kind)
        if kind:
            assert table[column.name].dtype.kind == kind


def test_failed_stars_keep_a_row(table):
    computed = ["z_m", "z_alpha_sigma", "rho_m_c", "w_1", "teff", "feh", "feh_sigma", "chi2_reduced", "latent_norm"]
    assert list(np.flatnonzero(table["status"] == 2)) == FAILED
    assert table.loc[FAILED, computed].isna().all(axis=None)
    assert not table.loc[FAILED, [c for c in table if c.startswith("flag_")]].any(axis=None)
    assert table.loc[FAILED, "feh_true"].notna().all()
    assert table.drop(index=FAILED).notna().all(axis=None)


def test_numbers_agree_with_each_other(table):
    good = table.drop(index=FAILED)
    np.testing.assert_allclose(good["latent_norm"] ** 2, (good[["z_m", "z_c", "z_alpha"]] ** 2).sum(axis=1))
    assert (good[["z_m_sigma", "feh_sigma"]] > 0).all(axis=None)
    assert (good[["rho_m_c", "rho_m_alpha", "rho_c_alpha"]].abs() <= 1).all(axis=None)
    # Noise adds its own square to the error; sigma is 1 / snr for each pixel.
    noise = good["chi2_reduced"] * 188 / good["snr"] ** 2
    norm = good["flux_clean_norm"] ** 2
    assert np.corrcoef(noise / norm, good["rel_l2_error"])[0, 1] > 0.9
    assert (good["rel_l2_error_clean"].mean() < good["rel_l2_error"].mean()).all()
    assert list(np.flatnonzero(table["flag_out_of_grid"])) == [i for i in range(0, 600, 10) if i not in FAILED]


def test_calibrated_abundances_follow_the_true_ones(table):
    test = table[(table["split"] == "test") & (table["status"] != 2)]
    for name in ("feh", "c_fe", "alpha_fe"):
        error = test[name] - test[f"{name}_true"]
        assert np.corrcoef(test[name], test[f"{name}_true"])[0, 1] > 0.6  # the sign is right, too
        assert error.std() < 0.85 * test[f"{name}_true"].std()
        assert 0.7 < (error / test[f"{name}_sigma"]).std() < 1.4


def test_flags_find_more_than_chance(table):
    test = table[table["status"] != 2]
    true = (test["feh_true"] < -1.4) & (test["c_fe_true"] > 0.66)  # the cuts in the toy's own distribution
    flagged = test["flag_cemp"]
    assert 0.02 < flagged.mean() < 0.6
    assert true[flagged].mean() > 1.5 * true.mean()


def test_false_alarms_are_as_many_as_asked_for(table):
    train = table[(table["split"] == "train") & (table["status"] != 2)]
    assert train["flag_anomalous"].mean() == pytest.approx(0.01, abs=0.005)


def test_stars_that_training_did_not_see_set_the_limit_where_there_are_enough(toy, model, tmp_path):
    catalog = toy.catalog()
    unseen = data.select(catalog, model.train)[1]
    product.make(catalog, model, toy.config(encode={"false_alarm": 0.5}), tmp_path / "t.parquet")
    table = pd.read_parquet(tmp_path / "t.parquet")
    assert len(unseen) * 0.5 >= scale.FEWEST_BEYOND
    assert table["flag_anomalous"].to_numpy()[unseen].sum() == len(unseen) // 2
    # Of another catalog with the same seed, none was seen.
    catalog.flux = catalog.flux + np.float32(1e-4)
    product.make(catalog, model, toy.config(encode={"false_alarm": 0.5}), tmp_path / "other.parquet")
    other = pd.read_parquet(tmp_path / "other.parquet").query("split == 'train' and status == 0")
    assert other["flag_anomalous"].mean() == pytest.approx(0.5, abs=0.01)


def test_anomalies_are_flagged(toy, config, model, table_path, tmp_path):
    catalog = toy.catalog()
    rng = np.random.default_rng(0)
    rows = np.setdiff1d(np.arange(100, 160), FAILED)
    catalog.flux[rows] += 0.3 * rng.normal(size=(len(rows), 300)).astype(np.float32)
    product.make(catalog, model, config, tmp_path / "t.parquet", table_path)
    table = pd.read_parquet(tmp_path / "t.parquet")
    assert table.loc[rows, "flag_anomalous"].all()
    assert table["flag_anomalous"].drop(index=rows).mean() < 0.1


def test_pyarrow_finds_unit_description_and_ucd(table_path):
    schema = pq.read_schema(table_path)
    assert [schema.field(i).name for i in range(len(schema))] == [column.name for column in COLUMNS]
    for column in COLUMNS:
        metadata = schema.field(column.name).metadata
        assert metadata[b"unit"].decode() == column.unit
        assert metadata[b"description"].decode() == column.description
        assert metadata[b"ucd"].decode() == column.ucd
    footer = pq.ParquetFile(table_path).metadata.metadata
    assert footer[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    assert footer[b"halochem.seed"] == b"7"
    assert footer[b"halochem.schema_version"] == b"1"
    assert len(footer[b"halochem.config_hash"]) == 16


def test_astropy_reads_units_and_data(table_path, table):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = Table.read(table_path, format="parquet")
    assert len(plain) == 600
    found = Table.read(table_path, format="parquet.votable")
    assert found.colnames == list(table.columns)
    assert str(found["teff"].unit) == "K"
    assert found["feh_sigma"].unit == u.dex
    assert found["logg"].unit == u.dex(u.cm / u.s**2)
    assert found["chi2_reduced"].description == "mean of ((x~ - x) / sigma)^2 over the good pixels of the decoders"
    assert found["z_m"].meta["ucd"] == "stat.fit.param"
    np.testing.assert_array_equal(np.asarray(found["z_m"].filled(np.nan)), table["z_m"])
    assert list(found["split"][:5]) == list(table["split"][:5])
    np.testing.assert_array_equal(np.asarray(found["flag_cemp"], bool), table["flag_cemp"])


def test_footer_holds_the_calibration(table_path, table):
    values = json.loads(pq.read_schema(table_path).metadata[product.CALIBRATION_KEY])
    line = calibration.from_json(values["relations"]["z_c"])
    assert line.curve.n == 100
    good = table.drop(index=FAILED)
    np.testing.assert_allclose(line.abundance(good["z_c"].to_numpy()), good["c_fe"])


def test_labelled_stars_are_as_many_as_configured(toy, model, tmp_path):
    config = toy.config(encode={"n_labelled": 20})
    product.make(toy.catalog(), model, config, tmp_path / "t.parquet")
    values = json.loads(pq.read_schema(tmp_path / "t.parquet").metadata[product.CALIBRATION_KEY])
    assert {relation["curve"]["n"] for relation in values["relations"].values()} == {20}


def test_monotone_calibration_where_asked(toy, model, table, tmp_path):
    product.make(toy.catalog(), model, toy.config(encode={"calibration": "monotone"}), tmp_path / "t.parquet")
    found = pd.read_parquet(tmp_path / "t.parquet").drop(index=FAILED)
    values = json.loads(pq.read_schema(tmp_path / "t.parquet").metadata[product.CALIBRATION_KEY])
    assert {relation["kind"] for relation in values["relations"].values()} == {"monotone"}
    order = np.argsort(found["z_m"])
    sign = np.sign(np.corrcoef(found["z_m"], found["feh"])[0, 1])
    assert (np.diff(sign * found["feh"].to_numpy()[order]) >= 0).all()
    assert np.corrcoef(found["feh"], table["feh"].drop(index=FAILED))[0, 1] > 0.95


def test_posterior_width_where_asked(toy, model, table, tmp_path):
    product.make(toy.catalog(), model, toy.config(encode={"width": "posterior"}), tmp_path / "t.parquet")
    found = pd.read_parquet(tmp_path / "t.parquet")
    pd.testing.assert_series_equal(found["feh"], table["feh"])
    pd.testing.assert_series_equal(found["z_m_sigma"], table["z_m_sigma"])
    assert (found["feh_sigma"].dropna() != table["feh_sigma"].dropna()).all()


def test_calibration_of_an_earlier_version_is_refused(toy, model, table_path, tmp_path):
    whole = pq.read_table(table_path)
    values = json.loads(whole.schema.metadata[product.CALIBRATION_KEY])
    values["relations"]["z_m"]["curve"] = {"gradient": 1.0}
    footer = whole.schema.metadata | {product.CALIBRATION_KEY: json.dumps(values).encode()}
    pq.write_table(whole.replace_schema_metadata(footer), tmp_path / "t.parquet")
    with pytest.raises(UserError, match=r"t\.parquet: its calibration lacks .*; encode its catalog anew"):
        product.read_calibration(tmp_path / "t.parquet", model)


@pytest.fixture
def unlabelled(toy):
    catalog = toy.catalog()
    catalog.labels = catalog.labels[["star_id"]].copy()
    catalog.flux_clean = catalog.out_of_grid = None
    return catalog


def test_spectra_without_labels_need_a_calibration(unlabelled, model, config, tmp_path):
    with pytest.raises(UserError, match=r"0 training stars with known feh, c_fe and alpha_fe; .*--calibration"):
        product.make(unlabelled, model, config, tmp_path / "t.parquet")


def test_spectra_without_labels_take_a_table_of_the_same_model(unlabelled, model, config, table_path, table, tmp_path):
    product.make(unlabelled, model, config, tmp_path / "t.parquet", table_path)
    found = pd.read_parquet(tmp_path / "t.parquet")
    for name in ("feh", "c_fe_sigma", "flag_cemp", "flag_anomalous"):
        pd.testing.assert_series_equal(found[name], table[name])
    assert found["feh_true"].isna().all()
    assert found["rel_l2_error_clean"].isna().all()


def test_calibration_of_another_model_is_refused(toy, config, model, table_path, monkeypatch):
    monkeypatch.setitem(model.document, "weights_sha256", "0" * 64)
    with pytest.raises(UserError, match=r"table\.parquet: was made by another model"):
        product.read_calibration(table_path, model)


def test_calibration_from_some_other_file(toy, model, tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(UserError, match="holds no calibration"):
        product.read_calibration(tmp_path / "a.parquet", model)
    with pytest.raises(UserError, match="not a readable Parquet file"):
        product.read_calibration(toy.regions_path, model)


def test_bad_pixels_do_not_count(toy, config, model, table, tmp_path):
    catalog = toy.catalog()
    catalog.mask = np.zeros(catalog.flux.shape, bool)
    catalog.mask[:, 200:203] = True
    catalog.flux[:, 200:203] = 50.0
    product.make(catalog, model, config, tmp_path / "t.parquet")
    found = pd.read_parquet(tmp_path / "t.parquet")
    assert found["rel_l2_error"].median() < 1.5 * table["rel_l2_error"].median()
    assert np.corrcoef(found["z_m"].dropna(), table["z_m"].dropna())[0, 1] > 0.9


def test_catalog_on_another_grid(toy, config, model, tmp_path):
    catalog = toy.catalog()
    catalog.wavelength = catalog.wavelength + 1
    with pytest.raises(UserError, match=r"300 pixels over 5001.*resample the spectra"):
        product.make(catalog, model, config, tmp_path / "t.parquet")
    assert not (tmp_path / "t.parquet").exists()


def test_catalog_without_a_spectrum(toy, config, model, tmp_path):
    catalog = toy.catalog()
    catalog.status[:] = files.STATUS_FAILED
    with pytest.raises(UserError, match="no star has a spectrum"):
        product.make(catalog, model, config, tmp_path / "t.parquet")
