"""`halochem export`, read back with astropy and STILTS."""

from __future__ import annotations

import shutil
import subprocess
import warnings

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.io import fits, votable
from astropy.table import Table

from halochem import cli
from halochem.encode.columns import BY_NAME


@pytest.fixture(scope="module")
def table_path(toy_results):
    return toy_results / "results/tables/halo-1.parquet"


@pytest.fixture(scope="module")
def frame(table_path) -> pd.DataFrame:
    return pd.read_parquet(table_path)


@pytest.fixture
def export(table_path, tmp_path):
    """Run `halochem export`; returns the file, or, with `fails`, the one line on standard error."""

    def run(name: str, *words: str, table=table_path):
        out = tmp_path / name
        assert cli.main(["export", str(table), "--out", str(out), *words]) == 0
        return out

    return run


@pytest.fixture
def refused(table_path, tmp_path, capsys):
    """Run `halochem export` with a fault; returns what it says, one line."""

    def run(*words: str, name: str = "t.csv", table=table_path) -> str:
        assert cli.main(["export", str(table), "--out", str(tmp_path / name), *words]) == 2
        assert not (tmp_path / name).exists()
        (line,) = capsys.readouterr().err.splitlines()
        return line

    return run


def same(found: Table, frame: pd.DataFrame) -> None:
    """Every value is that of the table, NaN for NaN."""
    assert found.colnames == list(frame.columns)
    for name in frame:
        values = found[name]
        values = np.asarray(
            values.filled(np.nan) if getattr(values, "mask", None) is not None and values.dtype.kind == "f" else values
        )
        if BY_NAME[name].kind == "string":
            values = np.asarray(found[name]).astype(str)
        np.testing.assert_array_equal(values, frame[name].to_numpy(), err_msg=name)


def test_fits(export, frame):
    out = export("stars.fits")
    with warnings.catch_warnings():
        # dex, and log() of a unit, are in no list that astropy has for FITS.
        warnings.simplefilter("ignore", u.UnitsWarning)
        same(Table.read(out), frame)
    with fits.open(out, checksum=True) as hdus:
        header = hdus["STARS"].header
        for number, column in enumerate(BY_NAME.values(), start=1):
            assert header[f"TTYPE{number}"] == column.name
            gravity = column.unit == "dex" and column.name.startswith("logg")
            assert header.get(f"TUNIT{number}", "") == ("log(cm.s**-2)" if gravity else column.unit)
            assert header[f"TUCD{number}"] == column.ucd
            assert header[f"TCOMM{number}"] == column.description
        assert (header["SEED"], header["HALOSCHM"]) == ("1", "1")
        hdus.verify("exception")


def test_votable(export, frame):
    out = export("stars.vot")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        document = votable.parse(out, verify="warn")
    table = document.get_first_table()
    for field in table.fields:
        column = BY_NAME[field.name]
        # astropy breaks long texts into lines; in XML that is no difference.
        assert (field.ucd, " ".join(field.description.split())) == (column.ucd, column.description)
    found = table.to_table()
    same(found, frame)
    assert found["teff"].unit == u.K
    assert found["feh"].unit == u.dex
    assert found["logg"].unit == u.dex(u.cm / u.s**2)
    infos = {info.name: info.value for info in document.resources[0].infos}
    assert infos["seed"] == "1"
    assert len(infos["config_hash"]) == 16


def test_csv(export, frame):
    out = export("stars.csv")
    found = pd.read_csv(out)
    pd.testing.assert_frame_equal(found, frame, check_dtype=False, check_exact=True)
    with_astropy = Table.read(out)
    assert with_astropy.colnames == list(frame.columns)
    np.testing.assert_array_equal(with_astropy["teff_true"], frame["teff_true"])


