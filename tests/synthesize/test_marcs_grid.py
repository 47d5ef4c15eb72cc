"""Folders of models: what is found in them, which of several is taken, what is kept beside them."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from marcs_writer import on_marcs_depths, write

from halochem.errors import UserError
from halochem.synthesize.atmospheres import marcs_file
from halochem.synthesize.atmospheres.c3k import C3K
from halochem.synthesize.atmospheres.marcs_grid import INDEX, Grid

LABELS = (5000.0, 4.0, -1.0, 0.4)


@pytest.fixture(scope="module")
def structure(installation):
    return C3K(installation.c3k)(*LABELS)


def test_folder_in_folders(structure, tmp_path):
    (tmp_path / "z-1.00").mkdir()
    write(tmp_path, (5250.0, 4.0, -1.0, 0.4), structure)
    write(tmp_path / "z-1.00", LABELS, structure)
    grid = Grid(tmp_path)
    assert grid.labels == {LABELS, (5250.0, 4.0, -1.0, 0.4)}
    assert grid.description.endswith("2 of 2 models, teff 5000 to 5250, logg 4 to 4, feh -1 to -1, alpha_fe 0.4 to 0.4")
    assert grid.model(LABELS).temperature.shape == (56,)


def test_second_time_no_model_is_opened(structure, tmp_path, monkeypatch):
    write(tmp_path, LABELS, structure)
    first = Grid(tmp_path)
    monkeypatch.setattr(marcs_file, "read_header", lambda *_: pytest.fail("read again"))
    again = Grid(tmp_path)
    assert (again.labels, again.sha256) == (first.labels, first.sha256)


def test_changed_file_is_read_anew(structure, tmp_path):
    path = write(tmp_path, LABELS, structure, name="mine.mod")
    before = Grid(tmp_path).sha256
    path.write_text(path.read_text().replace("5000.", "5100."))
    os.utime(path, ns=(1, 1))
    after = Grid(tmp_path)
    assert after.labels == {(5100.0, 4.0, -1.0, 0.4)}
    assert after.sha256 != before


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 0, "files": {"a": 1}}'])
def test_damaged_index_is_made_anew(structure, tmp_path, content):
    write(tmp_path, LABELS, structure)
    (tmp_path / INDEX).write_text(content)
    assert Grid(tmp_path).labels == {LABELS}
    assert json.loads((tmp_path / INDEX).read_text())["files"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_may_not_be_written(structure, tmp_path):
    write(tmp_path, LABELS, structure)
    tmp_path.chmod(0o555)
    assert Grid(tmp_path).labels == {LABELS}
    tmp_path.chmod(0o755)


def test_hash_is_of_the_models_not_of_their_folder(structure, tmp_path):
    hashes = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, LABELS, structure)
        hashes.append(Grid(tmp_path / name).sha256)
    assert hashes[0] == hashes[1]


# --- several models at one place ------------------------------------------------------------------------


@pytest.mark.parametrize(("logg", "spherical"), [(3.0, True), (3.5, False), (4.0, False)])
def test_geometry_by_gravity(structure, tmp_path, logg, spherical):
    labels = (5000.0, logg, -1.0, 0.4)
    write(tmp_path, labels, structure)
    write(tmp_path, labels, structure, mass=1.0)
    grid = Grid(tmp_path)
    assert grid.header(labels).spherical == spherical
    assert "1 of 2 models" in grid.description


def test_microturbulence_mass_and_carbon(structure, tmp_path):
    labels = (5000.0, 2.0, -1.0, 0.4)
    for mass, microturbulence in ((0.5, 2), (1.0, 5), (5.0, 2), (1.0, 2)):
        write(tmp_path, labels, structure, mass=mass, microturbulence=microturbulence)
    write(tmp_path, labels, structure, mass=1.0, carbon=-0.38, name="cn.mod")
    header = Grid(tmp_path).header(labels)
    assert (header.mass, header.microturbulence, header.c_fe) == (1.0, 2.0, 0.0)


def test_carbon_poor_model_where_there_is_no_other(structure, tmp_path):
    write(tmp_path, LABELS, structure, carbon=-0.38)
    assert Grid(tmp_path).header(LABELS).c_fe == -0.38


# --- bad folders ----------------------------------------------------------------------------------------


def refused(folder) -> str:
    with pytest.raises(UserError) as caught:
        Grid(folder)
    assert str(caught.value).startswith(str(folder))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_same_model_twice(structure, tmp_path):
    write(tmp_path, LABELS, structure, name="a.mod")
    write(tmp_path, LABELS, structure, name="b.mod")
    assert refused(tmp_path).endswith("b.mod: same labels, geometry and mass as a.mod; remove one of the two")


def test_empty_folder(tmp_path):
    (tmp_path / "readme.txt").write_text("no model")
    assert "no MARCS model in it" in refused(tmp_path)


def test_no_folder(tmp_path):
    assert "no such folder (synthesis.marcs_dir)" in refused(tmp_path / "nonesuch")


def test_file_that_is_no_model_is_named(structure, tmp_path):
    write(tmp_path, LABELS, structure)
    (tmp_path / "z.mod").write_text("hello\n")
    assert refused(tmp_path).startswith(f"{tmp_path / 'z.mod'}: no MARCS model")


# --- iSpec's form ---------------------------------------------------------------------------------------


def ispec_grid(folder, points, alpha="alpha", suffix=".fits.gz"):
    """A grid as iSpec's distribution has it: a table and one FITS file a model."""
    from astropy.table import Table

    (folder / "grid").mkdir()
    rows = [f"teff\tlogg\tMH\t{alpha}\tfilename"]
    for number, (labels, structure) in enumerate(points):
        columns = on_marcs_depths(structure)
        table = Table(
            {
                "rhox": columns["column_mass"],
                "temperature": columns["temperature"],
                "pgas": columns["gas_pressure"],
                "xne": columns["electron_density"],
                "abross": columns["rosseland"],
                "accrad": np.zeros(56),
                "vturb": np.zeros(56),
                "logtau5": np.linspace(-5, 2, 56),
                "depth": np.linspace(-1e8, 1e7, 56),
                "pelectron": columns["electron_density"] * 1.380649e-16 * columns["temperature"],
                "radius": np.ones(56),
                "mass": np.zeros(56),
                "vmic": np.full(56, 1.0),
            }
        )
        table.write(folder / "grid" / f"{number}{suffix}")
        rows.append("\t".join(f"{value:g}" for value in labels) + f"\tgrid/{number}{suffix}")
    (folder / "parameters.tsv").write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize(("alpha", "suffix"), [("alpha", ".fits.gz"), ("fixed_alpha", ".fits")])
