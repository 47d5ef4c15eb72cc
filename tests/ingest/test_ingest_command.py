"""`halochem ingest` from files to a catalog, and `halochem encode` on that catalog."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml

from halochem import cli, files, spectra
from toy_chunks import WAVELENGTH


def write_star(path, wavelength, flux, sigma=None):
    columns = [wavelength, flux] + ([] if sigma is None else [np.full(len(flux), sigma)])
    np.savetxt(path, np.column_stack(columns))


@pytest.fixture
def folder(tmp_path):
    """Three stars around 5035 Å, one of them without errors, one of them not normalised; one is not there."""
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump({"spectrum": {"wavelength": [5000.0, 5068.5]}}))
    wavelength = np.arange(4980.0, 5090, 0.3)
    flux = 1 - 0.4 * np.exp(-0.5 * ((wavelength - 5040) / 2) ** 2)
    write_star(tmp_path / "one.txt", wavelength, flux, 0.02)
    write_star(tmp_path / "two.txt", wavelength, flux)
    write_star(tmp_path / "three.txt", wavelength, flux * 1e-14, 1e-16)
    table = {"file": ["one.txt", "two.txt", "three.txt", "four.txt"], "rv": 20.0, "snr": [np.nan, 40, np.nan, 40]}
    pd.DataFrame(table | {"teff_obs": 5000.0}).to_csv(tmp_path / "stars.csv", index=False)
    return tmp_path


def ingest(folder, *more):
    words = ["ingest", folder / "stars.csv", "--config", folder / "grid.yaml", "--out", folder / "mine.h5"]
    return cli.main([str(word) for word in (*words, "--medium", "air", *more)])


def test_catalog(folder, capsys):
    assert ingest(folder, "--resolution", "6000") == 0
    found = files.read_catalog(folder / "mine.h5")
    np.testing.assert_allclose(found.wavelength, WAVELENGTH)
    assert found.labels["star_id"].tolist() == ["one", "two", "three", "four"]
    assert found.labels["teff_obs"].tolist() == [5000.0] * 4
    assert found.status.tolist() == [0, 0, 2, 2]
    assert found.usable.tolist() == [True, True, False, False]
    assert not found.mask[:2].any()
    np.testing.assert_array_equal(found.flux[0], found.flux[1])
    assert found.flux[0].min() == pytest.approx(0.66, abs=0.03)
    assert 5039 < found.wavelength[found.flux[0].argmin()] < 5040.2
    np.testing.assert_allclose(found.sigma[1], 1 / 40)
    assert (found.sigma[0] < 0.013).all()
    assert found.attributes["resolution"] == "2200"
    assert found.attributes["measured_width"] == "resolution 6000"
    log = capsys.readouterr().err
    assert "row 2 has no spectrum" in log
    assert "give --continuum polynomial" in log
    assert "four.txt: no such file" in log
    one = spectra.load(folder / "mine.h5", "one")
    assert one.flux.shape == WAVELENGTH.shape
    assert one.uncertainty.array.shape == WAVELENGTH.shape


def test_encoded_with_a_model(folder, toy_results):
    results = toy_results / "results"
    assert ingest(folder, "--as-is") == 0
    words = ["encode", "--config", toy_results / "c.yaml", "--catalog", folder / "mine.h5"]
    words += ["--model", results / "models/halo-1", "--calibration", results / "tables/halo-1.parquet"]
    assert cli.main([str(word) for word in (*words, "--out", folder / "mine.parquet")]) == 0
    table = pd.read_parquet(folder / "mine.parquet")
    assert table["star_id"].tolist() == ["one", "two", "three", "four"]
    assert table["feh"].notna().tolist() == [True, True, False, False]
    assert table["teff_obs"].tolist() == [5000.0] * 4
    assert table["feh_true"].isna().all()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--resolution", "1800"], "your spectra have R = 1800 at 5000 Å, fewer than the 2200 asked for"),
        (["--resolution", "-1"], "--resolution -1: expected a number above 0"),
        (["--fwhm", "nan"], "--fwhm nan: expected a number above 0"),
        (["--resolution", "6000", "--format", "nonsense"], "no spectrum can be used; row 0: "),
    ],
)
def test_faults_are_one_line(folder, options, said, capsys):
    assert ingest(folder, *options) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("halochem ingest: ")]
    assert len(lines) == 1
    assert said in lines[0]
    assert not (folder / "mine.h5").exists()


def test_the_width_of_the_spectra_has_to_be_said(folder, capsys):
    with pytest.raises(SystemExit):
        ingest(folder)
    assert "--resolution --fwhm --as-is is required" in capsys.readouterr().err
