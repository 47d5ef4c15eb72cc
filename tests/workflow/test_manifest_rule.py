"""The rule that ends a run, on the results of a toy run: the manifest, and no manifest of what does not agree."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from workflow_project import Project

from halochem import cli

RULE = ("--allowed-rules", "manifest", "--cores", "1", "--configfile", "test.yaml", "results/MANIFEST.json")


@pytest.fixture
def finished(project: Project, toy_results: Path) -> Project:
    """A project with everything made but the manifest."""
    shutil.copytree(toy_results / "results", project.folder / "results")
    (project.folder / "results/report.html").write_text("<!doctype html><title>page</title>", encoding="utf-8")
    project.write_config({"seeds": [1]})
    return project


def test_manifest_of_a_run(finished):
    result = finished.snakemake(*RULE)
    assert result.returncode == 0, result.stdout
    results = finished.folder / "results"
    manifest = json.loads((results / "MANIFEST.json").read_text(encoding="utf-8"))
    assert manifest["config"]["seeds"] == [1]
    assert {"config/regions.yaml", "resources/linelists/manifest.yaml"} <= set(manifest["inputs"])
    assert {"report.html", "tables/halo-1.parquet"} <= set(manifest["products"])
    assert cli.main(["verify", str(results)]) == 0


def test_no_manifest_of_what_does_not_agree(finished):
    path = finished.folder / "results/labels/halo-1.parquet"
    labels = pd.read_parquet(path)
    labels.loc[3, "feh"] += 0.1
    labels.to_parquet(path)
    result = finished.snakemake(*RULE)
    assert result.returncode != 0
    assert "catalogs/halo-1.h5: /labels/feh, row 3 (halo-1-000003)" in result.stdout
    assert not (finished.folder / "results/MANIFEST.json").exists()
