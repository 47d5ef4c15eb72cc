"""Figures of a handful of stars and of many: drawn without a warning, with what they claim to show."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from halochem.errors import UserError
from halochem.report.examples import Example
from halochem.report.figures import drawn_labels, latents, reconstructions, style, training_history


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def _stars(n: int) -> pd.DataFrame:
    rng = np.random.Generator(np.random.Philox(n))
    frame = pd.DataFrame({"feh": rng.normal(-1.2, 0.5, n), "c_fe": rng.normal(0.6, 0.7, n)})
    frame["alpha_fe"], frame["teff"] = rng.normal(0.2, 0.15, n), rng.uniform(3000, 7000, n)
    for z, label in (("z_m", "feh"), ("z_c", "c_fe"), ("z_alpha", "alpha_fe")):
        frame[z] = frame[label] + rng.normal(0, 0.1, n)
    return frame


def _test_table(n: int) -> pd.DataFrame:
    return _stars(n).rename(columns={name: f"{name}_true" for name in ("feh", "c_fe", "alpha_fe", "teff")})


def _ink(figure) -> float:
    """Share of the picture that is not white."""
    figure.canvas.draw()
    return float((np.asarray(figure.canvas.buffer_rgba())[..., :3] < 250).any(axis=2).mean())


@pytest.mark.parametrize("n", [1, 5, 3000])
def test_drawn_labels(n):
    labels = _stars(n)
    with style.style():
        figure = drawn_labels.draw(labels)
        assert _ink(figure) > 0.01
    members = ((labels["c_fe"] > 0.7) & (labels["feh"] < -1)).sum()
    assert figure.axes[0].get_title("right").startswith(f"CEMP: {members} (")
    has_density = len(figure.axes) > 2  # the colour bars
    assert has_density == (n >= drawn_labels.MIN_FOR_DENSITY)
    assert ("point a star" in drawn_labels.caption(labels)) != has_density


@pytest.mark.parametrize("n", [1, 2, 5, 40, 600])
def test_latents(n):
    from matplotlib.contour import ContourSet

    with style.style():
        figure = latents.draw(_test_table(n))
        assert _ink(figure) > 0.01
    panels = figure.axes[:3]
    contoured = [any(isinstance(child, ContourSet) for child in axes.get_children()) for axes in panels]
    assert contoured == [n >= latents.MIN_FOR_CONTOURS] * 3
    title = panels[0].get_title("right")
    assert f"n = {n}" in title
    assert ("not enough stars" in title) == (n < 3)


def test_latents_draws_no_line_through_a_few_stars():
    frame = _test_table(9)
    frame["teff_true"] = [3500.0] * 4 + [4500.0] * 5
    with style.style():
        figure = latents.draw(frame)
    assert [len(axes.lines) for axes in figure.axes[:3]] == [1, 1, 1]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["Teff ≤ 4000 K (n = 4, no line)", "4000-5000 K (n = 5)", "> 5000 K (n = 0, no line)"]


def _example(title: str) -> Example:
    wavelength = 10 ** np.arange(np.log10(4000), np.log10(10400), 1e-3)
    clean = 1 - 0.5 * np.exp(-(((wavelength - 5170) / 20) ** 2))
    rebuilt = np.where((wavelength > 5000) & (wavelength < 5400), clean + 0.01, np.nan)
    labels = {"teff": 5500.0, "logg": 4.0, "feh": -1.5, "c_fe": 0.1, "alpha_fe": -0.1, "snr": 50.0}
    return Example(title, "halo-1-000001", labels, wavelength, clean, rebuilt)


def test_example_relative_l2_is_over_the_decoder_pixels():
    example = _example("αPMP")
    inside = np.isfinite(example.reconstruction)
    expected = np.sqrt(inside.sum()) * 0.01 / np.linalg.norm(example.clean[inside])
    assert example.relative_l2 == pytest.approx(expected)


@pytest.mark.parametrize("detail", [False, True])
def test_reconstructions(detail):
    shown = [_example("αPMP"), _example("CEMP"), _example("no solar-like; the nearest")]
    regions = {"iron": [(5000.0, 5150.0)], "carbon": [(5150.0, 5160.0)], "alpha": [(5160.0, 5400.0)]}
    windows = reconstructions.detail_windows(shown[0].wavelength) if detail else None
    with style.style():
        figure = reconstructions.draw(shown, regions, windows)
        assert _ink(figure) > 0.03
    assert len(figure.axes) == 3 * 2 * (3 if detail else 1)
    if not detail:
        assert figure.axes[0].get_xlim() == pytest.approx((4000, shown[0].wavelength[-1]))
    assert {text.get_text() for text in figure.legends[0].get_texts()} >= {
        "iron decoder",
        "carbon decoder",
        "α decoder",
    }
    # Nothing is written beyond the page's edge.
    width = figure.bbox.width
    renderer = figure.canvas.get_renderer()
    for axes in figure.axes:
        for text in axes.texts:
            assert text.get_window_extent(renderer).x1 < width


def test_detail_windows_lie_within_the_spectra():
    assert reconstructions.detail_windows(np.linspace(5000, 6000, 10)) == [(5020.0, 5350.0)]
    assert reconstructions.detail_windows(np.linspace(6000, 7000, 10)) == []


def _history(n: int, validated: bool = True) -> pd.DataFrame:
    epoch = np.arange(n)
    frame = pd.DataFrame({"epoch": epoch, "learning_rate": 1e-3, "lambda": np.where(epoch > 2, 0.1, 0.0)})
    for name, *_ in training_history.LOSSES:
        frame[f"{name}_train"] = np.exp(-epoch / 3)
        frame[f"{name}_val"] = np.where(validated & (epoch % 2 == 1), frame[f"{name}_train"] * 1.1, np.nan)
    return frame


@pytest.mark.parametrize(("n", "validated"), [(1, False), (4, True), (200, True)])
def test_training_history(n, validated):
    with style.style():
        figure = training_history.draw(_history(n, validated))
        assert _ink(figure) > 0.01
    labels = [line.get_label() for line in figure.axes[0].lines]
    assert labels == (["training", "validation"] if validated else ["training"])


def test_training_history_reads_and_refuses(tmp_path):
    path = tmp_path / "history.csv"
    with pytest.raises(UserError, match="no such file"):
        training_history.read(path)
    _history(3).to_csv(path, index=False)
    assert len(training_history.read(path)) == 3
    _history(3).drop(columns="lambda").to_csv(path, index=False)
    with pytest.raises(UserError, match="column lambda is missing"):
        training_history.read(path)
    path.write_text("")
    with pytest.raises(UserError, match="not a readable CSV file"):
        training_history.read(path)


def test_save_writes_png_and_pdf_the_same_each_time(tmp_path):
    with style.style():
        figure = drawn_labels.draw(_stars(5))
        first = [path.read_bytes() for path in style.save(figure, tmp_path, "a")]
        again = [path.read_bytes() for path in style.save(drawn_labels.draw(_stars(5)), tmp_path, "b")]
    assert first == again
    assert first[0].startswith(b"\x89PNG")
    assert first[1].startswith(b"%PDF")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdf", "a.png", "b.pdf", "b.png"]


def test_style_leaves_nothing_behind():
    import matplotlib

    before = dict(matplotlib.rcParams)
    with style.style():
        assert matplotlib.rcParams["font.size"] == 7
    assert dict(matplotlib.rcParams) == before
