"""What the stages hand to each other: atomic writes, label tables, catalogs and their faults."""

from __future__ import annotations

import hashlib
import os

import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from halochem import files
from halochem.config import Observe
from halochem.errors import UserError
from halochem.files import LABELS
from halochem.observe import catalog, chunks
from halochem.synthesize import chunk
from toy_chunks import SETTINGS, WAVELENGTH, Synthesiser, labels


def one_line(action) -> str:
    with pytest.raises(UserError) as caught:
        action()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- writes ---------------------------------------------------------------------------------------------


def test_atomic_write_takes_the_place_of_the_old_file_at_the_end(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    with files.atomic(path) as temporary:
        temporary.write_text("one")
        assert not path.exists()
        assert temporary.parent == path.parent  # a rename across file systems would be a copy
    with files.atomic(path) as temporary:
        temporary.write_text("two")
        assert path.read_text() == "one"
    assert path.read_text() == "two"
    assert os.listdir(path.parent) == ["file.txt"]


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail():
        with files.atomic(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_written_file_is_as_readable_as_the_user_has_it(tmp_path):
    old = os.umask(0o027)
    try:
        with files.atomic(tmp_path / "file") as temporary:
            temporary.write_text("x")
    finally:
        os.umask(old)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_sha256(tmp_path):
    (tmp_path / "file").write_bytes(b"abc" * 100_000)
    assert files.sha256(tmp_path / "file") == hashlib.sha256(b"abc" * 100_000).hexdigest()


# --- labels ---------------------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path):
    return tmp_path / "labels.parquet"


def test_labels_come_back_to_the_last_bit(table):
    frame = labels(50)
    files.write_labels(frame, table, {"seed": "3"})
    assert files.read_labels(table).equals(frame)


def test_columns_carry_unit_and_description(table):
    files.write_labels(labels(2), table, {"seed": "3"})
    schema = pq.read_schema(table)
    assert schema.names == list(LABELS)
    for name, (unit, meaning) in LABELS.items():
        assert schema.field(name).metadata == {b"unit": unit.encode(), b"description": meaning.encode()}
    assert schema.metadata[b"seed"] == b"3"


def test_further_columns_are_kept(table):
    files.write_labels(labels(3).assign(gaia_id=[1, 2, 3]), table, {})
    assert files.read_labels(table)["gaia_id"].tolist() == [1, 2, 3]


def test_users_table_of_whole_numbers_and_text_is_read_as_numbers(table):
    frame = labels(2).assign(teff=[5000, 6000], snr=["50", "60.5"])
    frame.to_parquet(table)
    read = files.read_labels(table)
    assert read["teff"].tolist() == [5000.0, 6000.0]
    assert read["snr"].tolist() == [50.0, 60.5]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"teff": [5000.0, np.nan]}, "row 1, column teff: expected a number above 0"),
        ({"teff": [-5000.0, 5000.0]}, "row 0, column teff: expected a number above 0, got -5000.0"),
        ({"logg": [np.inf, 4.0]}, "row 0, column logg: expected a finite number, got inf"),
        ({"feh": ["-1", "low"]}, "row 1, column feh: expected a finite number, got low"),
        ({"snr": [50.0, 0.0]}, "row 1, column snr: expected a number above 0, got 0.0"),
        ({"star_id": ["a", "a"]}, "star_id a occurs twice"),
        ({"star_id": ["a", "étoile"]}, "star_id étoile: expected ASCII"),
    ],
)
def test_bad_value_is_named(table, change, words):
    labels(2).assign(**change).to_parquet(table)
    message = one_line(lambda: files.read_labels(table))
    assert message.startswith(f"{table}: ")
    assert words in message


@pytest.mark.parametrize("name", list(LABELS))
def test_missing_column_is_named(table, name):
    labels(2).drop(columns=name).to_parquet(table)
    assert f"{table}: column {name} is missing" in one_line(lambda: files.read_labels(table))


def test_table_without_a_star(table):
    labels(2)[:0].to_parquet(table)
    assert "no star in it" in one_line(lambda: files.read_labels(table))


