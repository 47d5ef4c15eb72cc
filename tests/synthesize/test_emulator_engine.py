"""Engine `emulator`: right fluxes, the direct engine's flags, and one clear line for what it cannot do."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
from emulator_toys import WAVELENGTH, config, fitted, flux_of

from halochem.config import Sample
from halochem.errors import UserError
from halochem.sample.draw import draw_labels
from halochem.sample.halo import halo_density
from halochem.synthesize import chunk, composition, engines
from halochem.synthesize.atmospheres.c3k import nearest_covered
from halochem.synthesize.emulator import model
from halochem.synthesize.emulator.features import matrix

LABELS = draw_labels(Sample(), halo_density(Sample()), 1, range(50))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("emulator")
    fitted(folder)
    return folder


@pytest.fixture(scope="module")
def engine(folder):
    # No engine.json is there, and none is asked for.
    return engines.make(config(engine="emulator", emulator_dir=str(folder)), folder / "nosuch" / "engine.json")


def test_fluxes_are_those_it_was_fitted_to(engine):
    spectra = engine.synthesize_many(LABELS)
    rms = np.sqrt(((spectra.flux - flux_of(matrix(LABELS))) ** 2).mean(axis=1))
    assert spectra.flux.dtype == np.float32
    assert np.median(rms) < 0.003
    assert (spectra.status == 0).all()


def test_a_star_is_the_same_alone_and_among_others(engine):
    together = engine.synthesize_many(LABELS).flux
    alone = engine.synthesize_many(LABELS.iloc[7:8]).flux
    assert np.array_equal(alone[0], together[7])


def test_flags_and_notes_are_the_direct_engines(engine):
    spectra = engine.synthesize_many(LABELS)
    assert spectra.out_of_grid.any()
    assert not spectra.out_of_grid.all()
    for star, out, note in zip(matrix(LABELS), spectra.out_of_grid, spectra.note, strict=True):
        teff, logg, feh, c_fe, alpha_fe = star
        moved = nearest_covered(teff, logg, feh, alpha_fe)[1]
        carbon = "C/O above 1" if composition.is_carbon_rich(c_fe, alpha_fe) else ""
        assert note == ", ".join(filter(None, (moved, carbon)))
        assert out == bool(note)


def test_chunk_says_what_made_it(engine, folder, tmp_path):
    out = tmp_path / "chunk-1.h5"
    chunk.run_at_once(LABELS, range(20, 40), engine, WAVELENGTH, {"seed": "1", **engine.settings}, out)
    with h5py.File(out) as file:
        assert file["flux"].shape == (20, len(WAVELENGTH))
        assert file.attrs["first_row"] == "20"
        assert file.attrs["engine"] == "emulator of toy 1"
        assert file.attrs["atmospheres"] == "c3k"
        assert file.attrs["line_list_hash"] == "abc"
        assert file.attrs["emulator_sha256"] == model.read_document(folder)["weights_sha256"]
        assert [name.decode() for name in file["star_id"][:]] == list(LABELS["star_id"].iloc[20:40])


@pytest.mark.parametrize(
    ("name", "value", "limits"),
    [("c_fe", 3.4, "-1 to 3"), ("teff", 2900.0, "3000 to 7000"), ("feh", 0.3, "-3.1 to 0.2")],
)
def test_star_outside_is_refused_by_row_and_label(engine, name, value, limits):
    labels = LABELS.copy()
    labels.loc[33, name] = value
    with pytest.raises(
        UserError, match=rf"row 33, {name} {value:g}: the emulator covers {limits}; set synthesis.engine"
    ):
        engine.synthesize_many(labels.iloc[30:40])


@pytest.mark.parametrize(
    ("section", "values", "says"),
    [
        ("spectrum", {"resolution": 5000.0}, r"spectrum.resolution: 5000.0: the emulator .* was fitted to 2200.0"),
        ("spectrum", {"wavelength": [5000.0, 5300.0]}, r"spectrum.wavelength: \[5000.0, 5300.0\]: the emulator"),
        ("sample", {"teff": [2800.0, 7000.0]}, r"sample.teff: \[2800, 7000\]: the emulator .* covers 3000 to 7000"),
        ("synthesis", {"atmospheres": "marcs", "marcs_dir": "."}, r"synthesis.atmospheres: marcs: .* on c3k"),
        ("synthesis", {"line_list": "mine.list"}, r"synthesis.line_list: mine.list: the emulator"),
    ],
)
def test_what_it_was_not_fitted_to_is_refused(folder, section, values, says):
    plain = config(engine="emulator", emulator_dir=str(folder)).dump()
    plain[section] |= values
    from halochem.config import validate

    with pytest.raises(UserError, match=says):
        engines.check_settings(validate(plain, "test"))


def test_missing_emulator(tmp_path):
    with pytest.raises(UserError, match=r"model\.json: no such file; synthesis\.emulator_dir must be"):
        engines.check_settings(config(engine="emulator", emulator_dir=str(tmp_path)))


def test_weights_of_another_fit_are_refused(folder, tmp_path):
    for name in (model.DOCUMENT, model.WEIGHTS):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    document = json.loads((tmp_path / model.DOCUMENT).read_text())
    (tmp_path / model.DOCUMENT).write_text(json.dumps({**document, "weights_sha256": "0"}))
    with pytest.raises(UserError, match=r"weights\.safetensors: not the weights that model\.json"):
        model.load(tmp_path)


def test_description_of_another_version_is_refused(folder, tmp_path):
    document = json.loads((folder / model.DOCUMENT).read_text())
    (tmp_path / model.DOCUMENT).write_text(json.dumps({**document, "format": 99}))
    with pytest.raises(UserError, match="of another version"):
        model.read_document(tmp_path)
