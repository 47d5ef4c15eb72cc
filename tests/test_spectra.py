"""Catalogs as specutils spectra: what h5py reads, with uncertainty, mask and meta, in whatever order of rows."""

from __future__ import annotations

import sys

import h5py
import numpy as np
import pandas as pd
import pytest
from astropy import units as u

from halochem import spectra
from halochem.errors import UserError

specutils = pytest.importorskip("specutils", minversion="2.0")


@pytest.fixture(scope="module")
def path(toy_results):
    return toy_results / "results/catalogs/halo-1.h5"


@pytest.fixture(scope="module")
def plain(path):
    with h5py.File(path) as file:
        names = ("wavelength", "flux", "flux_clean", "sigma", "labels/teff", "status")
        return {name: file[name][:] for name in names}


def test_one_star(path, plain):
    found = spectra.load(path, 7)
    assert isinstance(found, specutils.Spectrum)
    np.testing.assert_array_equal(found.flux.value, plain["flux"][7])
    assert found.flux.unit == u.dimensionless_unscaled
    np.testing.assert_array_equal(found.spectral_axis.to_value(u.AA), plain["wavelength"])
    np.testing.assert_array_equal(found.uncertainty.array, np.full(len(plain["wavelength"]), plain["sigma"][7, 0]))
    assert found.uncertainty.uncertainty_type == "std"
    assert not found.mask.any()
    assert found.meta["star"]["star_id"] == "halo-1-000007"
    assert found.meta["star"]["teff"] == plain["labels/teff"][7]
    assert (found.meta["attributes"]["engine"], found.meta["medium"]) == ("toy", "air")


def test_all_stars(path, plain):
    found = spectra.load(path)
    np.testing.assert_array_equal(found.flux.value, plain["flux"])
    assert found.flux.value.dtype == np.float32
    assert found.mask[4].all()  # it has no spectrum
    assert found.mask.sum() == len(plain["wavelength"])
    assert found.meta["stars"]["teff"].unit == u.K
    assert found.meta["stars"]["status"][4] == 2
    # One of them, by specutils' own indexing.
    np.testing.assert_array_equal(found[7].flux.value, plain["flux"][7])
    np.testing.assert_array_equal(found[7].uncertainty.array, spectra.load(path, 7).uncertainty.array)


@pytest.mark.parametrize(
    ("rows", "numbers"),
    [
        ([9, 2, 2, 30], [9, 2, 2, 30]),
        (slice(3, 6), [3, 4, 5]),
        ([-1], [59]),
        (["halo-1-000009", "halo-1-000002"], [9, 2]),
        (pd.Series(["halo-1-000009", "halo-1-000002"]), [9, 2]),
        (np.arange(60) % 20 == 1, [1, 21, 41]),
        ([], []),
    ],
)
def test_some_stars(path, plain, rows, numbers):
    found = spectra.load(path, rows)
    np.testing.assert_array_equal(found.flux.value, plain["flux"][numbers])
    np.testing.assert_array_equal(found.uncertainty.array[:, 0], plain["sigma"][numbers, 0])
    assert list(found.meta["stars"]["star_id"]) == [f"halo-1-{number:06d}" for number in numbers]


def test_star_by_name(path, plain):
    np.testing.assert_array_equal(spectra.load(path, "halo-1-000007").flux.value, plain["flux"][7])


def test_without_noise(path, plain):
    found = spectra.load(path, 7, clean=True)
    np.testing.assert_array_equal(found.flux.value, plain["flux_clean"][7])
    assert found.uncertainty is None


