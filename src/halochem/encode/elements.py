"""Elements beyond the published three: their latents, and abundances where the catalog has labels for them.

The table's classes, flags and published columns rest on iron, carbon and alpha; whatever else train.elements names is
added to them. n stars.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from halochem import seeds
from halochem.config import Element, Encode
from halochem.encode import calibration
from halochem.encode.calibration import PARTNER, Relation
from halochem.encode.latents import Latents
from halochem.errors import UserError
from halochem.files import Catalog

log = logging.getLogger("halochem")


def check(elements: Sequence[Element], folder: object) -> None:
    """Refuse a model without the published three, by latent and label, of which the table is made."""
    given = {element.latent: element.label for element in elements}
    for latent, label in PARTNER.items():
        if given.get(latent) != label:
            raise UserError(
                f"{folder}: the table needs latent {latent} with label {label}, and the model has "
                f"{', '.join(f'{name} with {given[name]}' for name in given)} (train.elements)"
            )


def further(elements: Sequence[Element]) -> list[Element]:
    """Those that are not of the published three."""
    return [element for element in elements if element.latent not in PARTNER]


def measured(elements: Sequence[Element], found: Latents, widths: np.ndarray) -> dict[str, np.ndarray]:
    """z, its sigma and its width (`widths`, (n, number of latents)) of each element, and correlations: by column."""
    columns = {}
    for k, element in enumerate(elements):
        columns[element.latent], columns[f"{element.latent}_sigma"] = found.z[:, k], found.sigma[:, k]
        columns[f"{element.latent}_width"] = widths[:, k]
    # In the columns' names the published three come first, in their own order.
    order = [element.latent for element in elements]
    order.sort(key=lambda name: list(PARTNER).index(name) if name in PARTNER else len(PARTNER))
    place = {element.latent: k for k, element in enumerate(elements)}
    for one, other in combinations(order, 2):
        name = f"rho_{one.removeprefix('z_')}_{other.removeprefix('z_')}"
        columns[name] = found.correlation(place[one], place[other])
    return columns


def relations(
    frame: pd.DataFrame, catalog: Catalog, train_rows: np.ndarray, elements: Sequence[Element], encode: Encode
) -> dict[str, Relation]:
    """The relation of each further latent to its label, from labelled stars as for the others; none without a label."""
    teff = frame["teff"].to_numpy(float)
    of_teff = (float(teff[train_rows].mean()), float(teff[train_rows].std()) or 1.0)
    found = {}
    for element in further(elements):
        if element.label is None:
            continue
        rows = _labelled(catalog, train_rows, element.label, encode.n_labelled)
        z, width = (frame[name].to_numpy(float)[rows] for name in (element.latent, f"{element.latent}_width"))
        if len(rows) < 2 or not np.ptp(z) > 0:
            log.warning(
                "encode: %s: %d training stars with known %s, or %s the same in all: the column %s stays empty",
                *(catalog.path, len(rows), element.label, element.latent, element.label),
            )
            continue
        known = catalog.labels[element.label].to_numpy(float)[rows]
        found[element.latent] = calibration.fit_one(z, width, teff[rows], known, of_teff, encode.calibration)
    return found


def _labelled(catalog: Catalog, candidates: np.ndarray, label: str, count: int) -> np.ndarray:
    if label not in catalog.labels:
        return np.empty(0, np.int64)
    rows = candidates[np.isfinite(catalog.labels[label].to_numpy(float)[candidates])]
    draws = seeds.uniform_table(catalog.seed, "labelled", rows, 1)[:, 0]
    return np.sort(rows[np.argsort(draws, kind="stable")[:count]])


def abundances(frame: pd.DataFrame, catalog: Catalog, elements: Sequence[Element], scale: dict[str, Relation]) -> dict:
    """Abundance, sigma and true value [dex] of each further element that has a label, (n,) each: by column."""
    columns: dict[str, Any] = {}
    for element in further(elements):
        if element.label is None:
            continue
        z, width, teff = (frame[name].to_numpy(float) for name in (element.latent, f"{element.latent}_width", "teff"))
        relation, name = scale.get(element.latent), element.label
        columns[name] = np.nan if relation is None else relation.abundance(z)
        columns[f"{name}_sigma"] = np.nan if relation is None else relation.sigma(z, width, teff)
        columns[f"{name}_true"] = catalog.labels[name].to_numpy(float) if name in catalog.labels else np.nan
    return columns


def as_json(elements: Sequence[Element]) -> str:
    """For a table's footer."""
    return json.dumps([element.model_dump(mode="json") for element in elements])


def from_json(text: str) -> list[Element]:
    """The inverse of `as_json`."""
    return [Element.model_validate(values) for values in json.loads(text)]
