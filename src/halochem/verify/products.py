"""Which files in results/ are products, what each is, and which others it was made from.

Paths are relative to results/, with forward slashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MANIFEST = "MANIFEST.json"

# Of a run, not of what it made; the settings are in the manifest itself.
NOT_PRODUCTS = re.compile(
    r"(logs|benchmarks)/|(.*/)?\.|models/[^/]+/checkpoint|config\.yaml$|provenance\.(html|zip)$|" + re.escape(MANIFEST)
)

# First match counts.
KINDS = {
    "labels": r"labels/halo-(?P<seed>\d+)\.parquet",
    "labels summary": r"labels/halo-(?P<seed>\d+)\.json",
    "labels figure": r"figures/density-(?P<seed>\d+)\.\w+",
    "spectra": r"spectra/halo-(?P<seed>\d+)/chunk-\d+\.h5",
    "catalog": r"catalogs/halo-(?P<seed>\d+)\.h5",
    "model": r"models/halo-(?P<seed>\d+)/(weights\.safetensors|model\.json|history\.csv)",
    "table": r"tables/halo-(?P<seed>\d+)\.parquet",
    "evaluation": r"evaluation/halo-(?P<seed>\d+)\.json",
    "summary": r"evaluation/.*",
    "figure": r"figures/.*",
    "report": r".*\.html",
    "other": r".*",
}

# What each kind is made from: kinds of the same seed; of every seed for what is of none.
MADE_FROM = {
    "spectra": ("labels",),
    "catalog": ("labels", "spectra"),
    "model": ("catalog",),
    "table": ("catalog", "model"),
    "evaluation": ("catalog", "table"),
    "summary": ("evaluation",),
    "figure": ("catalog", "model", "table", "evaluation", "summary"),
    "report": ("catalog", "model", "table", "evaluation", "summary"),
}


@dataclass(frozen=True)
class Product:
    """One file of results/."""

    path: str
    kind: str  # of KINDS
    seed: int | None  # of its catalog; None for what is of all


def identify(path: str) -> Product | None:
    """What a file is by its path; None for what is no product."""
    if NOT_PRODUCTS.match(path):
        return None
    for kind, pattern in KINDS.items():
        match = re.fullmatch(pattern, path)
        if match:
            seed = match.groupdict().get("seed")
            return Product(path, kind, None if seed is None else int(seed))
    raise AssertionError(path)  # the last pattern takes all


def find(folder: Path) -> dict[str, Product]:
    """Every product in a folder of results, by path, in order."""
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    found = (identify(path) for path in sorted(paths))
    return {product.path: product for product in found if product is not None}


def made_from(product: Product, all_products: Iterable[Product]) -> list[str]:
    """The paths of the products that a product was made from."""
    kinds = MADE_FROM.get(product.kind, ())
    return [
        other.path
        for other in all_products
        if other.kind in kinds and (product.seed is None or other.seed == product.seed)
    ]
