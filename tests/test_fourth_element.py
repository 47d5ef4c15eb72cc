"""A fourth element by configuration alone: config/fourth-element.yaml, from a catalog to the table and its readers."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
import yaml

import tiny_runs
from halochem import config, files
from halochem.encode import columns, product
from halochem.errors import UserError
from halochem.evaluate import evaluation
from halochem.evaluate import table as product_table
from halochem.train import loop, model_files
from halochem.verify import content

ROOT = Path(__file__).parents[1]
SMALL = {"encoder": "mlp", "epochs": 3, "batch_size": 32, "device": "cpu", "validation_fraction": 0.1}
NEW = ["z_mg", "z_mg_sigma", "rho_m_mg", "rho_c_mg", "rho_alpha_mg"]


def settings(label=None, **train):
    """The shipped file, of a small network; `label`: of magnesium."""
    values = yaml.safe_load((ROOT / "config" / "fourth-element.yaml").read_text(encoding="utf-8"))["train"]
    values["regions"] = str(ROOT / values["regions"])
    values["elements"][3]["label"] = label
    return config.validate({"train": values | SMALL | train, "encode": {"n_labelled": 20}}, "fourth-element.yaml")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Catalog and model, the catalog with a label mg_fe that nobody asks for yet."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("fourth")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(tiny_runs.SPECTRUM, "log_step", 1e-4)  # some of the published regions are narrow
        tiny_runs.write_catalog(folder / "halo-1.h5", 1, 90, failed=(7,))
    with h5py.File(folder / "halo-1.h5", "a") as file:
        known = file["labels/alpha_fe"][:] + 0.1
        known[:5] = np.nan
        file["labels/mg_fe"] = known
    loop.fit(files.read_catalog(folder / "halo-1.h5"), settings(), folder / "model-1")
    return folder


@pytest.fixture(scope="module")
def table(run):
    catalog = files.read_catalog(run / "halo-1.h5")
    product.make(catalog, model_files.load(run / "model-1"), settings(), run / "halo-1.parquet")
    return run / "halo-1.parquet"


def test_four_latents_in_the_model(run):
    model = model_files.load(run / "model-1")
    document = model.document["architecture"]
    assert document["latents"] == ["z_m", "z_c", "z_alpha", "z_mg"]
    assert document["decoder_reads"]["magnesium"] == ["z_m", "z_c", "z_mg", "w_1", "w_2"]
    assert model.vae.heads.mean.out_features == 4
    assert model.vae.prior.shape == (4, 4)
    assert (model.vae.prior @ model.vae.prior.T)[3, 2].item() == pytest.approx(0.9)
    # The same pixels as published, in other hands.
    assert len(model.pixels) == 1103
    assert document["decoder_pixels"]["alpha"] + document["decoder_pixels"]["magnesium"] == 235


def test_the_decoder_of_magnesium_teaches_its_own_latent_alone(run):
    vae = model_files.load(run / "model-1").vae
    z, w = torch.randn(3, 4, requires_grad=True), torch.zeros(3, 2)
    vae.decoders.each["magnesium"](vae.decoders.inputs("magnesium", z, w)).sum().backward()
    assert [bool(z.grad[:, k].any()) for k in range(4)] == [False, False, False, True]


def test_the_table_has_its_columns_and_the_published_ones_first(table):
    frame, schema = pd.read_parquet(table), pq.read_schema(table)
    published = [column.name for column in columns.COLUMNS]
    assert list(frame) == published + NEW
    assert frame[NEW].drop(index=7).notna().all(axis=None)
    assert frame.loc[7, NEW].isna().all()
    assert schema.field("z_mg").metadata[b"description"].startswith(b"latent of magnesium")
    assert len(json.loads(schema.metadata[b"halochem.elements"])) == 4
    assert list(content.table(table)) == []


def test_verify_still_sees_a_fault_in_a_new_column(table, tmp_path):
    whole = pq.read_table(table)
    place = whole.schema.get_field_index("rho_m_mg")
    bad = whole.set_column(place, whole.schema.field(place), [[2.0] * len(whole)])
    pq.write_table(bad, tmp_path / "bad.parquet")
    assert any("rho_m_mg" in fault for fault in content.table(tmp_path / "bad.parquet"))


def test_the_evaluation_takes_a_latent_without_a_label(table, tmp_path):
    frame, seed, origin = product_table.read(table)
    evaluation.write(evaluation.evaluate(frame, seed, origin), tmp_path / "halo-1.json")
    assert evaluation.read(tmp_path / "halo-1.json").numbers["r.z_alpha.alpha_fe"]


@pytest.mark.slow
def test_the_report_takes_it_too(run, table):
    paths = tiny_runs.TinyRun(1, run / "halo-1.h5", run / "model-1", table, run / "halo-1.json")
    frame, seed, origin = product_table.read(table)
    evaluation.write(evaluation.evaluate(frame, seed, origin), paths.evaluation)
    tiny_runs.write_report(*paths.options(), "--out", run / "report.html", "--figures", run / "figures")
    text = (run / "report.html").read_text(encoding="utf-8")
    assert "magnesium" in text
    assert "z_mg" in text


def test_with_a_label_it_is_calibrated_as_the_others(run, tmp_path):
    catalog = files.read_catalog(run / "halo-1.h5")
    labelled = settings("mg_fe")
    loop.fit(catalog, labelled, tmp_path / "model")
    product.make(catalog, model_files.load(tmp_path / "model"), labelled, tmp_path / "table.parquet")
    frame = pd.read_parquet(tmp_path / "table.parquet")
    assert list(frame)[-3:] == ["mg_fe", "mg_fe_sigma", "mg_fe_true"]
    good = frame.drop(index=7)
    assert good[["mg_fe", "mg_fe_sigma"]].notna().all(axis=None)
    assert good["mg_fe_true"].isna().sum() == 5
    scale = json.loads(pq.read_schema(tmp_path / "table.parquet").metadata[product.CALIBRATION_KEY])
    assert set(scale["relations"]) == {"z_m", "z_c", "z_alpha", "z_mg"}
    # Another catalog without the label, calibrated by this table.
    del catalog.labels["mg_fe"]
    model = model_files.load(tmp_path / "model")
    product.make(catalog, model, labelled, tmp_path / "other.parquet", tmp_path / "table.parquet")
    other = pd.read_parquet(tmp_path / "other.parquet")
    assert other["mg_fe"].equals(frame["mg_fe"])
    assert other["mg_fe_true"].isna().all()


def test_a_label_that_nobody_knows_leaves_its_column_empty_and_says_so(run, tmp_path, caplog):
    catalog = files.read_catalog(run / "halo-1.h5")
    labelled = settings("mg_fe", epochs=1)
    loop.fit(catalog, labelled, tmp_path / "model")
    del catalog.labels["mg_fe"]
    product.make(catalog, model_files.load(tmp_path / "model"), labelled, tmp_path / "table.parquet")
    assert "0 training stars with known mg_fe" in caplog.text
    assert pd.read_parquet(tmp_path / "table.parquet")[["mg_fe", "mg_fe_sigma"]].isna().all(axis=None)


def test_a_table_needs_the_published_three(toy_two, tmp_path):
    catalog, two = toy_two
    loop.fit(catalog, two, tmp_path / "model")
    with pytest.raises(UserError, match="the table needs latent z_alpha with label alpha_fe, and the model has z_m"):
        product.make(catalog, model_files.load(tmp_path / "model"), two, tmp_path / "table.parquet")


@pytest.fixture
def toy_two(run, tmp_path):
    """A configuration of two elements."""
    (tmp_path / "regions.yaml").write_text("iron: [[4400, 4500]]\ncarbon: [[4280, 4320]]\n")
    elements = [{"name": "iron", "latent": "z_m", "label": "feh"}, {"name": "carbon", "latent": "z_c", "label": "c_fe"}]
    train = SMALL | {"epochs": 1, "elements": elements, "regions": str(tmp_path / "regions.yaml")}
    return files.read_catalog(run / "halo-1.h5"), config.validate({"train": train}, "two")


def test_a_name_that_the_table_has_already_is_refused():
    taken = config.Element(name="noise", latent="z_noise", label="snr")
    with pytest.raises(UserError, match="column snr is there twice"):
        columns.of((*config.PUBLISHED_ELEMENTS, taken))


def test_preset_fast_says_what_it_lacks():
    with pytest.raises(UserError, match="preset: fast knows how a spectrum answers to iron, carbon and alpha alone"):
        settings(preset="fast", epochs=8)
