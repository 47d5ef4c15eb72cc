"""Spectra of a catalog as specutils has them, and what a model makes of them: one call each.

    from halochem import spectra

    one = spectra.load("results/catalogs/halo-1.h5", "halo-1-000007")
    many = spectra.load("results/catalogs/halo-1.h5", table["star_id"][table["flag_cemp"]])
    model = spectra.reconstruct("results/models/halo-1", one)

Needs specutils 2 (`pip install 'halochem[spectra]'`), which the rest of halochem does without.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from halochem.errors import UserError
from halochem.files import open_hdf5

if TYPE_CHECKING:
    from specutils import Spectrum

Rows = int | str | slice | Sequence[int] | Sequence[bool] | Sequence[str] | None


def load(path: Path | str, rows: Rows = None, clean: bool = False) -> Spectrum:
    """Spectra of a catalog (docs/files.md): one row gives a Spectrum of p pixels, more give one of shape (n, p).

    `rows`: a row's number or star_id, a list, mask or slice of them; all without it. `clean`: the flux without noise,
    which has no uncertainty. Flux is dimensionless with the continuum at 1; wavelengths are Å in air; `mask` is true
    for bad pixels and where there is no flux; `meta` has `star` (or `stars`, a table of one row each): labels, status
    and what else the catalog says of it, and `attributes`, those of the file.
    """
    specutils = _specutils()
    from astropy import units as u
    from astropy.nddata import StdDevUncertainty

    with open_hdf5(path, "observe") as file:
        name = "flux_clean" if clean else "flux"
        if name not in file:
            raise UserError(f"{path}: /{name} is not there; expected the layout of docs/files.md")
        single = isinstance(rows, int | np.integer | str)
        chosen = _row_numbers(file, path, [rows] if single else rows)
        flux = _read(file[name], chosen)
        mask = ~np.isfinite(flux)
        if "mask" in file:
            mask |= _read(file["mask"], chosen).astype(bool)
        sigma = None if clean else np.broadcast_to(_read(file["sigma"], chosen), flux.shape)
        wavelength = file["wavelength"][:]
        meta = {"stars": _stars(file, chosen), "attributes": dict(file.attrs), "medium": "air"}
    if single:
        flux, mask, sigma = flux[0], mask[0], None if sigma is None else sigma[0]
        meta["star"] = dict(meta.pop("stars")[0])
    return specutils.Spectrum(
        flux=u.Quantity(flux, u.dimensionless_unscaled, dtype=flux.dtype),
        spectral_axis=wavelength * u.AA,
        # Else as many stars as pixels are ambiguous.
        spectral_axis_index=flux.ndim - 1,
        uncertainty=None if sigma is None else StdDevUncertainty(sigma),
        mask=mask,
        meta=meta,
    )


def reconstruct(model: Path | str, spectrum: Spectrum) -> Spectrum:
    """What the trained model in the folder `model` makes of spectra as `load` gives them: a Spectrum of their shape.

    It is there on the decoders' pixels only; elsewhere the flux is NaN and `mask` true, as for stars without a
    spectrum. Pixels that `spectrum.mask` marks are not read. Raises UserError where the pixels are not the model's.
    """
    from astropy import units as u

    from halochem.encode import latents
    from halochem.train import model_files

    trained = model_files.load(model)
    wavelength = spectrum.spectral_axis.to_value(u.AA)
    model_files.check_grid(wavelength, trained.wavelength, "the spectra", model)
    flux = np.atleast_2d(spectrum.flux.value)
    bad = ~np.isfinite(flux) if spectrum.mask is None else np.atleast_2d(spectrum.mask) | ~np.isfinite(flux)
    there = np.flatnonzero(~bad.all(axis=1))
    # Without a bad pixel there is no mask to fill in for.
    hidden = bad[there] if bad[there].any() else None
    found = np.full(flux.shape, np.nan, np.float32)
    found[np.ix_(there, trained.pixels)] = latents.infer(trained, flux[there], hidden).reconstruction
    found = found.reshape(spectrum.flux.shape)
    return _specutils().Spectrum(
        flux=u.Quantity(found, u.dimensionless_unscaled, dtype=found.dtype),
        spectral_axis=spectrum.spectral_axis,
        spectral_axis_index=found.ndim - 1,
        mask=~np.isfinite(found),
        meta={name: spectrum.meta[name] for name in ("star", "stars", "medium") if name in spectrum.meta},
    )


def _specutils() -> Any:
    try:
        import specutils
    except ModuleNotFoundError:
        raise UserError("specutils is not installed: pip install 'halochem[spectra]'") from None
    if not hasattr(specutils, "Spectrum"):
        raise UserError(f"specutils {specutils.__version__} is too old, expected 2.0 or later")
    return specutils


def _row_numbers(file: h5py.File, path: Path | str, rows: Any) -> np.ndarray:
    """Numbers of the rows asked for, in the order asked for: int64, (n,)."""
    n_stars = file["flux"].shape[0]
    if rows is None or isinstance(rows, slice):
        return np.arange(n_stars)[rows if rows is not None else slice(None)]
    rows = np.asarray(rows)
    if rows.dtype == bool:
        if rows.shape != (n_stars,):
            raise UserError(f"{path}: a mask of {len(rows)} rows for {n_stars} stars")
        return np.flatnonzero(rows)
    if rows.dtype.kind in "OUT":
        names = {name.decode(): row for row, name in enumerate(file["labels/star_id"][:])}
        for name in map(str, rows):
            if name not in names:
                raise UserError(f"{path}: no star {name!r} in it; its first is {next(iter(names))!r}")
        return np.array([names[str(name)] for name in rows], np.int64)
    rows = rows.astype(np.int64)
    outside = (rows < -n_stars) | (rows >= n_stars)
    if outside.any():
        raise UserError(f"{path}: no row {rows[outside][0]}; it has {n_stars}")
    return np.where(rows < 0, rows + n_stars, rows)


def _read(data: h5py.Dataset, rows: np.ndarray) -> np.ndarray:
    """Rows in any order, any of them twice: HDF5 itself reads each once, in order."""
    unique, place = np.unique(rows, return_inverse=True)
    if len(unique) == len(data):
        return data[:][rows]
    return data[unique][place] if len(unique) else data[:0]


def _stars(file: h5py.File, rows: np.ndarray) -> Any:
    """Labels, with their units, and everything else that the catalog has one of a star: an astropy table."""
    from astropy import units as u
    from astropy.table import Table

    names = [f"labels/{name}" for name in file["labels"]]
    names += [name for name in ("status", "status_reason", "out_of_grid", "atmosphere_note") if name in file]
    table = Table()
    for name in names:
        values = _read(file[name], rows)
        text = values.dtype.kind in "SO"
        column = name.removeprefix("labels/")
        table[column] = np.array([value.decode() for value in values], str) if text else values
        unit = file[name].attrs.get("unit", "")
        if unit and not text:
            table[column].unit = u.Unit(unit, parse_strict="silent")
        table[column].description = file[name].attrs.get("description", "") or None
    return table
