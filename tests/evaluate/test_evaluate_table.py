"""Reading the product table, and the one line for each way in which it can be wrong."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from halochem.encode.columns import BY_NAME
from halochem.errors import UserError
from halochem.evaluate import table


def test_reads_what_encode_writes(make_table, write_table):
    frame = make_table(10, seed=4)
    read, seed, origin = table.read(write_table(frame, seed=4, config_hash="abc"))
    assert seed == 4
    assert origin == {"seed": "4", "halochem_version": "test", "config_hash": "abc"}
    np.testing.assert_array_equal(read["z_m"], frame["z_m"])


def test_needs_only_columns_that_the_product_has():
    assert set(table.COLUMNS) <= set(BY_NAME)


def _rewrite(path, change):
    pq.write_table(change(pq.read_table(path)), path)


def _replace(name, values):
    return lambda t: t.set_column(t.schema.get_field_index(name), name, values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop_columns(["z_alpha"]), "column z_alpha is missing"),
        (
            _replace("flag_cemp", pa.array(np.zeros(10))),
            "column flag_cemp is of type double, expected true or false",
        ),
        (_replace("split", pa.array(["train"] * 9 + ["tset"])), "row 9, split: expected .* got 'tset'"),
        (_replace("star_id", pa.array(["a"] * 10)), "star_id a is there twice"),
        (lambda t: t.replace_schema_metadata({}), "names no seed"),
        (
            lambda t: t.replace_schema_metadata({"halochem.seed": "1", "halochem.schema_version": "7"}),
            "schema version 7, expected 1",
        ),
    ],
)
def test_refuses(make_table, write_table, change, message):
    path = write_table(make_table(10))
    _rewrite(path, change)
    with pytest.raises(UserError, match=message) as caught:
        table.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_refuses_a_missing_and_a_truncated_file(make_table, write_table, tmp_path):
    with pytest.raises(UserError, match="no such table"):
        table.read(tmp_path / "none.parquet")
    path = write_table(make_table(10))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UserError, match="not a readable Parquet file"):
        table.read(path)
