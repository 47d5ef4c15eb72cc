"""Files as users have them: text of several kinds, FITS of several makers; one line for what is none."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import InverseVariance, StdDevUncertainty
from astropy.table import Table
from specutils import Spectrum

from halochem.ingest.spectrum_file import Unusable, read

WAVELENGTH = np.arange(4000.0, 4100, 0.5)
FLUX = 1 - 0.3 * np.exp(-0.5 * ((WAVELENGTH - 4050) / 5) ** 2)
SIGMA = np.full(len(FLUX), 0.02)


def rows(separator=" "):
    return "\n".join(separator.join(f"{x:.6f}" for x in row) for row in zip(WAVELENGTH, FLUX, SIGMA, strict=True))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "wavelength,flux,sigma\n" + rows(",")),
        ("a.txt", rows()),
        ("a.dat", "# wavelength flux error\n" + rows("\t")),
        ("a.asc", "lambda flux err\n" + rows("  ")),
    ],
)
def test_text(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text + "\n")
    found = read(path)
    np.testing.assert_allclose(found.wavelength, WAVELENGTH)
    np.testing.assert_allclose(found.flux, FLUX, atol=1e-6)
    np.testing.assert_allclose(found.sigma, SIGMA)
    assert found.good.all()


def test_units_of_ecsv_and_unsorted_rows(tmp_path):
    path = tmp_path / "a.ecsv"
    Table({"wave": WAVELENGTH[::-1] / 10 * u.nm, "flux": FLUX[::-1]}).write(path)
    found = read(path)
    np.testing.assert_allclose(found.wavelength, WAVELENGTH)
    np.testing.assert_allclose(found.flux, FLUX)
    assert found.sigma is None


def test_fits_table(tmp_path):
    path = tmp_path / "a.fits"
    flux = FLUX * u.Unit("erg / (s cm2 AA)")
    spectrum = Spectrum(flux=flux, spectral_axis=WAVELENGTH * u.AA, uncertainty=StdDevUncertainty(SIGMA))
    spectrum.write(path, format="tabular-fits")
    found = read(path)
    np.testing.assert_allclose(found.wavelength, WAVELENGTH)
    np.testing.assert_allclose(found.flux, FLUX)
    np.testing.assert_allclose(found.sigma, SIGMA)


def test_fits_image_with_wcs(tmp_path):
    """The oldest form there is: one row of fluxes, wavelengths from the header, no errors."""
    path = tmp_path / "a.fits"
    header = {"CRVAL1": 4000.0, "CDELT1": 0.5, "CRPIX1": 1, "CTYPE1": "AWAV", "CUNIT1": "Angstrom"}
    fits.PrimaryHDU(FLUX, fits.Header(header)).writeto(path)
    found = read(path)
    np.testing.assert_allclose(found.wavelength, WAVELENGTH)
    np.testing.assert_allclose(found.flux, FLUX)
    assert found.sigma is None


def test_fits_of_sdss(tmp_path):
    path = tmp_path / "spec-0001-55555-0001.fits"
    log_wave = 3.6 + 1e-4 * np.arange(300)
    ivar = np.full(300, 2500.0)
    ivar[7] = 0
    columns = [
        fits.Column("flux", "E", array=np.ones(300)),
        fits.Column("loglam", "E", array=log_wave),
        fits.Column("ivar", "E", array=ivar),
        fits.Column("and_mask", "J", array=np.zeros(300)),
    ]
    coadd = fits.BinTableHDU.from_columns(columns, name="COADD")
    fits.HDUList([fits.PrimaryHDU(), coadd]).writeto(path)
    found = read(path, "SDSS-III/IV spec")
    np.testing.assert_allclose(found.wavelength, 10**log_wave, rtol=1e-6)
    assert found.good.tolist() == [k != 7 for k in range(300)]
    np.testing.assert_allclose(found.sigma[found.good], 0.02)


def test_inverse_variance_and_mask(tmp_path):
    path = tmp_path / "a.fits"
    spectrum = Spectrum(flux=FLUX * u.Jy, spectral_axis=WAVELENGTH * u.AA, uncertainty=InverseVariance(1 / SIGMA**2))
    spectrum.write(path, format="tabular-fits")
    np.testing.assert_allclose(read(path).sigma, SIGMA)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("gone.txt", None, "no such file"),
        ("a.txt", "", "not readable"),
        ("a.csv", "flux\n1\n2\n", "one column; expected wavelength, flux"),
        ("a.txt", "4000 1 0.1\n4001 1 0.1\n", "2 points"),
        ("a.fits", "SIMPLE = no", "not readable"),
        ("a.txt", "\n".join(f"{4000 + k // 2} 1 0.1" for k in range(40)), "4000 Å is there twice; join orders first"),
        ("a.txt", "\n".join(f"{4000 + k} 1 0" for k in range(40)), "no pixel is good"),
        ("a.txt", "\n".join(f"{k - 5} 1 0.1" for k in range(40)), "a wavelength that is no number above 0"),
        ("a.txt", "\n".join(f"{4000 + k} high 0.1" for k in range(40)), "not readable"),
    ],
)
def test_what_is_no_spectrum(tmp_path, name, text, said):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(Unusable, match=said) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
