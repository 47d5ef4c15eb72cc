"""What training sees of a catalog: which stars, which numbers, on which device.

n stars of the catalog, m of them selected, p pixels of the spectrum, d pixels of the decoders.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass

import numpy as np
import torch

from halochem import seeds, split
from halochem.config import Train
from halochem.errors import UserError
from halochem.files import Catalog
from halochem.train import adversary

log = logging.getLogger("halochem")

OBSERVED = ("teff_obs", "logg_obs")  # u: the only labels that training may see


@dataclass(frozen=True)
class Scaler:
    """Standardisation of u = (Teff, log g) by mean and standard deviation over the training stars, (2,)."""

    mean: np.ndarray
    std: np.ndarray

    def standardise(self, u: np.ndarray) -> np.ndarray:
        """(m, 2) in K and dex -> (m, 2) of zero mean and unit variance."""
        return (u - self.mean) / self.std

    def restore(self, u: np.ndarray) -> np.ndarray:
        """The inverse of `standardise`."""
        return u * self.std + self.mean


@dataclass
class Stars:
    """The tensors of m selected stars."""

    flux: torch.Tensor  # (m, p)
    sigma: torch.Tensor  # (m, 1) or (m, d)
    bad: torch.Tensor | None  # (m, p) bool
    u: torch.Tensor  # (m, 2) standardised
    classes: torch.Tensor  # (m,) int64

    def __len__(self) -> int:
        return len(self.flux)

    def to(self, device: torch.device) -> Stars:
        """The same on a device."""
        return Stars(*(None if t is None else t.to(device) for t in vars(self).values()))

    def head(self, count: int) -> Stars:
        """The first `count` of them."""
        return Stars(*(None if t is None else t[:count] for t in vars(self).values()))

    def batch(self, rows: torch.Tensor, device: torch.device) -> Stars:
        """Some rows (m',), on the device where the model is."""
        rows = rows.to(self.flux.device)
        return Stars(*(None if t is None else t[rows].to(device, non_blocking=True) for t in vars(self).values()))


def select(catalog: Catalog, train: Train) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows to validate on, both from the usable training stars, ascending.

    Validation takes round(validation_fraction m) of them, those of smallest draw in the stream "validation"; as in the
    public release (`reproduce.validation_is_test`) it is the test stars.
    """
    is_train = split.is_train(catalog.seed, len(catalog.status), train.train_fraction)
    rows = np.flatnonzero(is_train & catalog.usable)
    released = train.reproduce.validation_is_test
    n_validation = 0 if released else round(train.validation_fraction * len(rows))
    if len(rows) - n_validation < 2:
        raise UserError(
            f"{catalog.path}: {len(rows)} usable training stars of {len(catalog.status)}; expected 2 or more "
            "after validation, so sample more stars or raise train.train_fraction"
        )
    if released:
        return rows, np.flatnonzero(~is_train & catalog.usable)
    watching = validation_rows(catalog.seed, rows, n_validation)
    return np.setdiff1d(rows, watching, assume_unique=True), watching


def validation_rows(seed: int, rows: np.ndarray, count: int) -> np.ndarray:
    """Those `count` of a catalog's usable training stars `rows` that watch the training, ascending."""
    draws = seeds.uniform_table(seed, "validation", rows, 1)[:, 0]
    return np.sort(rows[np.argsort(draws, kind="stable")[:count]])


def observed_u(catalog: Catalog, rows: np.ndarray) -> np.ndarray:
    """Teff [K] and log g [dex] as an observer knows them: float64, shape (m, 2)."""
    for name in OBSERVED:
        if name not in catalog.labels:
            raise UserError(
                f"{catalog.path}: /labels/{name} is missing; training needs Teff and log g of each star, "
                "with their observational error, as `halochem observe` writes them"
            )
    u = catalog.labels.loc[:, list(OBSERVED)].to_numpy(float)[rows]
    faulty = np.argwhere(~np.isfinite(u))
    if len(faulty):
        row, column = faulty[0]
        raise UserError(f"{catalog.path}: row {rows[row]}, {OBSERVED[column]}: expected a finite number")
    return u


def fit_scaler(catalog: Catalog, rows: np.ndarray) -> Scaler:
    """Mean and standard deviation of u over the stars trained on."""
    u = observed_u(catalog, rows)
    std = u.std(axis=0)
    for name, value in zip(OBSERVED, std, strict=True):
        if not value > 0:
            raise UserError(f"{catalog.path}: /labels/{name} is the same in all training stars; expected a range")
    return Scaler(u.mean(axis=0), std)


def class_edges(catalog: Catalog, rows: np.ndarray, scaler: Scaler, train: Train) -> tuple[np.ndarray, np.ndarray]:
    """The adversary's bin edges, nine for standardised Teff and nine for standardised log g.

    As in the public release, where `reproduce` asks for it: eight edges, and for log g those of Teff.
    """
    u = scaler.standardise(observed_u(catalog, rows))
    n_bins = adversary.N_BINS - 1 if train.reproduce.seven_bins else adversary.N_BINS
    teff, logg = (adversary.bin_edges(u[:, k], train.adversary_bins, n_bins) for k in range(2))
    return teff, teff if train.reproduce.logg_bins_of_teff else logg


def noise_of(catalog: Catalog, rows: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Standard deviation of the flux, float32, (m, 1) or (m, d); refused where it is not above 0."""
    sigma = catalog.sigma[rows]
    good = np.ones((len(rows), 1), bool)
    if sigma.shape[1] > 1:
        sigma = sigma[:, pixels]
        good = good if catalog.mask is None else ~catalog.mask[rows][:, pixels].astype(bool)
    faulty = np.argwhere(good & ~(np.isfinite(sigma) & (sigma > 0)))
    if len(faulty):
        row, column = faulty[0]
        raise UserError(
            f"{catalog.path}: /sigma row {catalog.first_row + rows[row]} is {sigma[row, column]:g}; expected a "
            "number above 0 in each pixel that /mask does not mark as bad"
        )
    # Behind a mask anything may stand, NaN included, and 0 * NaN would stay NaN in the sums.
    return np.where(good, sigma, 1).astype(np.float32)


def tensors(
    catalog: Catalog,
    rows: np.ndarray,
    pixels: np.ndarray,
    scaler: Scaler,
    edges: tuple[np.ndarray, np.ndarray],
) -> Stars:
    """The selected rows as tensors, on the CPU."""
    u = scaler.standardise(observed_u(catalog, rows))
    return Stars(
        flux=torch.from_numpy(np.ascontiguousarray(catalog.flux[rows], np.float32)),
        sigma=torch.from_numpy(noise_of(catalog, rows, pixels)),
        bad=None if catalog.mask is None else torch.from_numpy(catalog.mask[rows].astype(bool)),
        u=torch.from_numpy(u.astype(np.float32)),
        classes=torch.from_numpy(adversary.classes(u, edges)),
    )


def choose_device(name: str) -> torch.device:
    """The device of `train.device`: auto takes a GPU when there is one, and says in one line when there is none."""
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise UserError("train.device: cuda, but there is no CUDA device; set it to auto or cpu")
    if name == "auto" and not there:
        threads = torch.get_num_threads()
        log.warning("%s: on the processor, with %d thread%s", _why_no_gpu(), threads, "" if threads == 1 else "s")
    return torch.device("cuda" if name != "cpu" and there else "cpu")


def _why_no_gpu() -> str:
    reason = "this PyTorch is built without CUDA" if torch.version.cuda is None else "CUDA finds none"
    # What Slurm sets where a job was given one; then the driver and PyTorch do not fit, or the device is no GPU.
    given = os.environ.get("SLURM_JOB_GPUS") or os.environ.get("SLURM_STEP_GPUS")
    if given:
        return f"Slurm gave this job GPU {given}, but PyTorch cannot use it ({reason}; docs/how-to/gpu.md)"
    return f"no GPU here ({reason})"


def place(stars: Stars, device: torch.device) -> Stars:
    """Move the stars to the device once if they take less than half its free memory, else leave them here."""
    if device.type != "cuda":
        return stars
    free, _ = torch.cuda.mem_get_info(device)
    size = sum(t.numel() * t.element_size() for t in vars(stars).values() if t is not None)
    return stars.to(device) if size < free / 2 else stars
