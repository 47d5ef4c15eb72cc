"""Bounds of an emulator whose derivatives are known, and who is refused one."""

from __future__ import annotations

import argparse
import logging
import re
from contextlib import nullcontext

import linear_emulator
import numpy as np
import pyarrow.parquet as pq
import pytest

from halochem import files, split
from halochem.evaluate import bounds, command
from halochem.evaluate import stars as star_tables
from halochem.synthesize.emulator import model
from halochem.synthesize.emulator.features import matrix

N = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return linear_emulator.save(tmp_path_factory.mktemp("emulator"))


@pytest.fixture(scope="module")
def catalog():
    return linear_emulator.catalog(N)


@pytest.fixture(scope="module")
def frame(folder, catalog):
    found, reason = bounds.measure(catalog, linear_emulator.config(folder))
    assert reason == ""
    return found.set_index("star_id")


@pytest.fixture(scope="module")
def stars(frame, catalog):
    return catalog.labels.set_index("star_id").loc[frame.index]


def on_grid(stars):
    """Stars whose atmosphere follows log g."""
    return (stars["logg"] < np.where(stars["teff"] <= 4250, 5.45, 4.95)).to_numpy()


def test_one_row_for_each_test_star(frame, catalog):
    assert list(frame.index) == list(catalog.labels["star_id"][~split.is_train(3, N, 0.7)])
    assert frame.notna().all(axis=None)


def test_bounds_are_the_inverse_of_the_fisher_matrix(frame, stars):
    slopes = linear_emulator.slopes()
    covariance = np.linalg.inv(slopes @ slopes.T)
    expected = np.sqrt(np.diag(covariance)) / stars["snr"].to_numpy()[:, None]
    good = on_grid(stars)
    assert good.sum() > 8
    names = [f"crb_{name}" for name in bounds.STAR_LABELS]
    np.testing.assert_allclose(frame.loc[good, names], expected[good], rtol=0.01)
    rho = covariance[2, 3] / np.sqrt(covariance[2, 2] * covariance[3, 3])
    np.testing.assert_allclose(frame.loc[good, "rho_feh_c_fe"], rho, atol=0.02)


def test_known_atmosphere_leaves_the_abundances_alone(frame, stars):
    slopes = linear_emulator.slopes()[2:]
    expected = np.sqrt(np.diag(np.linalg.inv(slopes @ slopes.T))) / stars["snr"].to_numpy()[:, None]
    np.testing.assert_allclose(frame[[f"crb_{name}_known" for name in bounds.ABUNDANCES]], expected, rtol=0.01)


def test_the_more_is_known_the_lower_the_bound(frame):
    for name in bounds.ABUNDANCES:
        free, prior, known = (frame[f"crb_{name}{suffix}"] for suffix in ("", "_prior", "_known"))
        assert (known <= prior * 1.000001).all()
        assert (prior <= free * 1.000001).all()
        assert (known < 0.999 * free).any()


def test_log_g_beyond_the_grid_is_unknown_and_harms_nothing(frame, stars):
    beyond = (stars["logg"] > 5.56).to_numpy()
    assert beyond.any()
    assert (frame.loc[beyond, "crb_logg"] > 30).all()
    slopes = np.delete(linear_emulator.slopes(), 1, axis=0)
    expected = np.sqrt(np.linalg.inv(slopes @ slopes.T)[1, 1]) / stars["snr"]
    np.testing.assert_allclose(frame.loc[beyond, "crb_feh"], expected[beyond], rtol=0.01)


def test_a_step_of_the_grid_is_no_information(folder):
    emulator = model.load(folder)
    labels = np.array([[teff, 5.3, -1.0, 0.5, 0.2] for teff in (4245.0, 4250.0, 4250.1, 4260.0, 6000.0)])
    slopes = bounds.coefficient_derivatives(emulator, labels)
    np.testing.assert_allclose(slopes[:, 0], np.tile(slopes[-1, 0], (5, 1)), rtol=1e-3, atol=1e-7)


def test_bad_pixels_and_noise_by_pixel(folder, catalog):
    emulator, labels = model.load(folder), matrix(catalog.labels)[:7]
    mask = np.zeros((7, len(catalog.wavelength)), bool)
    mask[:, 40:] = True
    sigma = np.where(mask, 1e6, catalog.sigma[:7]).astype(np.float32)
    masked = bounds.fisher_matrices(emulator, labels, catalog.sigma[:7], mask)
    np.testing.assert_allclose(masked, bounds.fisher_matrices(emulator, labels, sigma), rtol=1e-4, atol=1e-3)
    every = bounds.fisher_matrices(emulator, labels, catalog.sigma[:7])
    assert (masked[:, 2, 2] < every[:, 2, 2]).all()


def test_failed_stars_have_no_row_and_outsiders_no_bound(folder, catalog, caplog):
    test = np.flatnonzero(~split.is_train(3, N, 0.7))
    labels = catalog.labels.copy()
    labels.loc[test[1], "c_fe"] = 3.2
    status = catalog.status.copy()
    status[test[0]] = 2
    changed = linear_emulator.catalog(N, labels=labels, status=status)
    with caplog.at_level(logging.WARNING):
        found, reason = bounds.measure(changed, linear_emulator.config(folder))
    assert reason == ""
    assert len(found) == len(test) - 1
    assert found["crb_feh"].isna().tolist() == [True] + [False] * (len(test) - 2)
    assert f"1 of {len(test) - 1} test stars lie outside the emulator" in caplog.text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"wavelength": linear_emulator.catalog(1).wavelength + 1}, "its pixels are not those of the emulator"),
        ({"attributes": {"seed": "3", "engine": "ispec x"}}, "engine ispec x, but the emulator .* is of toy 1"),
        ({"attributes": {"seed": "3", "engine": "toy 1", "line_list_hash": "z"}}, "atmospheres not recorded, but"),
    ],
)
def test_a_catalog_that_no_emulator_fits(folder, changes, reason):
    found, why = bounds.measure(linear_emulator.catalog(N, **changes), linear_emulator.config(folder))
    assert len(found) == 18
    assert found["crb_feh"].isna().all()
    assert why.startswith("no bounds: ")
    assert re.search(reason, why)


def test_no_emulator_at_all(tmp_path):
    _, why = bounds.measure(linear_emulator.catalog(N), linear_emulator.config(tmp_path))
    assert "model.json: no such file" in why


def test_command_writes_a_table_that_describes_itself(folder, tmp_path, monkeypatch):
    settings = tmp_path / "c.yaml"
    settings.write_text(f"spectrum: {{wavelength: [5000.0, 5112.0]}}\nsynthesis: {{emulator_dir: {folder}}}\n")
    monkeypatch.setattr(files, "open_catalog", lambda path, clean: nullcontext(linear_emulator.catalog(N)))
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    out = tmp_path / "bounds-3.parquet"
    command.run(parser.parse_args(["--limits-of", "x.h5", "--config", str(settings), "--out", str(out)]))
    schema = pq.read_schema(out)
    assert schema.names == list(bounds.COLUMNS)
    assert schema.field("crb_teff").metadata[b"unit"] == b"K"
    found, metadata = star_tables.read(out, bounds.COLUMNS, "x")
    assert len(found) == 18
    assert (metadata["seed"], metadata["reason"]) == ("3", "")
