"""Which words behind Snakemake's --configfile are files of settings, and which are targets."""

from __future__ import annotations

from pathlib import Path

import pytest

from halochem.snakemake_targets import divide


@pytest.mark.parametrize(
    ("words", "n_settings"),
    [
        ("", 0),
        ("a.yaml", 1),
        ("settings", 1),  # the first one is, whatever its name
        ("a.yaml b.yml c.json", 3),
        ("a.yaml results/tables/halo-42.parquet", 1),
        ("a.yaml b.yaml results/tables/halo-1.parquet results/tables/halo-2.parquet", 2),
        ("a.yaml results/MANIFEST.json", 1),
        ("results/config.yaml results/evaluation/halo-1.json", 1),
        ("a.yaml all", 1),
        ("a.yaml all b.yaml", 1),
    ],
)
def test_words_are_divided(words, n_settings):
    words = words.split()
    settings, targets = divide(map(Path, words))
    assert settings == [Path(word) for word in words[:n_settings]]
    assert targets == words[n_settings:]
