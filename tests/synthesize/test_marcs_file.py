"""MARCS files: the three real ones, with values read off them by eye, and damaged ones."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from marcs_writer import LOG_TAU, write

from halochem.errors import UserError
from halochem.synthesize.atmospheres import marcs_file
from halochem.synthesize.atmospheres.c3k import C3K
from halochem.synthesize.atmospheres.marcs_file import Header, Model, read_mod
from halochem.synthesize.atmospheres.structure import Structure

REFERENCE = Path(os.environ.get("HALOCHEM_REFERENCE_DATA") or Path(__file__).parents[3] / "shared" / "data") / "marcs"
GIANT = "s5000_g+3.0_m1.0_t02_st_z+0.00_a+0.00_c+0.00_n+0.00_o+0.00_r+0.00_s+0.00.mod"
SUPERGIANT = "s6000_g+1.0_m0.5_t05_st_z+0.00_a+0.00_c+0.00_n+0.00_o+0.00_r+0.00_s+0.00.mod"
real = pytest.mark.skipif(not REFERENCE.is_dir(), reason=f"no {REFERENCE} (set $HALOCHEM_REFERENCE_DATA)")


def read(path: Path) -> Model:
    """Header, then layers, as a grid does."""
    header_of(path)
    return read_mod(path)


def header_of(path: Path) -> Header:
    return marcs_file.read_header(marcs_file.rows_of(path), path)


@real
def test_headers_of_the_real_models():
    assert header_of(REFERENCE / "sun.mod") == Header(5777, 4.44, 0, 0, 0, 1.0, 0.0, False)
    assert header_of(REFERENCE / GIANT) == Header(5000, 3.0, 0, 0, 0, 2.0, 1.0, True)
    assert header_of(REFERENCE / SUPERGIANT) == Header(6000, 1.0, 0, 0, 0, 5.0, 0.5, True)


@real
def test_layers_of_the_real_sun():
    """First, 50th and last row of both tables, as printed in the file."""
    sun = read_mod(REFERENCE / "sun.mod")
    assert len(sun.temperature) == 56
    assert sun.radius == 1.0
    assert np.allclose(sun.log_tau, LOG_TAU)
    rows = [0, 49, 55]
    assert sun.log_tau5[rows].tolist() == [-4.9174, 0.7390, 1.7707]
    assert sun.depth[rows].tolist() == [-6.931e7, 5.478e6, 1.234e7]
    assert sun.temperature[rows].tolist() == [4066.8, 8462.6, 9934.3]
    assert sun.electron_pressure[rows].tolist() == [2.1166e-2, 1.6307e3, 8.8917e3]
    assert sun.gas_pressure[rows].tolist() == [2.6699e2, 1.6288e5, 2.1892e5]
    assert sun.rosseland[[0, 17]].tolist() == [1.8399e-3, 3.1528e-2]
    assert sun.column_mass[[0, 17]].tolist() == [9.747804e-3, 3.003838e-1]


@real
def test_real_spherical_model_has_its_radius():
    giant = read_mod(REFERENCE / GIANT)
    assert giant.radius == 3.6526e11
    # R = sqrt(G M / g) for the mass and the gravity of its name.
    assert giant.radius == pytest.approx(np.sqrt(6.674e-8 * 1.989e33 / 1e3), rel=0.01)
    assert giant.temperature[:2].tolist() == [3386.1, 3436.6]
    assert giant.depth[0] == -1.690e9


@real
@pytest.mark.parametrize("name", ["sun.mod", GIANT])
def test_real_models_agree_with_themselves(name):
    """Rosseland optical depth is the integral of opacity over column mass; the weight carries the pressure."""
    path = REFERENCE / name
    model, gravity = read_mod(path), 10 ** header_of(path).logg
    between = 0.5 * np.diff(model.column_mass) * (model.rosseland[1:] + model.rosseland[:-1])
    assert np.diff(10**model.log_tau) == pytest.approx(between, rel=0.06)
    assert model.gas_pressure / (gravity * model.column_mass) == pytest.approx(1.0, abs=0.05)


# --- written from c3k -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def structure(installation) -> Structure:
    return C3K(installation.c3k)(5000, 4.0, -1.0, 0.4)


LABELS = (5000.0, 4.0, -1.0, 0.4)


def test_labels_and_layers_come_back(structure, tmp_path):
    path = write(tmp_path, LABELS, structure)
    assert path.name.startswith("p5000_g+4.0_m0.0_t02_st_z-1.00_a+0.40_")
    assert header_of(path).labels == LABELS
    model = read_mod(path)
    expected = np.exp(np.interp(LOG_TAU, structure.log_tau, np.log(structure.column_mass)))
    assert model.column_mass == pytest.approx(expected, rel=1e-6)


def test_gzipped_file(structure, tmp_path):
    path = write(tmp_path, LABELS, structure)
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert header_of(packed) == header_of(path)
    assert read_mod(packed).temperature.tolist() == read_mod(path).temperature.tolist()


def test_carbon_is_relative_to_iron(structure, tmp_path):
    assert header_of(write(tmp_path, LABELS, structure)).c_fe == 0.0
    assert header_of(write(tmp_path, LABELS, structure, carbon=-0.38)).c_fe == -0.38


# --- bad files ------------------------------------------------------------------------------------------


def refused(path: Path) -> str:
    """The one line that a bad file is refused with, by its header or by its layers."""
    with pytest.raises(UserError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("keep", [26, 60, 82, 100, 138])
def test_truncated_model(structure, tmp_path, keep):
    path = write(tmp_path, LABELS, structure)
    rows = path.read_text().splitlines(keepends=True)
    assert len(rows) == 25 + 56 + 1 + 56
    path.write_text("".join(rows[:keep])[:-15])
    assert "truncated" in refused(path)


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\x89HDF\r\n\x1a\n\xff", b"teff logg\n5000 4.0\n" * 50])
def test_what_is_no_model(tmp_path, content):
    path = tmp_path / "x.mod"
    path.write_bytes(content)
    assert "no MARCS model" in refused(path)


def test_damaged_gzip(structure, tmp_path):
    path = write(tmp_path, LABELS, structure)
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes())[:-200])
    assert "damaged" in refused(packed)


@pytest.mark.parametrize(
    ("old", "new"),
    [("-1.00 +0.40 Metallicity", "-1.00 xx Metallicity"), ("5000.", "-5.0"), ("1.0000E+04 Surf", "0.0 Surf")],
)
def test_bad_header(structure, tmp_path, old, new):
    path = write(tmp_path, LABELS, structure)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    refused(path)


@pytest.mark.parametrize("word", ["*******", "nan", "1.0 2.0"])
def test_row_that_is_no_row_is_named(structure, tmp_path, word):
    path = write(tmp_path, LABELS, structure)
    rows = path.read_text().splitlines()
    fields = rows[40].split()
    rows[40] = " ".join([*fields[:4], word, *fields[5:]])
    path.write_text("\n".join(rows))
    assert "row 41: expected 9 numbers" in refused(path)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("p5000", "s5000", "geometry"),
        ("p5000", "p5250", "Teff"),
        ("g+4.0", "g+4.5", "log g"),
        ("z-1.00", "z-1.50", "[Fe/H]"),
        ("a+0.40", "a+0.00", "[alpha/Fe]"),
        ("t02", "t01", "microturbulence"),
    ],
)
def test_name_and_header_must_agree(structure, tmp_path, old, new, what):
    path = write(tmp_path, LABELS, structure)
    wrong = path.with_name(path.name.replace(old, new, 1))
    shutil.move(path, wrong)
    assert f"{what} " in refused(wrong)


def test_other_names_are_fine(structure, tmp_path):
    assert header_of(write(tmp_path, LABELS, structure, name="mine.mod")).labels == LABELS
