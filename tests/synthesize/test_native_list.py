"""The binary form of a line list: the same numbers as the text, and headers that Turbospectrum can read."""

from __future__ import annotations

import numpy as np
import pytest

from halochem.errors import UserError
from halochem.synthesize.atmospheres.c3k import C3K
from halochem.synthesize.lines import bsyn_list, native_list
from halochem.synthesize.lines.moog import convert
from halochem.synthesize.lines.species import from_moog
from halochem.synthesize.turbospectrum import Star, run_star, synthesis_grid


@pytest.fixture
def lists():
    """Iron with a width that needs rounding and levels of its own, and a molecule."""
    iron = convert(from_moog("26.0"), np.arange(4000.0, 4005.0) + 0.12345, np.full(5, 1.23456), np.full(5, -2.34567))
    iron.levels[:] = "sp"
    iron.stark[1] = -5.12345
    cn = convert(from_moog("607.01214"), np.array([5000.5, 5001.5]), np.array([0.1, 0.2]), np.array([-1.0, -2.0]))
    return [iron, cn]


def test_binary_holds_what_the_text_says(lists, tmp_path):
    path = tmp_path / "own.bsyn"
    native_list.write(lists, path, "test")
    records = np.fromfile(native_list.lines_of(path), native_list.RECORD)
    read = bsyn_list.read(path)
    assert len(records) == 7
    for name in bsyn_list.NUMBERS:
        text = np.concatenate([getattr(lines, name) for lines in read])
        assert records[name] == pytest.approx(text, rel=1e-3 if name == "radiative" else 1e-7, abs=1e-7), name
    assert records["stark"] == pytest.approx([0, -5.123, 0, 0, 0, 0, 0])
    assert (records["lower_level"][:5] == b"s").all()
    assert (records["upper_level"][:5] == b"p").all()


@pytest.mark.slow
def test_both_builds_broaden_a_line_by_its_stark_width(installation, tmp_path):
    """A strong line of a hot dwarf, with wings from electrons that absorb 3 Å from its centre.

    A line too weak to be seen comes before it: the package takes each layer's temperature for the first line of a
    species and that of the innermost for all others, as does the native build for all.
    """
    star = Star(6800.0, 4.2, -0.3, 0.0, 0.1)
    structure = C3K(installation.c3k)(star.teff, star.logg, star.feh, star.alpha_fe)
    depth = {}
    for width in (0.0, -4.0):
        iron = convert(from_moog("26.0"), np.array([5495.0, 5500.0]), np.ones(2), np.array([-9.0, 1.0]))
        iron.stark[:] = width
        path = tmp_path / f"{width}.bsyn"
        native_list.write([iron], path, "test")
        for name, engine in installation.builds.items():
            flux = run_star(engine, star, structure, [path], (5490.0, 5510.0), 0.05, 300.0)
            grid = synthesis_grid(5490.0, 0.05, len(flux), geometric=name == "native")
            depth[name, width] = 1 - np.interp(5503.0, grid, flux)
    for name in installation.builds:
        assert depth[name, -4.0] > 2 * depth[name, 0.0] > 0.02
    assert depth["native", -4.0] == pytest.approx(depth["reference", -4.0], rel=0.02)


def test_record_has_the_size_that_fortran_expects():
    assert native_list.RECORD.itemsize == 36


def test_headers_are_a_list_of_one_line_a_species_but_with_the_true_counts(lists, tmp_path):
    path = tmp_path / "own.bsyn"
    native_list.write(lists, path, "test")
    rows = native_list.heads_of(path).read_text().splitlines()
    assert [row.split()[-1] for row in rows[::3]] == ["5", "2"]
    assert rows[2] in path.read_text().splitlines()
    assert rows[5] in path.read_text().splitlines()


@pytest.mark.parametrize("suffix", [".bsyn", ".heads", ".lines"])
def test_missing_form_is_named(lists, tmp_path, suffix):
    path = tmp_path / "own.bsyn"
    summary = native_list.write(lists, path, "test")
    native_list.check(path, summary, "do this")
    path.with_suffix(suffix).unlink()
    with pytest.raises(UserError, match=rf"own\{suffix}: missing; do this$"):
        native_list.check(path, summary, "do this")


def test_flipped_byte_is_found(lists, tmp_path):
    path = tmp_path / "own.bsyn"
    summary = native_list.write(lists, path, "test")
    data = bytearray(native_list.lines_of(path).read_bytes())
    data[40] ^= 1
    native_list.lines_of(path).write_bytes(data)
    with pytest.raises(UserError, match=r"own\.lines: truncated or changed .*; do this$"):
        native_list.check(path, summary, "do this")