def test_ispec_grid(structure, tmp_path, alpha, suffix):
    ispec_grid(tmp_path, [(LABELS, structure)], alpha, suffix)
    for _ in range(2):  # the second time from the index
        grid = Grid(tmp_path)
        assert grid.is_ispec
        assert grid.labels == {LABELS}
        model = grid.model(LABELS)
        assert model.radius == 1.0
        assert model.column_mass == pytest.approx(on_marcs_depths(structure)["column_mass"])
        assert model.electron_pressure[0] > 0


def test_ispec_grid_whose_names_begin_with_the_folder_itself(structure, tmp_path):
    ispec_grid(tmp_path, [(LABELS, structure)], suffix=".fits")
    path = tmp_path / "parameters.tsv"
    path.write_text(path.read_text().replace("grid/0.fits", "./grid/0.fits"))
    assert Grid(tmp_path).model(LABELS).column_mass == pytest.approx(on_marcs_depths(structure)["column_mass"])


def test_ispec_grid_without_alpha_is_of_standard_composition(structure, tmp_path):
    points = [((5000.0, 4.0, feh, 0.0), structure) for feh in (-2.0, -1.0, -0.5, 0.0, 0.5)]
    ispec_grid(tmp_path, points, "alpha")
    path = tmp_path / "parameters.tsv"
    rows = [row.split("\t") for row in path.read_text().splitlines()]
    path.write_text("\n".join("\t".join([*row[:3], row[4]]) for row in rows))
    assert sorted(label[2:] for label in Grid(tmp_path).labels) == [
        (-2.0, 0.4),
        (-1.0, 0.4),
        (-0.5, 0.2),
        (0.0, 0.0),
        (0.5, 0.0),
    ]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("teff", "t", "column teff is missing"),
        ("5000", "hot", "row 2: expected numbers"),
        ("5000", "nan", "row 2: expected numbers"),
        ("grid/0.fits", "grid/9.fits", "row 2: no file grid/9.fits"),
    ],
)
def test_bad_ispec_table(structure, tmp_path, old, new, what):
    ispec_grid(tmp_path, [(LABELS, structure)], suffix=".fits")
    path = tmp_path / "parameters.tsv"
    path.write_text(path.read_text().replace(old, new))
    assert what in refused(tmp_path)


@pytest.mark.parametrize("suffix", [".fits", ".fits.gz"])
def test_truncated_ispec_model(structure, tmp_path, suffix):
    ispec_grid(tmp_path, [(LABELS, structure)], suffix=suffix)
    path = tmp_path / "grid" / f"0{suffix}"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(UserError, match="not a readable FITS table") as caught:
        Grid(tmp_path).model(LABELS)
    assert "\n" not in str(caught.value)


def test_same_place_twice_in_an_ispec_table(structure, tmp_path):
    ispec_grid(tmp_path, [(LABELS, structure)] * 2, suffix=".fits")
    assert "same labels" in refused(tmp_path)
