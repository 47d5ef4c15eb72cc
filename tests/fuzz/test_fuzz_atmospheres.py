"""Hostile MARCS models, iSpec's tables of them, and the index beside a folder of them."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hostile import cases, mutated, survives
from hypothesis import given
from hypothesis import strategies as st

from halochem.synthesize.atmospheres import marcs_file
from halochem.synthesize.atmospheres.marcs import Marcs
from halochem.synthesize.atmospheres.structure import BadStructure, Structure

sys.path.append(str(Path(__file__).parents[1] / "synthesize"))
import marcs_writer

LABELS = (5000.0, 4.0, 0.0, 0.0)


def structure() -> Structure:
    """A grey atmosphere, 5000 K."""
    tau = 10 ** np.linspace(-6, 3, 80)
    temperature = 5000 * (0.75 * (tau + 2 / 3)) ** 0.25
    mass = tau**0.7
    return Structure(mass, temperature, 1e4 * mass, 1e12 * mass, np.gradient(tau, mass))


@pytest.fixture(scope="module")
def grid(folder) -> Path:
    """A folder of one model."""
    grid = folder / "marcs"
    grid.mkdir()
    marcs_writer.write(grid, LABELS, structure())
    Marcs(grid)
    return grid


@pytest.fixture(scope="module")
def model(grid) -> Path:
    return next(grid.glob("*.mod"))


def use(path: Path) -> None:
    """Header, then layers, then a structure in Turbospectrum's form, as a run has it."""
    marcs_file.read_header(marcs_file.rows_of(path), path)
    found = marcs_file.read_mod(path)
    assert (np.diff(found.log_tau) > 0).all()


@cases(0.13)
@given(data=st.data())
def test_mutated_model(folder, model, data):
    path = folder / data.draw(st.sampled_from([model.name, "sun.mod", "sun.mod.gz", "p1.2.3_g+.._m._t01.mod"]))
    survives(path, data.draw(mutated(model.read_bytes(), text=True)), use)


@cases(0.03)
@given(data=st.data())
def test_hostile_index(grid, data):
    """The index came with the folder; whatever is in it, the models are found."""
    index = grid / ".halochem-index.json"
    if not index.is_file():
        Marcs(grid)
    valid = index.read_bytes()

    def read(_: Path) -> None:
        with suppress(BadStructure):
            Marcs(grid)(*LABELS).check()

    try:
        survives(index, data.draw(mutated(valid, text=True)), read)
    finally:
        index.write_bytes(valid)


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> bytes:
    """One of iSpec's tables."""
    path = tmp_path_factory.mktemp("fits") / "0.fits"
    tau = np.linspace(-5, 2, 56)
    columns = {
        name: 10.0 ** (tau / 2) for name in ("rhox", "temperature", "pgas", "abross", "depth", "pelectron", "radius")
    }
    fits.BinTableHDU.from_columns(
        [fits.Column(name=name, format="D", array=values) for name, values in (columns | {"logtau5": tau}).items()]
    ).writeto(path)
    return path.read_bytes()


@cases(0.04)
@given(data=st.data())
def test_mutated_ispec_table(folder, table, data):
    path = folder / data.draw(st.sampled_from(["0.fits", "0.fits.gz"]))
    survives(path, data.draw(mutated(table, text=data.draw(st.booleans()))), marcs_file.read_ispec)


def test_whole_ones_are_read(model, table, tmp_path):
    use(model)
    (tmp_path / "0.fits").write_bytes(table)
    assert len(marcs_file.read_ispec(tmp_path / "0.fits").log_tau) == 56
