"""Atmospheres `c3k`: the network of atmosnet 1.0.1, fitted to C3K/ATLAS12 models.

The package's pickle is read once, by an unpickler that admits nothing but NumPy arrays, into a plain .npz; its code
is not used (it takes exp of what are log10 values). Composition of the models: Asplund et al. 2009, alpha elements
O Ne Mg Si S Ar Ca Ti.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy._core.multiarray import _reconstruct

from halochem.errors import UserError
from halochem.files import atomic
from halochem.synthesize.atmospheres.structure import Structure

COLUMNS = ("column_mass", "temperature", "gas_pressure", "electron_density", "rosseland")
# Box of the models behind the network; its training set has log g 5.5 for Teff <= 4250 K only, 5.0 above.
TEFF, LOGG, FEH, ALPHA_FE = (2500.0, 8000.0), (-1.0, 5.5), (-4.0, 1.5), (-0.2, 0.6)
LOGG_MAX_HOT, TEFF_COOL = 5.0, 4250.0
MAX_DROPPED_LAYERS = 4


class _ArraysOnly(pickle.Unpickler):
    """Admits NumPy arrays and nothing else, in the spelling that dill gave them."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        if (module, name) == ("dill._dill", "_import_module"):
            return str  # the module's name stands for the module, and only `_attribute` ever sees it
        if (module, name) == ("dill._dill", "_get_attr"):
            return self._attribute
        raise pickle.UnpicklingError(f"{module}.{name} is not a NumPy array")

    @staticmethod
    def _attribute(module: str, name: str) -> Any:
        if module.startswith("numpy.") and name == "_reconstruct":
            return _reconstruct
        raise pickle.UnpicklingError(f"{module}.{name} is not a NumPy array")


def convert(weights: Path, out: Path) -> None:
    """Write the network of atmosnet's pickle as plain arrays (.npz), once.

    For each column c: w0, w1, w2, b0, b1, b2 (float32) and the label scaling x_min, x_max.
    """
    try:
        with open(weights, "rb") as file:
            networks = _ArraysOnly(file, encoding="latin1").load()
        arrays = _plain_arrays(networks)
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, LookupError) as error:
        raise UserError(f"{weights}: not the expected network ({error}); delete it and prepare again") from None
    with atomic(out) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)


def _plain_arrays(networks: Any) -> dict[str, np.ndarray]:
    arrays = {}
    for index, column in enumerate(COLUMNS):  # networks of further columns follow
        network = networks[index]
        for kind in "wb":
            for layer in range(3):
                arrays[f"{column}/{kind}{layer}"] = np.asarray(network[f"{kind}_array_{layer}"], np.float32)
        for limit in ("x_min", "x_max"):
            arrays[f"{column}/{limit}"] = np.asarray(network[limit], np.float64)
    return arrays


class C3K:
    """Structures at any labels inside the models' coverage; outside it, at its nearest edge."""

    name = "c3k"

    def __init__(self, path: Path) -> None:
        """Load the arrays that `convert` wrote. Raises UserError where they are missing."""
        if not path.is_file():
            raise UserError(f"{path}: the c3k network is missing; run `halochem synthesize --prepare`")
        with np.load(path, allow_pickle=False) as file:
            self.arrays = {name: file[name] for name in file.files}

    def __call__(self, teff: float, logg: float, feh: float, alpha_fe: float) -> Structure:
        """The structure for teff [K], logg [dex cgs], feh and alpha_fe [dex], 80 layers. It is not yet checked."""
        labels, note = nearest_covered(teff, logg, feh, alpha_fe)
        columns = {column: 10.0 ** evaluate(self.arrays, column, labels) for column in COLUMNS}
        # The columns are fitted one by one: in 1 of 80 stars the column mass falls back by up to 2 % at a layer or
        # two near 10 000 K, deeper than any light at these wavelengths comes from. Such layers are left out.
        mass = columns["column_mass"]
        rising = np.concatenate([[True], mass[1:] > np.maximum.accumulate(mass)[:-1]])
        if (~rising).sum() <= MAX_DROPPED_LAYERS:
            columns = {column: values[rising] for column, values in columns.items()}
        return Structure(**columns, out_of_grid=bool(note), note=note)


def evaluate(arrays: Mapping[str, np.ndarray], column: str, labels: np.ndarray) -> np.ndarray:
    """log10 of a column of the structures, (80,) or (n, 80), for covered teff, logg, feh, alpha_fe: (4,) or (n, 4).

    `arrays`: those that `convert` writes. In double precision, or in single where `labels` are.
    """
    kind = np.result_type(labels, np.float32)
    get = arrays.__getitem__
    low, high = get(f"{column}/x_min"), get(f"{column}/x_max")
    hidden = ((labels - low) / (high - low) - 0.5).astype(kind)
    for layer in range(2):
        hidden = hidden @ get(f"{column}/w{layer}").T.astype(kind) + get(f"{column}/b{layer}")
        hidden = np.where(hidden > 0, hidden, kind.type(0.01) * hidden)
    return hidden @ get(f"{column}/w2").T.astype(kind) + get(f"{column}/b2")


def nearest_covered(teff: float, logg: float, feh: float, alpha_fe: float) -> tuple[np.ndarray, str]:
    """The labels moved to the nearest edge of the coverage, and a note on what was moved ("" if nothing)."""
    logg_max = LOGG[1] if teff <= TEFF_COOL else LOGG_MAX_HOT
    asked = {"teff": teff, "logg": logg, "feh": feh, "alpha_fe": alpha_fe}
    limits = {"teff": TEFF, "logg": (LOGG[0], logg_max), "feh": FEH, "alpha_fe": ALPHA_FE}
    taken = {name: float(np.clip(value, *limits[name])) for name, value in asked.items()}
    note = ", ".join(f"{name} {taken[name]:g} for {asked[name]:g}" for name in asked if taken[name] != asked[name])
    return np.array(list(taken.values())), note