def test_columns_and_rows(export, frame):
    words = ("--columns", "star_id, feh,flag_out_of_grid", "--rows", "split == 'test' and snr > 50 and not flag_cemp")
    chosen = frame[(frame["split"] == "test") & (frame["snr"] > 50) & ~frame["flag_cemp"]]
    assert 0 < len(chosen) < len(frame)
    expected = chosen[["star_id", "feh", "flag_out_of_grid"]].reset_index(drop=True)
    same(Table.read(export("some.vot", *words)), expected)
    pd.testing.assert_frame_equal(pd.read_csv(export("some.csv", *words)), expected, check_exact=True)
    with fits.open(export("some.fits", *words)) as hdus:
        assert hdus[1].data["star_id"].tolist() == expected["star_id"].tolist()
        assert hdus[1].header["TUCD2"] == "phys.abund.Fe"


@pytest.mark.parametrize("name", ["none.fits", "none.vot", "none.csv"])
def test_no_rows(export, name):
    found = Table.read(export(name, "--rows", "feh > 99", "--columns", "star_id,snr"))
    assert (len(found), found.colnames) == (0, ["star_id", "snr"])


def test_format_goes_before_the_name(export, frame):
    assert len(Table.read(export("stars.dat", "--format", "votable"), format="votable")) == len(frame)


def test_label_tables_too(export, toy_results):
    table = toy_results / "results/labels/halo-1.parquet"
    with fits.open(export("labels.fits", table=table)) as hdus:
        header = hdus[1].header
        assert (header["TTYPE2"], header["TUNIT2"], header["TCOMM2"]) == ("teff", "K", "effective temperature")
        assert "TUCD2" not in header


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--columns", "star_id,fehh"), "no column 'fehh'; near it: feh"),
        (("--columns", "feh,feh"), "--columns: feh is there twice"),
        (("--rows", "fe > 0"), "--rows 'fe > 0': name 'fe' is not defined; expected a condition on columns"),
        (("--rows", "feh >"), "--rows 'feh >': invalid syntax"),
        (("--rows", "feh + 1"), "--rows 'feh + 1': not true or false for each row"),
    ],
)
def test_faults_are_one_line(refused, words, said):
    assert said in refused(*words)


def test_unknown_suffix(refused):
    assert "t.xlsx: its name tells no format; end it in .fits" in refused(name="t.xlsx")


def test_no_such_table_or_a_damaged_one(refused, table_path, tmp_path):
    assert "no such table" in refused(table=tmp_path / "x.parquet")
    (tmp_path / "t.parquet").write_bytes(table_path.read_bytes()[:-9])
    assert "not a readable Parquet file" in refused(table=tmp_path / "t.parquet")


@pytest.mark.parametrize("name", ["stars.fits", "stars.vot"])
def test_stilts_reads_units_ucds_and_descriptions(export, frame, tmp_path, name):
    if shutil.which("stilts") is None:
        pytest.skip("stilts is not installed (Debian: apt-get install stilts)")
    out = export(name)
    words = [f"in={out}", "cmd=meta Name Units UCD Description", "omode=out", "ofmt=csv", "out=-"]
    listed = subprocess.run(["stilts", "tpipe", *words], capture_output=True, text=True, timeout=120)
    assert listed.returncode == 0, listed.stderr
    (tmp_path / "meta.csv").write_text(listed.stdout)
    meta = pd.read_csv(tmp_path / "meta.csv", keep_default_na=False)
    columns = list(BY_NAME.values())
    assert list(meta["Name"]) == [column.name for column in columns]
    assert list(meta["UCD"]) == [column.ucd for column in columns]
    assert list(meta["Description"]) == [column.description for column in columns]
    units = {"": "", "K": "K", "dex": "dex" if name.endswith("fits") else "[-]"}
    gravity = "log(cm.s**-2)" if name.endswith("fits") else "[cm.s-2]"
    expected = [gravity if column.name.startswith("logg") else units[column.unit] for column in columns]
    assert list(meta["Units"]) == expected
    if name.endswith("vot"):
        lint = subprocess.run(["stilts", "votlint", str(out)], capture_output=True, text=True, timeout=120)
        assert (lint.returncode, lint.stdout) == (0, "")
