"""One spectrum from a file: text by astropy, FITS by specutils."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from halochem.errors import UserError
from halochem.untrusted import MB, check_unpacked, one_line

SIZE_LIMIT = 512 * MB  # one spectrum
TEXT = (".csv", ".ecsv", ".txt", ".dat", ".asc", ".ascii")


class Unusable(Exception):
    """Why a spectrum cannot be used: the reason its row carries."""


@dataclass
class Measured:
    """A spectrum as it was measured; m points in ascending wavelength."""

    wavelength: np.ndarray  # (m,) float64, Å
    flux: np.ndarray  # (m,) float64; where it is not good anything may stand
    sigma: np.ndarray | None  # (m,) float64, standard deviation of the flux, where the file has one
    good: np.ndarray  # (m,) bool


def read(path: Path, form: str | None = None) -> Measured:
    """Read a spectrum; `form` is specutils' name of its format. Raises Unusable with the reason."""
    try:
        if not path.is_file():
            raise Unusable(f"{path}: no such file")
        check_unpacked(path, SIZE_LIMIT)
    except (OSError, ValueError, UserError) as error:
        raise Unusable(f"{path}: not readable ({one_line(error)})") from None
    try:
        # Readers warn of headers and units that are no affair of ours.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            as_text = form is None and path.suffix.lower() in TEXT
            columns = _text(path) if as_text else _by_specutils(path, form)
    except Unusable:
        raise
    except Exception as error:  # the readers raise anything here
        raise Unusable(f"{path}: not readable ({one_line(error)})") from None
    try:
        return _checked(path, *columns)
    except (ValueError, TypeError, LookupError) as error:
        raise Unusable(f"{path}: no spectrum ({one_line(error)})") from None


def need_specutils() -> None:
    """Raise UserError where specutils, which reads FITS and knows the air, is not installed."""
    try:
        import specutils
    except ModuleNotFoundError:
        raise UserError("specutils is not installed: pip install 'halochem[spectra]'") from None
    if not hasattr(specutils, "Spectrum"):
        raise UserError(f"specutils {specutils.__version__} is too old, expected 2.0 or later")


Columns = tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]


def _text(path: Path) -> Columns:
    """The first three columns of a table: wavelength (Å where no unit is given), flux, its standard deviation."""
    from astropy import units as u
    from astropy.table import Table

    form = {".ecsv": "ascii.ecsv", ".csv": "ascii.csv"}.get(path.suffix.lower(), "ascii")
    # A line of names may be commented out or missing; either way it is no row of numbers.
    table = Table.read(path, format=form)
    if len(table.columns) < 2:
        raise Unusable(f"{path}: one column; expected wavelength, flux and its standard deviation")
    wavelength, flux, *rest = (table[name] for name in table.colnames[:3])
    scale = (wavelength.unit or u.AA).to(u.AA)
    masked = [np.ma.getmaskarray(np.ma.asarray(column)) for column in (flux, *rest)]
    numbers = [np.ma.filled(np.ma.asarray(column, float), np.nan) for column in (wavelength, flux, *rest)]
    return numbers[0] * scale, numbers[1], numbers[2] if rest else None, np.any(masked, axis=0)


def _by_specutils(path: Path, form: str | None) -> Columns:
    from astropy import units as u
    from astropy.nddata import StdDevUncertainty
    from specutils import Spectrum

    spectrum: Any = Spectrum.read(path, format=form) if form else Spectrum.read(path)
    if spectrum.flux.ndim != 1:
        raise Unusable(f"{path}: flux of shape {spectrum.flux.shape}; expected one spectrum a file")
    sigma = None
    if spectrum.uncertainty is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            sigma = spectrum.uncertainty.represent_as(StdDevUncertainty).array
    mask = None if spectrum.mask is None else np.asarray(spectrum.mask, bool)
    return spectrum.spectral_axis.to_value(u.AA, u.spectral()), spectrum.flux.value, sigma, mask


def _checked(path: Path, wavelength: Any, flux: Any, sigma: Any, mask: Any) -> Measured:
    wavelength, flux = np.asarray(wavelength, float), np.asarray(flux, float)
    if len(wavelength) < 10:
        raise Unusable(f"{path}: {len(wavelength)} points; expected a spectrum")
    order = np.argsort(wavelength, kind="stable")
    wavelength = wavelength[order]
    if not (np.isfinite(wavelength).all() and wavelength[0] > 0):
        raise Unusable(f"{path}: a wavelength that is no number above 0; expected Å")
    if (np.diff(wavelength) <= 0).any():
        raise Unusable(f"{path}: {wavelength[np.argmin(np.diff(wavelength))]:g} Å is there twice; join orders first")
    flux = flux[order]
    good = np.isfinite(flux)
    if mask is not None:
        good &= ~np.asarray(mask, bool)[order]
    if sigma is not None:
        sigma = np.asarray(sigma, float)[order]
        # No weight in a survey's files is an infinite error here.
        good &= np.isfinite(sigma) & (sigma > 0)
    if not good.any():
        raise Unusable(f"{path}: no pixel is good (flux finite, standard deviation above 0, not masked)")
    return Measured(wavelength, flux, sigma, good)
