"""MANIFEST.json: what it says, and that it says it of the files that are there."""

from __future__ import annotations

import hashlib
import json

import pytest

from halochem import config, files, provenance
from halochem.errors import UserError
from halochem.verify import manifest


@pytest.fixture
def document(whole_results) -> dict:
    return json.loads((whole_results / "results/MANIFEST.json").read_text(encoding="utf-8"))


def test_every_product_with_size_and_sha256(document, whole_results):
    there = {p.relative_to(whole_results / "results").as_posix() for p in (whole_results / "results").rglob("*.*")}
    assert set(document["products"]) == there - {"MANIFEST.json", "logs/x.log"}
    for path, entry in document["products"].items():
        data = (whole_results / "results" / path).read_bytes()
        assert (entry["size"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_configuration_versions_and_inputs(document, whole_results):
    settings = config.load(whole_results / "c.yaml")
    assert document["config_hash"] == provenance.config_hash(settings)
    assert config.validate(document["config"], "manifest") == settings
    assert {"halochem", "python", "numpy", "torch", "pyarrow", "h5py"} <= set(document["versions"])
    regions = settings.train.regions
    expected = {"size": regions.stat().st_size, "sha256": files.sha256(regions)}
    # As c.yaml names it; the rest is the engine's, of this checkout, where there is one.
    assert document["inputs"].pop(regions.as_posix()) == expected
    assert all(path.startswith("resources/") for path in document["inputs"])


def test_what_each_was_made_with_and_from(document):
    table = document["products"]["tables/halo-1.parquet"]
    weights = document["products"]["models/halo-1/weights.safetensors"]
    assert table["made_with"]["model_weights_sha256"] == weights["sha256"]
    assert table["made_with"]["seed"] == "1"
    assert len(table["made_with"]["config_hash"]) == 16
    assert set(table["made_from"]) == {"catalogs/halo-1.h5"} | {
        f"models/halo-1/{name}" for name in ("weights.safetensors", "model.json", "history.csv")
    }
    assert document["products"]["catalogs/halo-1.h5"]["made_with"]["engine"] == "toy"
    assert document["products"]["labels/halo-1.parquet"]["made_with"] == {"seed": "1"}


def test_same_results_same_manifest(whole_results, document):
    settings = config.load(whole_results / "c.yaml")
    again = manifest.build(whole_results / "results", settings, manifest.inputs_of(settings))
    assert manifest.text(again) == (whole_results / "results/MANIFEST.json").read_text(encoding="utf-8")


def test_no_byte_of_the_manifest_can_change_unseen(results):
    path = results / "MANIFEST.json"
    data = path.read_bytes()
    for place in range(0, len(data), 97):
        damaged = bytearray(data)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"MANIFEST\.json: damaged"):
            manifest.read(results)
    path.write_bytes(data)
    assert manifest.read(results)["schema_version"] == 1


def test_other_schema_version(results, document):
    (results / "MANIFEST.json").write_text(manifest.text(document | {"schema_version": 2}), encoding="utf-8")
    with pytest.raises(UserError, match="schema version 2, expected 1"):
        manifest.read(results)


def test_inputs_of_a_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("config/regions.yaml", "p.csv", "lines.vald", "resources/turbospectrum/engine.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    values = {"sample": {"p_table": "p.csv", "q_table": "nosuch.csv"}, "synthesis": {"line_list": "lines.vald"}}
    found = [path.as_posix() for path in manifest.inputs_of(config.validate(values, "test"))]
    assert found == ["p.csv", "lines.vald", "config/regions.yaml", "resources/turbospectrum/engine.json"]


def test_nothing_to_list(tmp_path):
    with pytest.raises(UserError, match="no product in it"):
        manifest.build(tmp_path, config.Config(), [])
