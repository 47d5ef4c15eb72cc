"""`halochem synthesize`: one chunk of a label table through real Turbospectrum, and bad input in one line."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import yaml

from halochem import cli, files
from halochem.synthesize import chunk
from toy_chunks import labels


@pytest.fixture
def table(tmp_path):
    """Three stars; only the second is ever computed here."""
    frame = labels(3).assign(teff=6000.0, logg=4.3, feh=-1.0, c_fe=0.2, alpha_fe=0.3)
    files.write_labels(frame, tmp_path / "labels.parquet", {"seed": "3"})
    return tmp_path / "labels.parquet"


@pytest.fixture
def config_file(tmp_path):
    values = {"spectrum": {"wavelength": [5150, 5200]}, "synthesis": {"margin": 20, "chunk_size": 1}}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(values))
    return tmp_path / "c.yaml"


@pytest.fixture
def synthesize(table, config_file, engine_json, tmp_path, capsys):
    """Run the command with some options changed; returns its status and what it printed."""

    def synthesize(**changed) -> tuple[int, list[str]]:
        options = {"config": config_file, "labels": table, "chunk": 1, "engine": engine_json, "out": tmp_path / "c.h5"}
        words = [f"--{name}={value}" for name, value in (options | changed).items() if value is not None]
        capsys.readouterr()
        status = cli.main(["synthesize", *words])
        return status, capsys.readouterr().err.splitlines()

    return synthesize


def test_chunk_of_one_star_through_turbospectrum(synthesize, tmp_path):
    status, log = synthesize()
    assert status == 0
    assert log[-1].endswith("c.h5: 1 stars, 0 by the second try, 0 failed")
    with h5py.File(tmp_path / "c.h5") as file:
        assert file["star_id"][:].tolist() == [b"halo-3-000001"]
        assert file["status"][:].tolist() == [files.STATUS_OK]
        assert file["wavelength"][0] == pytest.approx(5150.0)
        assert 0.5 < file["flux"][0].min() < file["flux"][0].max() < 1.0
        assert file["flux"].shape == (1, len(file["wavelength"]))
        attributes = dict(file.attrs)
    assert attributes["seed"] == "3"
    assert attributes["first_row"] == "1"
    assert attributes["engine"] == "turbospectrum 1.0.2"
    assert attributes["resolution"] == "2200"
    assert len(attributes["config_hash"]) == 16
    assert np.isin(["compiler", "line_list_hash", "solar_composition", "microturbulence"], list(attributes)).all()
    assert {path.name for path in tmp_path.iterdir()} == {"labels.parquet", "c.yaml", "c.h5"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"labels": None}, "--labels is missing"),
        ({"out": None}, "--out is missing"),
        ({"labels": "none.parquet"}, "none.parquet: no such label table"),
        ({"chunk": 3}, "--chunk 3: 3 stars at 1 a chunk make chunks 0 to 2"),
        ({"chunk": -1}, "--chunk -1"),
        ({"jobs": 0}, "--jobs 0: expected 1 or more"),
        ({"engine": "none.json"}, "none.json: Turbospectrum is not built; run `halochem synthesize --prepare`"),
        ({"config": "none.yaml"}, "none.yaml: no such configuration file"),
    ],
)
def test_bad_input_is_one_line(synthesize, tmp_path, changed, words):
    status, log = synthesize(**changed)
    assert status == 2
    (line,) = log
    assert line.startswith("halochem synthesize: ")
    assert words in line
    assert not (tmp_path / "c.h5").exists()


def test_range_beyond_the_line_lists_is_one_line(synthesize, tmp_path):
    (tmp_path / "far.yaml").write_text("spectrum: {wavelength: [10000, 11000]}\n")
    status, (line,) = synthesize(config=tmp_path / "far.yaml", chunk=0)
    assert status == 2
    assert "spectrum.wavelength [10000, 11000] with synthesis.margin 80 reaches beyond the line lists" in line


def test_whole_table_in_one_chunk_without_a_number(synthesize, monkeypatch):
    asked = []
    monkeypatch.setattr(chunk, "run", lambda labels, rows, *rest: asked.append(rows))
    assert synthesize(chunk=None)[0] == 0
    assert asked == [range(3)]
