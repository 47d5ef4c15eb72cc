"""The table of stars: what it may hold, and one line that names row and column of what it may not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from halochem.errors import UserError
from halochem.ingest import stars

FRAME = pd.DataFrame({"file": ["a.txt", "sub/b.fits"], "rv": [12.5, -300.0], "feh": [-1.2, np.nan], "mag": [9, 10]})


@pytest.mark.parametrize("suffix", ["csv", "ecsv", "fits", "parquet"])
def test_formats(tmp_path, suffix):
    path = tmp_path / f"stars.{suffix}"
    if suffix == "csv":
        FRAME.to_csv(path, index=False)
    elif suffix == "parquet":
        FRAME.to_parquet(path)
    else:
        Table.from_pandas(FRAME).write(path)
    found = stars.read(path)
    assert found["file"].tolist() == [tmp_path / "a.txt", tmp_path / "sub/b.fits"]
    assert found["star_id"].tolist() == ["a", "b"]
    assert found["rv"].tolist() == [12.5, -300.0]
    np.testing.assert_array_equal(found["feh"], [-1.2, np.nan])
    assert set(found) == {"file", "star_id", "rv", "feh"}


def test_only_files(tmp_path):
    path = tmp_path / "stars.csv"
    path.write_text("# mine\nfile, star_id\n a.txt, HD 1\n/data/b.txt, HD 2\n")
    found = stars.read(path)
    assert [str(name) for name in found["file"]] == [str(tmp_path / "a.txt"), "/data/b.txt"]
    assert found["star_id"].tolist() == ["HD 1", "HD 2"]
    assert found["rv"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name\na.txt\n", "column file is missing"),
        ("file\n", "no star in it"),
        ("file,rv\na.txt,fast\n", "row 0, rv: expected a number, got fast"),
        ("file,rv\na.txt,1\nb.txt,\n", "row 1, rv: expected a velocity in km/s, got nan"),
        ("file,rv\na.txt,4e5\n", "row 0, rv: expected a velocity in km/s, got 400000"),
        ("file,snr\na.txt,0\n", "row 0, snr: expected a number above 0, got 0"),
        ("file\na.txt\nsub/a.dat\n", "row 1: star_id a occurs twice"),
        ("file,star_id\na.txt,β\n", "row 0: star_id 'β', expected ASCII"),
    ],
)
def test_faults(tmp_path, text, said):
    path = tmp_path / "stars.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=said) as caught:
        stars.read(path)
    assert str(caught.value).startswith(str(path))


def test_no_table(tmp_path):
    with pytest.raises(UserError, match="no such table of stars"):
        stars.read(tmp_path / "stars.csv")
    (tmp_path / "stars.fits").write_text("no FITS")
    with pytest.raises(UserError, match="not readable"):
        stars.read(tmp_path / "stars.fits")
    (tmp_path / "stars.xls").write_text("")
    with pytest.raises(UserError, match=r"ends in .csv, .ecsv, .fits or .parquet"):
        stars.read(tmp_path / "stars.xls")
