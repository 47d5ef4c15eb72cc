"""One catalog by two engines: the same stars, noise and jitter, fluxes apart by no more than stated."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from test_pipeline import reuse_engine
from workflow_project import ROOT, Project, copy_project

from halochem.files import read_catalog

CATALOG = "results/catalogs/halo-7.h5"
ERRORS = json.loads((ROOT / "resources" / "emulator" / "errors.json").read_text(encoding="utf-8"))


def make(project: Project, engine: str, n_stars: int) -> Path:
    """Catalog 7 by an engine, moved aside so that the next engine's can be made."""
    settings = {"seeds": [7], "sample": {"n_stars": n_stars}, "synthesis": {"engine": engine, "chunk_size": 2}}
    config = project.write_config(settings)
    # Typed as in the documentation, the target after the configuration file.
    result = project.snakemake("--cores", "2", "--configfile", config, CATALOG, timeout=900)
    assert result.returncode == 0, result.stdout
    kept = project.folder / f"{engine}.h5"
    (project.folder / CATALOG).replace(kept)
    return kept


@pytest.fixture(scope="module")
def catalogs(tmp_path_factory):
    """Paths of catalog 7 by engine, from one folder."""
    project = copy_project(tmp_path_factory.mktemp("engines") / "project")
    reuse_engine(project)
    return {engine: make(project, engine, 4) for engine in ("turbospectrum", "emulator")}


@pytest.mark.slow
def test_all_but_the_flux_is_the_same(catalogs):
    direct, emulated = (read_catalog(path) for path in catalogs.values())
    assert direct.labels.equals(emulated.labels)
    assert np.array_equal(direct.wavelength, emulated.wavelength)
    noise = [(catalog.flux - catalog.flux_clean) / catalog.sigma for catalog in (direct, emulated)]
    assert np.abs(noise[0] - noise[1]).max() < 2e-3  # single precision of a flux near 1 at S/N 50


@pytest.mark.slow
def test_fluxes_differ_by_no_more_than_stated(catalogs):
    direct, emulated = (read_catalog(path).flux_clean for path in catalogs.values())
    rms = np.sqrt(((emulated - direct) ** 2).mean(axis=1))
    assert rms.max() <= ERRORS["rms"]["largest"]
    assert np.median(rms) <= ERRORS["rms"]["p95"]


@pytest.mark.slow
def test_provenance_says_what_made_them(catalogs):
    found = {}
    for engine, path in catalogs.items():
        with h5py.File(path) as file:
            found[engine] = {name: str(value) for name, value in file.attrs.items()}
    direct, emulated = found["turbospectrum"], found["emulator"]
    assert direct["engine"].startswith("turbospectrum ")
    assert emulated["engine"] == f"emulator of {direct['engine']}"
    for key in ("atmospheres", "line_list_hash", "solar_composition", "microturbulence"):
        assert emulated[key] == direct[key], key
