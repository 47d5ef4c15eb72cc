"""The whole workflow on a handful of stars, Turbospectrum included, and its products read from outside."""

from __future__ import annotations

import json
import re

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from astropy.table import Table
from workflow_project import ROOT, Project

from halochem import cli

SETTINGS = {
    "seeds": [3],
    # A range of temperature and gravity where nothing fails, so that each split has its stars.
    "sample": {"n_stars": 6, "teff": [4800, 6000], "logg": [3.0, 4.8]},
    "spectrum": {"wavelength": [5100, 5400]},
    "synthesis": {"chunk_size": 4, "step": 0.1, "margin": 20},
    "train": {"encoder": "mlp", "epochs": 3, "batch_size": 2, "regions": "regions.yaml", "device": "cpu"},
    "encode": {"n_labelled": 4},
}
REGIONS = {"iron": [[5200, 5330]], "carbon": [[5120, 5160]], "alpha": [[5160, 5190]]}


def reuse_engine(project: Project) -> None:
    """Take what an earlier run here has downloaded and built (more than a minute's work); else it is made anew."""
    built = ROOT / "resources"
    folders = ["sources"]
    if (built / "turbospectrum" / "engine.json").is_file():
        folders += ["turbospectrum", "atmospheres", "linelists/prepared"]
    for name in folders:
        if (built / name).is_dir():
            (project.folder / "resources" / name).symlink_to(built / name)


@pytest.mark.slow
def test_from_labels_to_the_page(project):
    (project.folder / "regions.yaml").write_text(yaml.safe_dump(REGIONS), encoding="utf-8")
    reuse_engine(project)
    config = project.write_config(SETTINGS)
    run = ("--configfile", config, "--cores", "2", "--show-failed-logs")
    result = project.snakemake(*run, timeout=600)
    assert result.returncode == 0, result.stdout

    results = project.folder / "results"
    table = pd.read_parquet(results / "tables" / "halo-3.parquet")
    assert list(table["star_id"]) == [f"halo-3-{star:06d}" for star in range(6)]
    assert set(table["split"]) == {"train", "test"}
    assert len(Table.read(results / "tables" / "halo-3.parquet")) == 6

    with h5py.File(results / "catalogs" / "halo-3.h5") as catalog:
        assert catalog["flux"].shape == (6, len(catalog["wavelength"]))
        good = catalog["status"][:] != 2
        assert good.any()
        clean = catalog["flux_clean"][:][good]
        assert np.isfinite(clean).all()
        assert clean.min() < 0.95  # there are lines
        assert clean.max() < 1.02
    assert np.isfinite(table.loc[good, ["z_m", "z_c", "z_alpha"]].to_numpy()).all()

    assert json.loads((results / "evaluation" / "halo-3.json").read_text(encoding="utf-8"))
    assert len(pd.read_parquet(results / "evaluation" / "summary.parquet")) > 0
    assert (results / "evaluation" / "summary.md").stat().st_size > 0
    page = (results / "report.html").read_text(encoding="utf-8")
    assert "<img" in page
    assert not re.search(r"""(src|href)=["']https?://""", page), "the page fetches something from the network"

    manifest = json.loads((results / "MANIFEST.json").read_text(encoding="utf-8"))
    made = {path.relative_to(results).as_posix() for path in results.rglob("*.*") if path.is_file()}
    made = {path for path in made if not path.startswith(("logs/", "benchmarks/")) and path != "config.yaml"}
    assert set(manifest["products"]) == made - {"MANIFEST.json"}
    assert "regions.yaml" in manifest["inputs"]
    assert manifest["config"]["seeds"] == [3]
    assert cli.main(["verify", str(results)]) == 0

    assert project.planned("--configfile", config) == {}, "a finished run has something left to do"
