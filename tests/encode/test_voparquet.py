"""The table in other people's readers: the VOParquet convention 1.0, STILTS, pandas, polars, DuckDB."""

from __future__ import annotations

import io
import shutil
import subprocess
from xml.etree import ElementTree

import duckdb
import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import votable

from halochem.encode.columns import COLUMNS, DATATYPES, VOTABLE_NAMESPACE

NAMES = [column.name for column in COLUMNS]


@pytest.fixture(scope="module")
def header(table_path) -> bytes:
    """The VOTable in the file's key-value metadata."""
    return pq.ParquetFile(table_path).metadata.metadata[b"IVOA.VOTable-Parquet.content"]


@pytest.fixture(scope="module")
def frame(table_path) -> pd.DataFrame:
    return pd.read_parquet(table_path)


def stilts(*words: object) -> subprocess.CompletedProcess[str]:
    """STILTS, or a skip that says why not."""
    if shutil.which("stilts") is None:
        pytest.skip("stilts is not installed (Debian: apt-get install stilts)")
    return subprocess.run(["stilts", *map(str, words)], capture_output=True, text=True, timeout=120, check=False)


def test_version_and_declaration(table_path, header):
    assert pq.ParquetFile(table_path).metadata.metadata[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    assert header.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    header.decode("utf-8")


def test_first_table_has_no_data_and_describes_each_column(header, table_path):
    tables = list(ElementTree.fromstring(header).iter(f"{{{VOTABLE_NAMESPACE}}}TABLE"))
    assert len(tables) == 1
    assert tables[0].find(f"{{{VOTABLE_NAMESPACE}}}DATA") is None
    # The N'th FIELD describes the N'th column, its datatype included.
    schema = pq.read_schema(table_path)
    fields = votable.parse(io.BytesIO(header)).get_first_table().fields
    assert [field.name for field in fields] == schema.names == NAMES
    arrow = {str(pa.type_for_alias(kind)): name for kind, name in DATATYPES.items()}
    assert [field.datatype for field in fields] == [arrow[str(kind)] for kind in schema.types]
    assert all(field.ucd and field.description for field in fields)


def test_stilts_finds_no_fault_in_the_header(header, tmp_path):
    (tmp_path / "header.vot").write_bytes(header)
    lint = stilts("votlint", tmp_path / "header.vot")
    assert (lint.returncode, lint.stdout, lint.stderr) == (0, "", "")


def test_stilts_finds_faults_where_there_are_some(header, tmp_path):
    (tmp_path / "header.vot").write_bytes(header.replace(b'datatype="double"', b'datatype="dubble"', 1))
    assert "Unknown datatype 'dubble'" in stilts("votlint", tmp_path / "header.vot").stdout


def test_stilts_lints_the_whole_file(table_path):
    if stilts("parqlint", "help").returncode != 0:
        pytest.skip("this STILTS has no parqlint (topcat-extra.jar of a later version has)")
    lint = stilts("parqlint", table_path)
    assert (lint.returncode, lint.stdout) == (0, ""), lint.stdout


def test_pages_have_checksums(table_path, frame):
    checked = pq.read_table(table_path, page_checksum_verification=True)
    pd.testing.assert_frame_equal(checked.to_pandas(), frame)


def test_a_flipped_byte_in_a_page_is_seen(table_path, tmp_path):
    column = pq.ParquetFile(table_path).metadata.row_group(0).column(NAMES.index("chi2_reduced"))
    data = bytearray(table_path.read_bytes())
    data[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    (tmp_path / "t.parquet").write_bytes(data)
    with pytest.raises(OSError, match="checksum"):
        pq.read_table(tmp_path / "t.parquet", page_checksum_verification=True)


def test_polars(table_path, frame):
    found = polars.read_parquet(table_path)
    assert found.columns == NAMES
    for column in COLUMNS:
        expected = {"string": polars.String, "float64": polars.Float64, "bool": polars.Boolean, "uint8": polars.UInt8}
        assert found.schema[column.name] == expected[column.kind]
        np.testing.assert_array_equal(found[column.name].to_numpy(), frame[column.name].to_numpy())
    n = len(polars.scan_parquet(table_path).filter(polars.col("split") == "test").select("star_id").collect())
    assert n == (frame["split"] == "test").sum()


def test_duckdb(table_path, frame):
    found = duckdb.sql(f"select * from '{table_path}'").df()
    assert list(found.columns) == NAMES
    for name in NAMES:
        np.testing.assert_array_equal(found[name].to_numpy(), frame[name].to_numpy(), err_msg=name)
    ((n,),) = duckdb.sql(f"select count(*) from '{table_path}' where status != 2 and chi2_reduced < 1").fetchall()
    assert n == ((frame["status"] != 2) & (frame["chi2_reduced"] < 1)).sum()
