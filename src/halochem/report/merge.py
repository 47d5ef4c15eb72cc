"""The explorer's parts of several catalogs put together: their quantities, and their packed spectra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from halochem.report.quantities import MISSING, Quantity
from halochem.report.spectra import Packed


def quantities(parts: list[list[Quantity]], catalogs: list[int]) -> list[Quantity]:
    """Those that every catalog has, one catalog's stars after the other's; of several also which catalog it is."""
    if len(parts) == 1:
        return parts[0]
    by_name = [{q.name: q for q in part} for part in parts]
    merged = []
    for quantity in parts[0]:
        same = [names.get(quantity.name) for names in by_name]
        known = [q for q in same if q is not None and bool(q.categories) == bool(quantity.categories)]
        if len(known) == len(parts):
            merged.append(_joined(known))
    names = tuple(f"halo-{seed}" for seed in catalogs)
    codes = np.repeat(np.arange(len(parts)), [len(part[0].values) for part in parts]).astype(np.uint8)
    which = Quantity("catalog", "catalog", "", "which catalog", "Flags and classes", codes, names, in_table=False)
    groups = [q.group for q in merged]
    place = groups.index(which.group) if which.group in groups else len(merged)
    return [*merged[:place], which, *merged[place:]]


def _joined(same: list[Quantity]) -> Quantity:
    categories = tuple(dict.fromkeys(name for q in same for name in q.categories))
    if not categories:
        return replace(same[0], values=np.concatenate([q.values for q in same]))
    parts = []
    for q in same:
        code = np.full(MISSING + 1, MISSING, np.uint8)  # of this catalog's categories, among all
        code[: len(q.categories)] = [categories.index(name) for name in q.categories]
        parts.append(code[q.values.astype(np.uint8)])
    return replace(same[0], values=np.concatenate(parts), categories=categories)


def spectra(parts: list[Packed]) -> Packed:
    """All stars' spectra, of the same pixels; of a clean base where every catalog has one."""
    names = ("base", "observed", "residual", "scale", "sigma")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return replace(parts[0], base_is_clean=all(part.base_is_clean for part in parts), **joined)
