"""The emulator in memory and on disk: labels -> features -> a few networks -> coefficients of a basis -> flux.

Plain NumPy: a job that emulates a chunk loads nothing heavy. weights.safetensors holds the arrays; model.json what
they are, the labels they answer for, and what made the spectra they were fitted to.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from halochem import files
from halochem.errors import UserError
from halochem.synthesize.emulator.features import LABEL_FEATURES, NAMES, features

FORMAT = 2
WEIGHTS, DOCUMENT = "weights.safetensors", "model.json"
FLUX_LIMITS = (0.0, 1.02)  # those of a direct spectrum, turbospectrum.check_flux
# Stars at a time. Always as many, the last block filled up: a matrix product may round a row differently in a product
# of another size, and a star's spectrum must not depend on how the catalog is cut up.
_BLOCK = 256
STRUCTURES = "c3k/"  # before the names of the arrays of the c3k network


@dataclass(frozen=True)
class Emulator:
    """A fitted emulator; p pixels, k coefficients, f features.

    arrays: feature_mean, feature_scale (f,); wavelength (p,); mean (p,); basis (k, p), rows orthonormal but for
    rounding; for each member m of the ensemble and layer l member{m}.weight{l} (in, out), member{m}.bias{l}; and
    c3k/..., the network that gives the structures (MIT licence, beside it), unless the features do without.
    """

    arrays: dict[str, np.ndarray]
    document: dict[str, Any]

    @property
    def limits(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest label that it answers for, by name."""
        return {name: tuple(pair) for name, pair in self.document["limits"].items()}

    @property
    def wavelength(self) -> np.ndarray:
        """Pixel centres, Å in air: float64, (p,)."""
        return self.arrays["wavelength"]

    @property
    def n_members(self) -> int:
        """Networks whose mean is the answer."""
        return int(self.document["members"])

    def coefficients(self, labels: np.ndarray, members: range | None = None) -> np.ndarray:
        """Coefficients of the basis, float32 (n, k), for labels (n, 5): the columns of files.STAR_LABELS."""
        members = range(self.n_members) if members is None else members
        return _in_blocks(lambda rows: self._mean(rows, members), labels, self.arrays["basis"].shape[0])

    def _mean(self, labels: np.ndarray, members: range) -> np.ndarray:
        scaled = (features(labels, self.structures) - self.arrays["feature_mean"]) / self.arrays["feature_scale"]
        return np.mean([self._member(m, scaled.astype(np.float32)) for m in members], axis=0)

    @cached_property
    def structures(self) -> dict[str, np.ndarray] | None:
        """The c3k network's arrays, by the names of `c3k.convert`; None where the features do without."""
        found = {name.removeprefix(STRUCTURES): a for name, a in self.arrays.items() if name.startswith(STRUCTURES)}
        return found or None

    def _member(self, member: int, x: np.ndarray) -> np.ndarray:
        layers = self.document["layers"]
        for layer in range(layers):
            x = x @ self.arrays[f"member{member}.weight{layer}"] + self.arrays[f"member{member}.bias{layer}"]
            if layer < layers - 1:
                x = _silu(x)
        return x

    def flux(self, labels: np.ndarray) -> np.ndarray:
        """Continuum-normalised flux, float32 (n, p), within FLUX_LIMITS, for labels (n, 5)."""
        basis = self.arrays["basis"]
        result = _in_blocks(lambda x: x @ basis, self.coefficients(labels), basis.shape[1])
        result += self.arrays["mean"]
        return np.clip(result, *FLUX_LIMITS, out=result)


def _in_blocks(function: Callable[[np.ndarray], np.ndarray], rows: np.ndarray, width: int) -> np.ndarray:
    """function of the rows, float32 (len(rows), width), by blocks of _BLOCK rows."""
    result = np.empty((len(rows), width), np.float32)
    for first in range(0, len(rows), _BLOCK):
        part = rows[first : first + _BLOCK]
        # The last row again, not zeros: no star has such labels.
        block = part[np.minimum(np.arange(_BLOCK), len(part) - 1)]
        result[first : first + _BLOCK] = function(block)[: len(part)]
    return result


def project(offset: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Coefficients (n, k) of the spectra in the span of `basis` (k, p) nearest to offset (n, p)."""
    return np.linalg.solve(basis @ basis.T, basis @ offset.T).T


def _silu(x: np.ndarray) -> np.ndarray:
    return x / (1.0 + np.exp(-np.clip(x, -60.0, None)))


def save(emulator: Emulator, folder: Path) -> None:
    """Write weights.safetensors (float16 for networks and basis) and model.json."""
    exact = {"wavelength", "feature_mean", "feature_scale", "mean"}
    arrays = {
        name: np.ascontiguousarray(
            values if name in exact or name.startswith(STRUCTURES) else values.astype(np.float16)
        )
        for name, values in emulator.arrays.items()
    }
    with files.atomic(folder / WEIGHTS) as temporary:
        save_file(arrays, temporary)
    names = NAMES if emulator.structures else LABEL_FEATURES
    document = {**emulator.document, "format": FORMAT, "features": list(names)}
    document["weights_sha256"] = files.sha256(folder / WEIGHTS)
    with files.atomic(folder / DOCUMENT) as temporary:
        temporary.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load(folder: Path) -> Emulator:
    """The emulator of a folder. Raises UserError where it is missing, damaged or of another version."""
    document = read_document(folder)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise UserError(f"{weights}: no such file; `halochem emulator fit` makes it")
    if files.sha256(weights) != document["weights_sha256"]:
        raise UserError(f"{weights}: not the weights that {DOCUMENT} beside it tells of; get or fit both anew")
    try:
        arrays = load_file(weights)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{weights}: damaged ({error}); get it anew") from None
    arrays = {name: a.astype(np.float32) if a.dtype == np.float16 else a for name, a in arrays.items()}
    return Emulator(arrays, document)


def read_document(folder: Path) -> dict[str, Any]:
    """model.json of a folder. Raises UserError where it is missing or of another version."""
    path = folder / DOCUMENT
    if not path.is_file():
        raise UserError(f"{path}: no such file; synthesis.emulator_dir must be the folder of a fitted emulator")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        known = document["format"] == FORMAT and document["features"] in (list(NAMES), list(LABEL_FEATURES))
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path}: not the description of an emulator; get it anew") from None
    if not known:
        raise UserError(f"{path}: of another version of halochem; fit it anew (`halochem emulator fit`)")
    return document