def test_missing_and_unreadable_tables(table):
    assert "`halochem sample` makes one" in one_line(lambda: files.read_labels(table))
    files.write_labels(labels(20), table, {})
    whole = table.read_bytes()
    for content in (b"", b"star_id,teff\n", whole[:-50], whole[: len(whole) // 2]):
        table.write_bytes(content)
        assert "not a readable Parquet file" in one_line(lambda: files.read_labels(table))


# --- catalogs -------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    """A catalog of five stars."""
    frame = labels(5)
    files.write_labels(frame, tmp_path / "labels.parquet", {"seed": "3"})
    chunk.run(frame, range(5), Synthesiser(), WAVELENGTH, SETTINGS, tmp_path / "chunk.h5")
    found, wavelength = chunks.survey([tmp_path / "chunk.h5"], frame, tmp_path / "labels.parquet")
    catalog.write(tmp_path / "catalog.h5", frame, found, wavelength, Observe(), 3, {"seed": "3"})
    return tmp_path / "catalog.h5"


def rewrite(path, name, data) -> None:
    with h5py.File(path, "r+") as file:
        del file[name]
        if data is not None:
            file[name] = data


def test_catalog_in_memory(path):
    read = files.read_catalog(path)
    assert read.flux.shape == read.flux_clean.shape == (5, len(WAVELENGTH))
    assert read.sigma.shape == (5, 1)
    assert read.seed == 3
    assert read.usable.all()
    assert read.mask is None
    assert list(read.labels)[: len(LABELS)] == list(LABELS)
    assert files.read_catalog(path, clean=False).flux_clean is None


def test_star_is_usable_with_a_finite_spectrum_and_a_good_status_only(path):
    with h5py.File(path, "r+") as file:
        file["status"][1] = files.STATUS_FAILED
        file["status"][2] = files.STATUS_RETRIED
        file["flux"][3, 7] = np.nan
    assert files.read_catalog(path).usable.tolist() == [True, False, True, False, True]


def test_users_catalog_of_the_least(tmp_path):
    """Wavelength, flux, sigma a pixel, status, and a label group that may be empty but for names."""
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        file["wavelength"] = WAVELENGTH
        file["flux"] = np.ones((2, len(WAVELENGTH)), np.float32)
        file["sigma"] = np.full((2, len(WAVELENGTH)), 0.02, np.float32)
        file["mask"] = np.zeros((2, len(WAVELENGTH)), bool)
        file["status"] = np.zeros(2, np.uint8)
        file["labels/star_id"] = ["HD 140283", "étoile"]
    read = files.read_catalog(tmp_path / "mine.h5")
    assert read.seed == 0
    assert read.labels["star_id"].tolist() == ["HD 140283", "étoile"]
    assert read.flux_clean is None
    assert read.mask.shape == read.flux.shape


@pytest.mark.parametrize("name", ["wavelength", "flux", "sigma", "labels", "status"])
def test_missing_part_is_named(path, name):
    rewrite(path, name, None)
    assert f"{path}: /{name} is missing" in one_line(lambda: files.read_catalog(path))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("flux", np.ones(60, np.float32)),
        ("flux", np.ones((5, 59), np.float32)),
        ("flux_clean", np.ones((4, 60), np.float32)),
        ("wavelength", np.ones(61)),
        ("wavelength", np.ones((60, 1))),
        ("sigma", np.ones(5, np.float32)),
        ("sigma", np.ones((5, 2), np.float32)),
        ("status", np.zeros(4, np.uint8)),
        ("out_of_grid", np.zeros(6, bool)),
    ],
)
def test_shape_that_does_not_fit_is_named(path, name, data):
    rewrite(path, name, data)
    message = one_line(lambda: files.read_catalog(path))
    assert message.startswith(f"{path}: /")
    assert "expected" in message


def test_label_of_another_length(path):
    rewrite(path, "labels/feh", np.zeros(4))
    assert one_line(lambda: files.read_catalog(path)).startswith(f"{path}: damaged")


def test_other_schema_version(path):
    with h5py.File(path, "r+") as file:
        file.attrs["schema_version"] = 99
    assert f"{path}: schema version 99, expected 1" in one_line(lambda: files.read_catalog(path))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_catalog(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    message = one_line(lambda: files.read_catalog(path))
    assert message.startswith(f"{path}: not a readable HDF5 file")
    assert "run `halochem observe`" in message


@pytest.mark.parametrize("name", ["flux", "flux_clean", "wavelength", "sigma", "status", "out_of_grid", "labels/teff"])
def test_flipped_byte_is_noticed(path, name):
    with h5py.File(path) as file:
        block = file[name].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[block.byte_offset + block.size // 2] ^= 0x10
    path.write_bytes(data)
    assert one_line(lambda: files.read_catalog(path)).startswith(f"{path}: damaged")


def test_missing_catalog(tmp_path):
    message = one_line(lambda: files.read_catalog(tmp_path / "none.h5"))
    assert message == f"{tmp_path / 'none.h5'}: no such file; `halochem observe` makes it"


def test_one_star_is_read_without_the_rest(path):
    """A block holds few rows of all pixels."""
    with h5py.File(path) as file:
        rows, pixels = file["flux"].chunks
        assert rows <= catalog.BLOCK_ROWS
        assert pixels == len(WAVELENGTH)


def test_pandas_reads_labels_without_halochem(table):
    files.write_labels(labels(4), table, {"seed": "3"})
    pd.testing.assert_frame_equal(pd.read_parquet(table), labels(4), check_dtype=False)
