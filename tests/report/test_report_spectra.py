"""Spectra packed for the page: what a browser unpacks is what the catalog and the model say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from halochem import files, regions
from halochem.encode import latents
from halochem.report import spectra
from halochem.report.spectra import Segment
from halochem.train import model_files

WINDOW = (5020.0, 5350.0)
ROWS = np.array([0, 4, 39])


@pytest.fixture(scope="module")
def packed(tiny_run):
    table = pd.read_parquet(tiny_run.table)
    return spectra.build(table, tiny_run.catalog, tiny_run.model, ROWS, [WINDOW])


def test_segments_cover_the_range_and_the_windows():
    wavelength = np.linspace(4000, 10400, 4150)
    whole, window = spectra.segments(wavelength, [WINDOW])
    assert len(whole.edges) <= spectra.OVERVIEW_BINS
    assert (whole.first, whole.last, whole.width) == (0, 4150, 8)
    assert wavelength[window.first] >= 5020 > wavelength[window.first - 1]
    assert wavelength[window.last - 1] <= 5350 < wavelength[window.last]
    # A short spectrum is whole as it is; a window would only repeat it.
    assert spectra.segments(np.linspace(5000, 5400, 400), [WINDOW]) == [Segment("5000-5400 Å", 0, 400, 1)]


def test_window_is_the_catalogs_pixel_by_pixel(packed, tiny_run):
    catalog, model = files.read_catalog(tiny_run.catalog), model_files.load(tiny_run.model)
    segment = packed.segments[1]
    inside = slice(segment.first, segment.last)
    part = slice(len(packed.segments[0].edges), None)
    np.testing.assert_allclose(packed.wavelength[part], catalog.wavelength[inside])
    base = np.cumsum(packed.base, axis=1, dtype=int) * spectra.BASE_STEP
    np.testing.assert_allclose(base[:, part], catalog.flux_clean[ROWS][:, inside], atol=0.51 * spectra.BASE_STEP)
    noise = (catalog.flux - catalog.flux_clean)[ROWS]
    seen = packed.observed * packed.scale[:, :1]
    np.testing.assert_allclose(seen[:, part], noise[:, inside], atol=np.abs(noise).max() / 127)
    rebuilt = np.full(noise.shape, np.nan)
    rebuilt[:, model.pixels] = (
        latents.infer(model, catalog.flux[ROWS]).reconstruction - catalog.flux_clean[ROWS][:, model.pixels]
    )
    known = packed.residual != spectra.NO_VALUE
    np.testing.assert_array_equal(known[:, part], np.isfinite(rebuilt[:, inside]))
    np.testing.assert_allclose(
        (packed.residual * packed.scale[:, 1:])[:, part][known[:, part]],
        rebuilt[:, inside][known[:, part]],
        atol=np.nanmax(np.abs(rebuilt)) / 127,
    )
    masks = regions.pixel_masks(regions.load(tiny_run.model.parent / "regions.yaml"), catalog.wavelength, "r")
    for code, name in enumerate(regions.DECODERS, start=1):
        np.testing.assert_array_equal(packed.decoder[part] == code, masks[name][inside])
    np.testing.assert_allclose(packed.sigma, catalog.sigma[ROWS, 0])


def test_bytes_are_laid_out_as_the_page_reads_them(packed):
    m, p = packed.base.shape
    data = packed.data
    assert len(data) == m * (2 * 4 + 4 + 4 * p)
    offset = 12 * m
    low = np.frombuffer(data, np.uint8, m * p, offset).reshape(m, p)
    high = np.frombuffer(data, np.int8, m * p, offset + m * p).reshape(m, p)
    np.testing.assert_array_equal(high.astype(int) * 256 + low, packed.base)


def test_without_a_clean_flux_the_residual_is_from_the_observed(tiny_run, tmp_path):
    import h5py

    copy = tmp_path / "own.h5"
    copy.write_bytes(tiny_run.catalog.read_bytes())
    with h5py.File(copy, "r+") as file:
        del file["flux_clean"]
        file["mask"] = np.zeros(file["flux"].shape, bool)
        file["mask"][4, 100:140] = True
    packed = spectra.build(pd.read_parquet(tiny_run.table), copy, tiny_run.model, ROWS, [WINDOW])
    assert not packed.base_is_clean
    assert (packed.observed[0] == 0).all()
    assert (packed.observed[1] == spectra.NO_VALUE).any()  # the masked pixels
    base = np.cumsum(packed.base, axis=1, dtype=int) * spectra.BASE_STEP
    segment, part = packed.segments[1], slice(len(packed.segments[0].edges), None)
    flux = files.read_catalog(copy).flux[ROWS][:, segment.first : segment.last]
    np.testing.assert_allclose(base[:, part], flux, atol=0.51 * spectra.BASE_STEP)
