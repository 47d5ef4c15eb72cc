"""How good an emulator is: against direct spectra that it never saw, in flux and in the labels read from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from halochem.errors import UserError
from halochem.files import STAR_LABELS
from halochem.synthesize.emulator import model
from halochem.synthesize.emulator.features import matrix
from halochem.synthesize.emulator.store import Spectra

ABUNDANCES = ("feh", "c_fe", "alpha_fe")
TARGETS = {"rms_median": 0.002, "rms_95": 0.006, "label_median": 0.02}
# Steps of the derivatives [K, dex]: large against float32 noise of the networks, small against any curvature.
_STEPS = np.array([5.0, 0.02, 0.01, 0.01, 0.01])
_ITERATIONS = 40


@dataclass(frozen=True)
class Errors:
    """Emulator minus direct, for n test stars of p pixels."""

    wavelength: np.ndarray  # (p,) Å
    labels: pd.DataFrame  # n rows, files.STAR_LABELS
    residual: np.ndarray  # (n, p) flux
    fitted: np.ndarray  # (n, 5) labels read from the direct spectra with the emulator

    @property
    def rms(self) -> np.ndarray:
        """Of each star over its pixels, (n,)."""
        return np.sqrt((self.residual**2).mean(axis=1))

    @property
    def rms_of_pixels(self) -> np.ndarray:
        """Of each pixel over the stars, (p,)."""
        return np.sqrt((self.residual**2).mean(axis=0))

    @property
    def label_errors(self) -> pd.DataFrame:
        """Fitted minus true labels, n rows."""
        return pd.DataFrame(self.fitted - matrix(self.labels), columns=list(STAR_LABELS))


def measure(emulator: model.Emulator, spectra: Spectra) -> Errors:
    """Errors on the test stars. Raises UserError where there is none, or the emulator is of other spectra."""
    if not np.array_equal(emulator.wavelength, spectra.wavelength):
        raise UserError("the emulator and the test spectra are on different pixels; fit it to these spectra")
    test = spectra.subset(spectra.test & spectra.computed)
    if not len(test.status):
        raise UserError("no test star among the spectra; the design has one in every nine rows")
    residual = emulator.flux(matrix(test.labels)) - test.flux
    fitted = fit_labels(emulator, test.flux)
    return Errors(spectra.wavelength, test.labels[list(STAR_LABELS)], residual, fitted)


def fit_labels(emulator: model.Emulator, flux: np.ndarray, starts: int = 24) -> np.ndarray:
    """All five labels of spectra (n, p), each pixel weighted alike, by least squares: (n, 5), within the limits.

    In coefficients of the basis, where the sum of squares differs from that over the pixels by a constant. Levenberg-
    Marquardt from the best of `starts` squared points of a grid of spectra; nothing of the true labels is used.
    """
    target = model.project(flux - emulator.arrays["mean"], emulator.arrays["basis"])
    low, high = np.array([emulator.limits[name] for name in STAR_LABELS]).T
    labels = _nearest_of_grid(emulator, target, low, high, starts**2 * 8)
    found = _coefficients(emulator, labels)
    misfit = ((found - target) ** 2).sum(axis=1)
    damping = np.full(len(labels), 1e-3)
    for _ in range(_ITERATIONS):
        jacobian = _jacobian(emulator, labels, low, high)  # (n, k, 5)
        gradient = np.einsum("nkl,nk->nl", jacobian, target - found)
        normal = np.einsum("nkl,nkm->nlm", jacobian, jacobian)
        diagonal = np.einsum("nll->nl", normal)
        normal = normal + np.eye(5) * (damping[:, None] * diagonal + 1e-12)[:, None, :]
        tried = np.clip(labels + _STEPS * np.linalg.solve(normal, gradient[..., None])[..., 0], low, high)
        found_there = _coefficients(emulator, tried)
        misfit_there = ((found_there - target) ** 2).sum(axis=1)
        better = misfit_there < misfit
        labels[better], found[better], misfit[better] = tried[better], found_there[better], misfit_there[better]
        damping = np.clip(np.where(better, damping / 5.0, damping * 4.0), 1e-9, 1e6)
    return labels


def _nearest_of_grid(emulator: model.Emulator, target: np.ndarray, low, high, count: int) -> np.ndarray:
    from scipy.stats import qmc

    points = qmc.Sobol(len(low), scramble=False).random_base2((count - 1).bit_length())
    grid = low + (high - low) * points
    spectra = _coefficients(emulator, grid)
    distance = (spectra**2).sum(axis=1) - 2.0 * target @ spectra.T
    return grid[np.argmin(distance, axis=1)].copy()


def _coefficients(emulator: model.Emulator, labels: np.ndarray) -> np.ndarray:
    return emulator.coefficients(labels).astype(np.float64)


def _jacobian(emulator: model.Emulator, labels: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Derivatives of the coefficients per step of _STEPS, (n, k, 5): central, one-sided at the limits."""
    columns = []
    for index, step in enumerate(_STEPS):
        ends = []
        for sign in (-1.0, 1.0):
            moved = labels.copy()
            moved[:, index] = np.clip(moved[:, index] + sign * step, low[index], high[index])
            ends.append(moved)
        width = (ends[1][:, index] - ends[0][:, index]) / step
        columns.append((_coefficients(emulator, ends[1]) - _coefficients(emulator, ends[0])) / width[:, None])
    return np.stack(columns, axis=2)


