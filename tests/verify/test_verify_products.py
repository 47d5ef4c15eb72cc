"""What each file of results/ is."""

from __future__ import annotations

import pytest

from halochem.verify import products


@pytest.mark.parametrize(
    ("path", "kind", "seed"),
    [
        ("labels/halo-42.parquet", "labels", 42),
        ("labels/halo-42.json", "labels summary", 42),
        ("figures/density-42.pdf", "labels figure", 42),
        ("spectra/halo-42/chunk-17.h5", "spectra", 42),
        ("catalogs/halo-42.h5", "catalog", 42),
        ("models/halo-42/weights.safetensors", "model", 42),
        ("models/halo-42/history.csv", "model", 42),
        ("tables/halo-42.parquet", "table", 42),
        ("evaluation/halo-42.json", "evaluation", 42),
        ("evaluation/summary.md", "summary", None),
        ("figures/latents.png", "figure", None),
        ("report.html", "report", None),
        ("notes.txt", "other", None),
    ],
)
def test_kinds(path, kind, seed):
    assert products.identify(path) == products.Product(path, kind, seed)


@pytest.mark.parametrize(
    "path",
    [
        "MANIFEST.json",
        "config.yaml",
        "logs/train/halo-1.log",
        "benchmarks/train/halo-1.tsv",
        "models/halo-1/checkpoint.safetensors",
        "tables/.halo-1.parquet.x1y2.part",
        ".hidden",
    ],
)
def test_what_is_no_product(path):
    assert products.identify(path) is None


def test_made_from_those_of_the_same_seed():
    paths = ["labels/halo-1.parquet", "spectra/halo-1/chunk-0.h5", "spectra/halo-2/chunk-0.h5", "catalogs/halo-1.h5"]
    paths += ["catalogs/halo-2.h5", "report.html"]
    found = {path: products.identify(path) for path in paths}
    assert products.made_from(found["catalogs/halo-1.h5"], found.values()) == paths[:2]
    assert products.made_from(found["labels/halo-1.parquet"], found.values()) == []
    assert products.made_from(found["report.html"], found.values()) == paths[3:5]
