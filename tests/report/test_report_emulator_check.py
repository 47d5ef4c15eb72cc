"""What the report says of an emulated catalog."""

from __future__ import annotations

import json

import pytest

from halochem.errors import UserError
from halochem.report import emulator_check

ATTRIBUTES = {"emulator_sha256": "abc", "emulator_training_stars": "3000"}
STAR = {"teff": 5000.0, "logg": 4.0, "feh": -1.234, "c_fe": 0.5, "alpha_fe": 0.3, "failed": ""}


def write(tmp_path, stars, other=None):
    catalog = tmp_path / "halo-7.h5"
    emulator_check.path_of(catalog).write_text(json.dumps({"stars": stars, "fitted_to_other": other or {}}))
    return catalog


def test_a_direct_catalog_has_no_such_check(tmp_path):
    assert emulator_check.found(tmp_path / "halo-7.h5", {}) is None


def test_sentence_and_table(tmp_path):
    stars = [
        {"star_id": "halo-7-000001", **STAR, "rms": 0.0011, "largest": 0.012},
        {"star_id": "halo-7-000002", **STAR, "rms": 0.0031, "largest": 0.024},
        {"star_id": "halo-7-000003", **STAR, "rms": None, "largest": None, "failed": "bsyn: exit status 1"},
    ]
    _, sentence, columns, rows = emulator_check.found(write(tmp_path, stars), ATTRIBUTES)
    assert "2 stars of halo-7" in sentence
    assert "0.0021 in the median, 0.0031 for the worst" in sentence
    assert "0.024" in sentence
    assert all(len(row) == len(columns) for row in rows)
    assert rows[0] == ("halo-7-000001", "5000", "4.00", "−1.23", "0.50", "0.30", "0.0011", "0.012")
    assert "exit status 1" in rows[2][6]


def test_other_lines_are_told(tmp_path):
    stars = [{"star_id": "halo-7-000001", **STAR, "rms": 0.0011, "largest": 0.012}]
    catalog = write(tmp_path, stars, {"line_list_hash": "other"})
    assert "differ from those it was fitted to in line_list_hash" in emulator_check.found(catalog, ATTRIBUTES)[1]


def test_without_a_comparison_it_says_so(tmp_path):
    assert "No star" in emulator_check.found(tmp_path / "halo-7.h5", ATTRIBUTES)[1]


def test_all_failed(tmp_path):
    stars = [{"star_id": "halo-7-000001", **STAR, "rms": None, "largest": None, "failed": "no"}]
    assert "None of the 1 stars" in emulator_check.found(write(tmp_path, stars), ATTRIBUTES)[1]


def test_damaged_file(tmp_path):
    catalog = tmp_path / "halo-7.h5"
    emulator_check.path_of(catalog).write_text("{")
    with pytest.raises(UserError, match=r"halo-7\.check\.json: not what"):
        emulator_check.found(catalog, ATTRIBUTES)
