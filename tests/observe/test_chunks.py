"""Chunks that do not fit, and damaged ones: each with its one line."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from observe_files import make

from halochem import files
from toy_chunks import SETTINGS, labels


@pytest.fixture
def spectra(tmp_path):
    return make(tmp_path / "spectra")


@pytest.fixture
def the_line(capsys):
    """The one line that the command ends with on these chunks; no catalog may come of it."""

    def the_line(spectra, *chunks) -> str:
        capsys.readouterr()
        assert spectra.observe(*chunks) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert not spectra.catalog.exists()
        return line.removeprefix("halochem observe: ")

    return the_line


def rewrite(path, change) -> None:
    with h5py.File(path, "r+") as file:
        change(file)


def test_missing_chunk(spectra, the_line):
    line = the_line(spectra, spectra.chunks[0], spectra.chunks[2])
    assert f"{spectra.labels}: rows 3 to 5 are in none of the 2 chunks" in line
    assert "rows 6 to 6 are in none" in the_line(spectra, *spectra.chunks[:2])
    assert "rows 0 to 2 are in none" in the_line(spectra, *spectra.chunks[1:])


@pytest.mark.parametrize("twice", [0, 1, 2])
def test_chunk_given_twice(spectra, the_line, twice):
    line = the_line(spectra, *spectra.chunks, spectra.chunks[twice])
    assert f"{spectra.chunks[twice]}: its row {3 * twice} is in another chunk too" in line


def test_chunks_of_other_sizes_that_share_rows(spectra, the_line, tmp_path):
    other = make(tmp_path / "other", size=4)
    line = the_line(spectra, spectra.chunks[0], other.chunks[1], other.chunks[0])
    assert "is in another chunk too" in line


def test_chunk_of_other_stars(spectra, the_line, tmp_path):
    other = make(tmp_path / "other", frame=labels(7, seed=4))
    line = the_line(spectra, spectra.chunks[0], other.chunks[1], spectra.chunks[2])
    assert line == f"{other.chunks[1]}: its stars are not rows 3 to 5 of {spectra.labels}"


@pytest.mark.parametrize("name", ["teff", "logg", "feh", "c_fe", "alpha_fe"])
def test_chunk_of_the_same_stars_with_other_labels(spectra, the_line, tmp_path, name):
    """Drawn anew under another configuration they keep their identifiers."""
    frame = labels(7)
    frame.loc[4, name] += 1e-3
    other = make(tmp_path / "other", frame=frame)
    line = the_line(spectra, spectra.chunks[0], other.chunks[1], spectra.chunks[2])
    assert line.startswith(f"{other.chunks[1]}: computed for another {name} than {spectra.labels} has")


@pytest.mark.parametrize(
    "changed", [{"engine": "toy 2"}, {"config_hash": "f" * 16}, {"resolution": "5000"}, {"line_list_hash": "abc"}]
)
def test_chunk_made_with_other_settings(spectra, the_line, tmp_path, changed):
    ((name, value),) = changed.items()
    other = make(tmp_path / "other", settings=SETTINGS | changed)
    line = the_line(spectra, spectra.chunks[0], other.chunks[1], spectra.chunks[2])
    was = SETTINGS.get(name)
    assert line.startswith(f"{other.chunks[1]}: made with {name} {value}, {spectra.chunks[0]} with {was}")


def test_chunks_of_two_hosts_may_differ_in_compiler(spectra, tmp_path):
    other = make(tmp_path / "other", settings=SETTINGS | {"compiler": "GNU Fortran 14"})
    assert spectra.observe(spectra.chunks[0], other.chunks[1], spectra.chunks[2]) == 0


def test_chunk_on_other_wavelengths(spectra, the_line):
    rewrite(spectra.chunks[1], lambda file: file["wavelength"].write_direct(file["wavelength"][:] + 0.1))
    assert f"{spectra.chunks[1]}: its wavelengths differ from those of {spectra.chunks[0]}" in the_line(spectra)


def test_chunk_that_is_not_there(spectra, the_line):
    spectra.chunks[1].unlink()
    assert the_line(spectra) == f"{spectra.chunks[1]}: no such file; `halochem synthesize` makes it"


# --- damage ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.6, 0.9, 0.999])
def test_truncated_chunk(spectra, the_line, share):
    path = spectra.chunks[1]
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    line = the_line(spectra)
    assert str(path) in line
    assert "delete it" in line


CHECKED = ("flux", "wavelength", "star_id", "status", "out_of_grid", "labels/teff", "labels/alpha_fe")


@pytest.mark.parametrize("name", CHECKED)
@pytest.mark.parametrize("place", [0.0, 0.5, 0.99])
def test_flipped_byte_is_noticed(spectra, the_line, name, place):
    path = spectra.chunks[1]
    with h5py.File(path) as file:
        block = file[name].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[block.byte_offset + int(place * block.size)] ^= 0x10
    path.write_bytes(data)
    line = the_line(spectra)
    assert str(path) in line
    assert "delete it" in line


def test_flipped_byte_in_the_structure_of_the_file_is_noticed(spectra, the_line):
    """The root group begins in the first kilobyte; every byte that is used is under a checksum."""
    path = spectra.chunks[1]
    whole = path.read_bytes()
    for place in (8, 20, 40, 60, 100, 130, 160):
        data = bytearray(whole)
        data[place] ^= 0x10
        path.write_bytes(data)
        assert str(path) in the_line(spectra), place


@pytest.mark.parametrize("name", ["flux", "wavelength", "star_id", "labels", "status", "out_of_grid", "status_reason"])
def test_chunk_without_one_of_its_parts(spectra, the_line, name):
    def remove(file):
        del file[name]

    rewrite(spectra.chunks[1], remove)
    assert str(spectra.chunks[1]) in the_line(spectra)


def test_chunk_whose_flux_does_not_fit(spectra, the_line):
    def shorten(file):
        flux = file["flux"][:-1]
        del file["flux"]
        file["flux"] = flux

    rewrite(spectra.chunks[1], shorten)
    assert f"{spectra.chunks[1]}: /flux does not fit its stars and wavelengths" in the_line(spectra)


def test_some_other_file(spectra, the_line):
    spectra.chunks[1].write_text("star,flux\n")
    assert f"{spectra.chunks[1]}: not a readable HDF5 file" in the_line(spectra)


def test_catalog_is_not_a_chunk(spectra, the_line, tmp_path):
    assert spectra.observe() == 0
    catalog = spectra.catalog.rename(tmp_path / "catalog.h5")
    assert str(catalog) in the_line(spectra, catalog)


def test_read_again_after_the_damage_is_mended(spectra, the_line):
    path = spectra.chunks[1]
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    the_line(spectra)
    path.write_bytes(whole)
    assert spectra.observe() == 0
    assert np.isfinite(files.read_catalog(spectra.catalog).flux).all()
