"""Batches of direct spectra: lossless beyond their quantum, checked, never mixed nor replaced."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import pytest
from emulator_toys import SETTINGS, WAVELENGTH, flux_of, write_chunk

from halochem.errors import UserError
from halochem.files import STAR_LABELS
from halochem.synthesize.emulator import design, store

TABLE = design.design(40, 0)


@pytest.fixture
def folder(tmp_path):
    """Two batches of 18 stars; one star failed."""
    failed = float(TABLE["teff"].iloc[3])
    for batch in range(2):
        rows = range(18 * batch, 18 * batch + 18)
        path = write_chunk(TABLE, rows, tmp_path / f"chunk-{batch}.h5", fails=(failed,))
        store.write_batch(store.read_chunks([path]), tmp_path / "spectra" / f"{batch:03d}.h5")
    return tmp_path / "spectra"


def test_what_goes_in_comes_out(folder):
    spectra = store.load(folder)
    expected = flux_of(TABLE.iloc[:36][list(STAR_LABELS)].to_numpy(float))
    good = spectra.computed
    assert list(np.flatnonzero(~good)) == [3]
    assert np.isnan(spectra.flux[3]).all()
    assert np.abs(spectra.flux[good] - expected[good]).max() <= 0.5 * store.QUANTUM + 1e-6
    assert np.array_equal(spectra.labels[list(STAR_LABELS)], TABLE.iloc[:36][list(STAR_LABELS)])
    assert list(np.flatnonzero(spectra.test)) == [8, 17, 26, 35]
    assert "no convergence" in spectra.reason[3]
    assert spectra.attributes["line_list_hash"] == "abc"
    assert np.array_equal(spectra.wavelength, WAVELENGTH)


def test_plain_h5py_reads_it(folder):
    with h5py.File(folder / "000.h5") as file:
        flux = file["flux"][:] * file["flux"].attrs["scale"]
        assert file["flux"].dtype == np.uint16
        assert np.abs(flux[0] - flux_of(TABLE.iloc[:1][list(STAR_LABELS)].to_numpy(float))[0]).max() < 1e-4


def test_digest_does_not_depend_on_the_batches(folder, tmp_path):
    chunks = [tmp_path / "chunk-1.h5", tmp_path / "chunk-0.h5"]
    store.write_batch(store.read_chunks(chunks), tmp_path / "other" / "000.h5")
    assert store.load(tmp_path / "other").digest == store.load(folder).digest


def test_a_batch_is_never_replaced(folder, tmp_path):
    with pytest.raises(UserError, match=r"000\.h5: exists"):
        store.write_batch(store.read_chunks([tmp_path / "chunk-0.h5"]), folder / "000.h5")


def test_a_star_comes_once_in_a_batch(tmp_path):
    chunks = [tmp_path / "chunk-0.h5", tmp_path / "again.h5"]
    for path in chunks:
        write_chunk(TABLE, range(4), path)
    with pytest.raises(UserError, match=r"again\.h5: star_id emulator-train-0-00000 occurs twice \(also in .*chunk-0"):
        store.read_chunks(chunks)


def test_a_later_batch_replaces_stars_of_an_earlier_one(folder, tmp_path):
    before = store.load(folder)
    mended = replace(before.subset(np.arange(4)), flux=np.full_like(before.flux[:4], 0.5))
    store.write_batch(mended, folder / "002.h5")
    after = store.load(folder)
    assert sorted(after.labels["star_id"]) == sorted(before.labels["star_id"])
    flux = dict(zip(after.labels["star_id"], after.flux, strict=True))
    for k, name in enumerate(before.labels["star_id"]):
        assert np.array_equal(flux[name], np.full_like(flux[name], 0.5) if k < 4 else before.flux[k]), name
    assert after.digest != before.digest


@pytest.mark.parametrize("key", ["line_list_hash", "engine", "atmospheres", "synthesis_step"])
def test_other_provenance_is_refused(folder, tmp_path, key):
    path = write_chunk(TABLE, range(36, 40), tmp_path / "odd.h5", {**SETTINGS, key: "other"})
    with pytest.raises(UserError, match=rf"002\.h5: made with {key} other, .*000\.h5 with"):
        store.write_batch(store.read_chunks([path]), folder / "002.h5")


def test_other_compiler_is_not(folder, tmp_path):
    path = write_chunk(TABLE, range(36, 40), tmp_path / "odd.h5", {**SETTINGS, "compiler": "GNU Fortran 99"})
    store.write_batch(store.read_chunks([path]), folder / "002.h5")
    assert len(store.load(folder).status) == 40


def test_stars_of_no_design_are_refused(tmp_path):
    table = TABLE.assign(star_id=[f"halo-1-{i:06d}" for i in range(len(TABLE))])
    path = write_chunk(table, range(4), tmp_path / "chunk.h5")
    with pytest.raises(UserError, match=r"star_id halo-1-000000 is of no design"):
        store.read_chunks([path])


def test_damage_is_seen(folder):
    with h5py.File(folder / "001.h5", "r+") as file:
        file["flux"][2, 50] += 1
    with pytest.raises(UserError, match=r"001\.h5: /flux does not have the checksum"):
        store.load(folder)


def test_empty_folder(tmp_path):
    with pytest.raises(UserError, match="no batch of spectra"):
        store.load(tmp_path)
