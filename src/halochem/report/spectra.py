"""Spectra for the page: observed, clean and reconstructed, binned and packed into a few kilobytes a star.

A row of packed bytes holds, for p' bins: the base (the clean flux, or the observed where no clean one is known)
as int16 differences of steps of BASE_STEP, then observed − base and reconstruction − base as int8 of each star's
own scale. The residual of a bin is the mean over the decoders' pixels in it, so that a bin only partly covered shows
no spurious one. m stars, p pixels of the spectrum.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from halochem import files, regions
from halochem.errors import UserError
from halochem.report import catalog_rows

BASE_STEP = 5e-4
NO_VALUE = -128  # of the int8 parts; their range is ±127
OVERVIEW_BINS = 520  # of the whole range; more than that no column of a page can show

Window = tuple[float, float]


@dataclass(frozen=True)
class Segment:
    """A stretch of the spectrum, `width` pixels a bin; pixels `first` to `last` (not included)."""

    title: str
    first: int
    last: int
    width: int

    @property
    def edges(self) -> np.ndarray:
        """First pixel of each bin; the last bin may be narrower."""
        return np.arange(self.first, self.last, self.width)


@dataclass(frozen=True)
class Packed:
    """Spectra of m stars as described above."""

    segments: list[Segment]
    wavelength: np.ndarray  # (p',) Å, middle of each bin
    decoder: np.ndarray  # (p',) uint8: 0 none, 1 + index into the model's decoders
    base_is_clean: bool
    base: np.ndarray  # (m, p') int16, differences along the row
    observed: np.ndarray  # (m, p') int8
    residual: np.ndarray  # (m, p') int8
    scale: np.ndarray  # (m, 2) float32: flux of one step of `observed`, of `residual`
    sigma: np.ndarray  # (m,) float32, noise of a pixel

    @property
    def data(self) -> bytes:
        """All that varies from star to star, one part after the other: scale, sigma, base (its low bytes, then its
        high bytes), observed, residual."""
        # Low bytes apart from high ones: the latter are nearly all alike, and compress to nothing.
        low_high = np.moveaxis(self.base.astype("<i2").view(np.uint8).reshape(*self.base.shape, 2), -1, 0)
        parts = (self.scale.astype("<f4"), self.sigma.astype("<f4"), low_high, self.observed, self.residual)
        return b"".join(part.tobytes() for part in parts)


def segments(wavelength: np.ndarray, windows: list[Window]) -> list[Segment]:
    """The whole range in at most OVERVIEW_BINS bins, then each window pixel by pixel."""
    width = -(-len(wavelength) // OVERVIEW_BINS)
    found = [Segment(f"{wavelength[0]:.0f}-{wavelength[-1]:.0f} Å", 0, len(wavelength), width)]
    for low, high in windows if width > 1 else []:
        first, last = np.searchsorted(wavelength, [low, high])
        found.append(Segment(f"{low:.0f}-{high:.0f} Å", int(first), int(last), 1))
    return found


def build(table: pd.DataFrame, catalog: Path, model_folder: Path, rows: np.ndarray, windows: list[Window]) -> Packed:
    """The spectra of the table's rows `rows` (m,), ascending, each reconstructed from its observed flux."""
    from halochem.encode import latents
    from halochem.train import model_files

    model = model_files.load(model_folder)
    blocks = []
    with files.open_hdf5(catalog, "observe") as file:
        catalog_rows.check(catalog, file, table)
        try:
            wavelength = file["wavelength"][:]
            model_files.check_grid(wavelength, model.wavelength, catalog, model_folder)
            shown = segments(wavelength, windows)
            for flux, clean, bad in catalog_rows.blocks(file, rows):
                rebuilt = np.full(flux.shape, np.nan, np.float32)
                rebuilt[:, model.pixels] = latents.infer(model, flux, bad).reconstruction
                observed = flux if bad is None else np.where(bad, np.nan, flux)
                blocks.append(_pack(shown, observed, flux if clean is None else clean, rebuilt))
            sigma = np.median(file["sigma"][:], axis=1)[rows]
            clean_known = "flux_clean" in file
        except OSError as error:
            raise UserError(f"{catalog}: damaged ({error}); delete it and run `halochem observe`") from None
    base, seen, residual, scale = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    decoder = _decoders(wavelength, model.document["regions"]["intervals"], model_folder)
    return Packed(
        segments=shown,
        wavelength=_binned(shown, wavelength[None])[0],
        decoder=np.concatenate([np.maximum.reduceat(decoder[: s.last], s.edges) for s in shown]),
        base_is_clean=clean_known,
        base=base,
        observed=seen,
        residual=residual,
        scale=scale,
        sigma=sigma.astype(np.float32),
    )


def _decoders(wavelength: np.ndarray, intervals: dict[str, regions.Intervals], where: Path) -> np.ndarray:
    masks = regions.pixel_masks(intervals, wavelength, where)
    code = np.zeros(len(wavelength), np.uint8)
    for k, mask in enumerate(masks.values(), start=1):
        code[mask] = k
    return code


def _binned(shown: list[Segment], flux: np.ndarray) -> np.ndarray:
    """Means of the finite pixels (m, p) in each bin: (m, p'), NaN where there is none."""
    good = np.isfinite(flux)
    filled = np.where(good, flux, 0).astype(float)
    sums, counts = (
        np.concatenate([np.add.reduceat(values[:, : s.last], s.edges, axis=1) for s in shown], axis=1)
        for values in (filled, good.astype(float))
    )
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def _pack(
    shown: list[Segment], observed: np.ndarray, base: np.ndarray, rebuilt: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    steps = np.round(np.nan_to_num(_binned(shown, base), nan=1.0) / BASE_STEP)
    steps = np.clip(steps, -16_000, 16_000).astype(np.int16)  # |flux| up to 8; differences stay within int16
    noise, noise_scale = _scaled(_binned(shown, observed - base))
    residual, residual_scale = _scaled(_binned(shown, rebuilt - base))
    differences = np.diff(steps, axis=1, prepend=np.int16(0))
    return differences, noise, residual, np.stack([noise_scale, residual_scale], axis=1)


def _scaled(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m, p') as int8 steps of a scale (m,) that makes each row's largest 127; NaN becomes NO_VALUE."""
    known = np.isfinite(values)
    scale = np.max(np.where(known, np.abs(values), 0), axis=1, initial=0) / 127
    scale[scale == 0] = 1.0
    steps = np.where(known, np.round(np.where(known, values, 0) / scale[:, None]), NO_VALUE)
    return steps.astype(np.int8), scale.astype(np.float32)
