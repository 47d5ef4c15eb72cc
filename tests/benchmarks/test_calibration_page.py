"""The calibration's benchmark on stars whose truth is known."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks" / "model"))
import calibration as benchmark


@pytest.fixture(scope="module")
def stars():
    """Latents with an error of 0.05 from noise and 0.1 or 0.3 beyond it, cool or hot; posteriors far too narrow."""
    n, rng = 1200, np.random.default_rng(0)
    labels = pd.DataFrame({"teff": rng.uniform(3000, 7000, n), "snr": rng.normal(50, 10, n)})
    off = np.hypot(0.05, np.where(labels["teff"] < 5000, 0.1, 0.3))
    frame = pd.DataFrame({"teff": labels["teff"]})
    for latent, label in benchmark.PARTNER.items():
        labels[label] = rng.normal(size=n)
        frame[latent] = labels[label] + off * rng.normal(size=n)
        frame[f"{latent}_width"], frame[f"{latent}_sigma"] = 0.05, 0.01
    return benchmark.Stars(frame, labels, np.arange(800), np.arange(800, n), (5000.0, 1150.0))


@pytest.fixture(scope="module")
def frame(stars):
    rows = [row | {"scale": scale} for scale in benchmark.SCALES for n in (2, 10, 100) for draw in range(8)
            for row in benchmark.one_draw(stars, n, draw)]  # fmt: skip
    return pd.DataFrame(rows)


def test_more_labelled_stars_make_smaller_errors(frame):
    line = frame[(frame["kind"] == "linear") & (frame["sigma"] == "now")]
    errors = line.groupby("n")["rmse"].median()
    assert errors[100] < errors[10] < errors[2]
    assert errors[100] == pytest.approx(0.23, abs=0.04)


def test_coverage_before_and_now(frame):
    some = frame[(frame["kind"] == "linear") & (frame["n"] == 100)].groupby("sigma")
    assert some["68.teff_3000_4000"].mean()["now"] == pytest.approx(0.68, abs=0.1)
    assert some["68.teff_3000_4000"].mean()["before"] > 0.85  # far too wide for the cool stars
    assert some["68.teff_6000_7000"].mean()["now"] > some["68.teff_6000_7000"].mean()["before"]


def test_page_and_figure(frame, stars, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "NUMBERS", (2, 10, 100))
    page = benchmark.page(frame, stars, "toy stars", 8)
    assert "toy stars; 800 training stars" in page
    assert "the 400 held-out stars" in page
    assert "| [Fe/H] | 2 |" in page
    benchmark.figure(frame, tmp_path)
    assert (tmp_path / "calibration.png").stat().st_size > 10_000
