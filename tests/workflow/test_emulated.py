"""The workflow with engine `emulator`: no compiler, no line lists, but for the check that the report shows."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "synthesize"))
from emulator_toys import WAVELENGTH, fitted, flux_of

from halochem.files import STAR_LABELS, read_catalog

VALUES = {
    "seeds": [7],
    "sample": {"n_stars": 30},
    "spectrum": {"wavelength": [5000.0, 5112.0]},
    "synthesis": {"engine": "emulator", "emulator_dir": "mine", "chunk_size": 16},
    "train": {"regions": "regions.yaml"},
}
REGIONS = "iron: [[5000, 5030]]\ncarbon: [[5040, 5070]]\nalpha: [[5080, 5110]]\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small emulator."""
    folder = tmp_path_factory.mktemp("emulator")
    fitted(folder, n=120)
    return folder


@pytest.fixture
def emulated(project, folder):
    """The project with an emulator of its own."""
    shutil.copytree(folder, project.folder / "mine")
    (project.folder / "regions.yaml").write_text(REGIONS, encoding="utf-8")
    project.write_config(VALUES)
    return project


def test_a_catalog_needs_nothing_compiled(emulated):
    jobs = emulated.planned("--configfile", "test.yaml", "results/catalogs/halo-7.h5")
    assert jobs == {"sample": 1, "synthesize": 2, "observe": 1}


@pytest.mark.slow
def test_a_catalog_is_made(emulated):
    run = emulated.snakemake("--cores", "1", "--configfile", "test.yaml", "results/catalogs/halo-7.h5")
    assert run.returncode == 0, run.stdout
    catalog = read_catalog(emulated.folder / "results/catalogs/halo-7.h5")
    assert np.array_equal(catalog.wavelength, WAVELENGTH)
    off = catalog.flux_clean - flux_of(catalog.labels[list(STAR_LABELS)].to_numpy(float))
    assert np.median(np.sqrt((off**2).mean(axis=1))) < 0.01
    noise = (catalog.flux - catalog.flux_clean) / catalog.sigma
    assert abs(noise.std() - 1.0) < 0.05
    with h5py.File(catalog.path) as file:
        assert file.attrs["engine"] == "emulator of toy 1"
        assert len(file.attrs["emulator_sha256"]) == 64


def test_the_check_runs_before_the_report_and_can_be_left_out(emulated):
    jobs = emulated.planned("--configfile", "test.yaml", "results/report.html")
    assert jobs["check_emulator"] == jobs["prepare_engine"] == 1
    emulated.write_config({**VALUES, "synthesis": {**VALUES["synthesis"], "check_stars": 0}})
    jobs = emulated.planned("--configfile", "test.yaml", "results/report.html")
    assert "check_emulator" not in jobs
    assert "prepare_engine" not in jobs


def test_what_the_emulator_cannot_do_is_refused_before_the_first_job(emulated):
    emulated.write_config({**VALUES, "spectrum": {"wavelength": [5000.0, 5400.0]}})
    run = emulated.snakemake("--dry-run", "--configfile", "test.yaml", "results/catalogs/halo-7.h5")
    assert run.returncode != 0
    assert "spectrum.wavelength: [5000.0, 5400.0]: the emulator mine was fitted to [5000.0, 5112.0]" in run.stdout