def summary(errors: Errors, emulator: model.Emulator) -> dict:
    """errors.json: all numbers, with the size of the test set."""
    rms, off = errors.rms, errors.label_errors.abs()
    largest = np.abs(errors.residual).max(axis=1)
    regions = {
        "4000-5000": (4000, 5000),
        "5000-6500": (5000, 6500),
        "6500-8500": (6500, 8500),
        "8500-10400": (8500, 10400),
    }
    kinds = kinds_of(errors.labels)
    return {
        "test_stars": len(rms),
        "training_stars": emulator.document["stars"]["train"],
        "emulator_sha256": emulator.document.get("weights_sha256", ""),
        "targets": TARGETS,
        "rms": {"median": _round(np.median(rms)), "p95": _round(np.quantile(rms, 0.95)), "largest": _round(rms.max())},
        "largest_of_star": {"median": _round(np.median(largest)), "p95": _round(np.quantile(largest, 0.95))},
        "bias": _round(errors.residual.mean()),
        "rms_median_by_wavelength": {
            name: _round(np.median(np.sqrt((errors.residual[:, pixels] ** 2).mean(axis=1))))
            for name, (first, last) in regions.items()
            if (pixels := (errors.wavelength >= first) & (errors.wavelength < last)).any()
        },
        "by_kind": {
            name: {
                "stars": int(chosen.sum()),
                "rms_median": _round(np.median(rms[chosen])),
                "rms_p95": _round(np.quantile(rms[chosen], 0.95)),
                **{f"delta_{label}": _round(off.loc[chosen, label].median()) for label in ABUNDANCES},
            }
            for name, chosen in kinds.items()
            if chosen.any()
        },
        "label_error": {
            name: {"median": _round(off[name].median()), "p95": _round(off[name].quantile(0.95))}
            for name in STAR_LABELS
        },
    }


def kinds_of(labels: pd.DataFrame) -> dict[str, np.ndarray]:
    """Masks of the kinds of stars whose errors are given apart."""
    cool = labels["teff"].to_numpy() < 4500
    carbon = (labels["c_fe"] - labels["alpha_fe"]).to_numpy() > 0.26
    return {
        "teff below 4500, C/O below 1": cool & ~carbon,
        "teff below 4500, C/O above 1": cool & carbon,
        "teff above 4500, C/O below 1": ~cool & ~carbon,
        "teff above 4500, C/O above 1": ~cool & carbon,
    }


def _round(value: float) -> float:
    return float(f"{value:.3g}")