def test_bad_pixels_and_own_spectra(tmp_path):
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        file["wavelength"] = np.linspace(5000, 5010, 5)
        file["flux"] = np.ones((2, 5), np.float32)
        file["sigma"] = np.array([[1, 2, 3, 4, 5]] * 2, np.float32) / 100
        file["mask"] = np.array([[0, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)
        file["status"] = np.zeros(2, np.uint8)
        file["labels/star_id"] = np.array(["one", "two"], "S")
    found = spectra.load(tmp_path / "mine.h5", "one")
    assert found.mask.tolist() == [False, True, False, False, False]
    np.testing.assert_allclose(found.uncertainty.array, [0.01, 0.02, 0.03, 0.04, 0.05], rtol=1e-6)
    with pytest.raises(UserError, match="/flux_clean is not there"):
        spectra.load(tmp_path / "mine.h5", clean=True)


def test_specutils_computes_with_it(path, plain):
    from specutils.analysis import equivalent_width
    from specutils.manipulation import extract_region

    found = spectra.load(path, 7)
    region = specutils.SpectralRegion(5010 * u.AA, 5050 * u.AA)
    cut = extract_region(found, region)
    inside = (plain["wavelength"] >= 5010) & (plain["wavelength"] <= 5050)
    np.testing.assert_array_equal(cut.flux.value, plain["flux"][7][inside])
    width = equivalent_width(found, regions=region, continuum=1).to_value(u.AA)
    assert width == pytest.approx(
        np.sum((1 - plain["flux"][7][inside]) * np.gradient(plain["wavelength"])[inside]), rel=0.05
    )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (60, "no row 60; it has 60"),
        ([0, -61], "no row -61"),
        ("halo-2-000001", "no star 'halo-2-000001' in it; its first is 'halo-1-000000'"),
        ([True, False], "a mask of 2 rows for 60 stars"),
    ],
)
def test_rows_that_are_not_there(path, rows, said):
    with pytest.raises(UserError, match=said):
        spectra.load(path, rows)


def test_reconstruction(path, plain, toy_results):
    """The table's error of each star follows from what comes back."""
    table = pd.read_parquet(toy_results / "results/tables/halo-1.parquet")
    found = spectra.reconstruct(toy_results / "results/models/halo-1", spectra.load(path))
    assert found.flux.shape == plain["flux"].shape
    assert found.mask[4].all()  # it has no spectrum
    there = ~found.mask[7]
    assert 10 < there.sum() < len(plain["wavelength"])
    assert np.isnan(found.flux.value[7][~there]).all()
    for row in (0, 7, 59):
        flux, made = plain["flux"][row][there], found.flux.value[row][there]
        error = np.sum((made - flux.astype(float)) ** 2) / np.sum(flux.astype(float) ** 2)
        assert error == pytest.approx(table["rel_l2_error"][row], rel=1e-4)
    one = spectra.reconstruct(toy_results / "results/models/halo-1", spectra.load(path, 7))
    np.testing.assert_allclose(one.flux.value, found.flux.value[7], rtol=1e-5)
    assert one.meta["star"]["star_id"] == "halo-1-000007"


def test_reconstruction_leaves_marked_pixels_unread(path, toy_results):
    model, star = toy_results / "results/models/halo-1", spectra.load(path, 7)
    marked = star.mask.copy()
    marked[10:15] = True
    spoilt = star.flux.value.copy()
    spoilt[10:15] = np.nan
    axis = star.spectral_axis
    some = [
        spectra.reconstruct(model, specutils.Spectrum(flux=flux * u.one, spectral_axis=axis, mask=marked)).flux.value
        for flux in (star.flux.value, spoilt)
    ]
    np.testing.assert_array_equal(*some)


def test_reconstruction_on_other_pixels(toy_results):
    other = specutils.Spectrum(flux=np.ones(60) * u.one, spectral_axis=np.linspace(5000, 5068, 60) * u.AA)
    with pytest.raises(UserError, match=r"the spectra: 60 pixels .* was trained on 60 pixels .*resample"):
        spectra.reconstruct(toy_results / "results/models/halo-1", other)


def test_specutils_missing(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "specutils", None)
    with pytest.raises(UserError, match=r"pip install 'halochem\[spectra\]'"):
        spectra.load(path, 7)
