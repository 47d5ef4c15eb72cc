"""Which stars are shown, and that their spectra are the catalog's and the model's."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest

from halochem import files
from halochem.encode import latents
from halochem.errors import UserError
from halochem.evaluate import table as product_table
from halochem.report import examples
from halochem.train import model_files


def _table(**columns: list) -> pd.DataFrame:
    n = len(columns["feh_true"])
    defaults = {"split": ["test"] * n, "z_m": [0.0] * n, "teff_true": [5500.0] * n, "logg_true": [4.0] * n}
    return pd.DataFrame(defaults | columns)


def test_takes_the_member_nearest_5500_kelvin_among_test_stars():
    table = _table(
        feh_true=[-2.0, -2.0, -2.0, -2.0, 0.0, -2.0],
        c_fe_true=[0.0, 0.0, 1.0, 1.0, 0.0, 1.0],
        alpha_fe_true=[-0.1, -0.1, 0.3, 0.3, 0.0, 0.3],
        teff_true=[4000.0, 5200.0, 5500.0, 6900.0, 3000.0, 5450.0],
        split=["test", "test", "train", "test", "test", "test"],
        z_m=[0.0, 0.0, 0.0, 0.0, 0.0, np.nan],
    )
    choices = examples.choose(table)
    assert [(choice.class_name, choice.row) for choice in choices] == [
        ("alpha_pmp", 1),
        ("cemp", 3),  # row 2 was trained on, row 5 has no latents
        ("solar_like", 4),
    ]
    assert [choice.title for choice in choices] == ["αPMP", "CEMP", "solar-like"]


def test_an_empty_class_gives_the_nearest_star_and_says_so():
    table = _table(feh_true=[-0.5, -1.2, -0.3], c_fe_true=[0.0, 0.5, 1.0], alpha_fe_true=[0.3, 0.3, 0.3])
    choices = examples.choose(table)
    assert [choice.row for choice in choices] == [1, 2, 0]  # no star twice
    assert [choice.is_member for choice in choices] == [False] * 3
    assert choices[0].title == "no αPMP; the nearest"


def test_no_test_star_no_example():
    table = _table(feh_true=[-2.0], c_fe_true=[0.0], alpha_fe_true=[0.0], split=["train"])
    assert examples.choose(table) == []


def test_build_gives_the_catalogs_spectrum_and_the_models_reconstruction(tiny_run):
    table, *_ = product_table.read(tiny_run.table)
    shown = examples.build(table, tiny_run.catalog, tiny_run.model)
    catalog, model = files.read_catalog(tiny_run.catalog), model_files.load(tiny_run.model)
    assert len(shown) == 3
    for example in shown:
        row = int(example.star_id.rsplit("-", 1)[1])
        np.testing.assert_array_equal(example.clean, catalog.flux_clean[row])
        expected = latents.infer(model, catalog.flux[row : row + 1]).reconstruction[0]
        np.testing.assert_allclose(example.reconstruction[model.pixels], expected, rtol=1e-5)
        assert np.isnan(np.delete(example.reconstruction, model.pixels)).all()
        assert example.relative_l2**2 == pytest.approx(table["rel_l2_error_clean"][row], rel=1e-4)
        assert example.labels["teff"] == catalog.labels["teff"][row]


def test_build_refuses_another_catalog(tiny_run, second_run, tmp_path):
    table, *_ = product_table.read(tiny_run.table)
    with pytest.raises(UserError, match="16 stars, but the table has 40"):
        examples.build(table, second_run.catalog, tiny_run.model)
    other = tmp_path / "other.h5"
    other.write_bytes(tiny_run.catalog.read_bytes())
    with h5py.File(other, "r+") as file:
        file["labels/star_id"][4] = "halo-9-000004"
    with pytest.raises(UserError, match="row 4 is halo-9-000004, in the table halo-1-000004"):
        examples.build(table, other, tiny_run.model)


def test_build_without_clean_flux_shows_nothing(tiny_run, tmp_path):
    table, *_ = product_table.read(tiny_run.table)
    other = tmp_path / "other.h5"
    other.write_bytes(tiny_run.catalog.read_bytes())
    with h5py.File(other, "r+") as file:
        del file["flux_clean"]
    assert examples.build(table, other, tiny_run.model) == []
