"""Figures of a handful of stars and of many: drawn without a warning, with what they claim to show."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from halochem.errors import UserError
from halochem.evaluate.evaluation import Evaluation
from halochem.evaluate.gradient_flow import PAIRS
from halochem.evaluate.number import Number
from halochem.report.examples import Example
from halochem.report.figures import (
    anomalies,
    by_snr,
    drawn_labels,
    flagged,
    gradient_flow,
    latents,
    reconstructions,
    style,
    training_history,
    training_sizes,
)


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


@pytest.mark.parametrize("n", [1, 5, 3000])
def test_flagged(n):
    table = _test_table(n)
    table["logg_true"] = 4.0
    for name, chosen in (("cemp", table["c_fe_true"] > 0.9), ("alpha_pmp", table["alpha_fe_true"] < 9)):
        for kind in ("paper", "calibrated"):
            table[f"flag_{name}_{kind}"] = chosen
    with style.style():
        figure = flagged.draw(table)
        assert _ink(figure) > 0.01
    member = (table["c_fe_true"] > 0.7) & (table["feh_true"] < -1)
    chosen = table["c_fe_true"] > 0.9
    if n == 3000:
        expected = f"P {(member & chosen).sum() / chosen.sum():.2f}, R {(member & chosen).sum() / member.sum():.2f}"
        assert figure.axes[0].get_title("right") == f"{expected}, {chosen.sum()} flagged"
    assert figure.axes[1].get_title("right").endswith(f"{n} flagged")


def _by_snr(n: int, best: float) -> pd.DataFrame:
    rng = np.random.Generator(np.random.Philox(n))
    frame = pd.DataFrame({"snr": rng.normal(50, 10, n), "error": rng.uniform(0.004, 0.01, n)})
    frame["noise"] = 1 / frame["snr"]
    for label in ("feh", "alpha_fe", "c_fe"):
        frame[label], frame[f"best_{label}"] = rng.normal(0, 0.1, n), best * rng.normal(0, 0.03, n)
    return frame


@pytest.mark.parametrize("n", [5, 400, 15_000])
def test_by_snr(n):
    frame = _by_snr(n, 1.0)
    with style.style():
        figure = by_snr.draw(frame)
        assert _ink(figure) > 0.01
    markers = figure.axes[0].containers[0][0].get_xdata()
    counts = [((frame["snr"] > low) & (frame["snr"] <= low + 10)).sum() for low in range(15, 85, 10)]
    assert len(markers) == sum(count >= by_snr.MIN_IN_BIN for count in counts)
    assert "that the noise allows" in by_snr.caption(frame)
    assert "that the noise allows" not in by_snr.caption(_by_snr(n, np.nan))


def test_anomalies_and_their_curves():
    rng = np.random.Generator(np.random.Philox(5))
    normal = {name: rng.lognormal(0, 0.3, 500) for name in ("error", "chi2", "norm")}
    parts = [
        pd.DataFrame({name: 10 * rng.lognormal(0, 0.3, 50) for name in normal}).assign(kind=kind)
        for kind in anomalies.LOOKS
    ]
    with style.style():
        figure = anomalies.draw(normal, pd.concat(parts))
        assert _ink(figure) > 0.03
    areas = [text.get_text() for text in figure.axes[3].get_legend().get_texts()]
    assert areas == ["1.000"] * 4


def test_gradient_flow_shows_the_catalogs_mean():
    def of(value: float) -> Evaluation:
        numbers = {f"gain.{z}.{label}": Number(value, 9) for z, label in PAIRS}
        return Evaluation(1, {}, {}, numbers)

    several = [of(0.1), of(0.3)]
    with style.style():
        figure = gradient_flow.draw(several)
        assert _ink(figure) > 0.01
    bars = [
        patch.get_height() for container in figure.axes[0].containers for patch in getattr(container, "patches", [])
    ]
    assert len(bars) == 15
    assert np.allclose(bars, 0.2)
    assert "2 catalogs; error bars" in gradient_flow.caption(several)
    assert "1 catalog." in gradient_flow.caption(several[:1])


def test_training_sizes():
    rows = [
        {"snr": snr, "stars": n, "relative_l2": 1 / np.sqrt(n) / snr, "spread": 0.001, "noise": 1 / snr, "catalogs": 1}
        for snr in (20.0, 100.0)
        for n in (100, 1000, 10_000)
    ]
    sizes = pd.DataFrame(rows).assign(steps=500)
    with style.style():
        figure = training_sizes.draw(sizes)
        assert _ink(figure) > 0.01
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert sorted(labels) == ["S/N ≈ 100", "S/N ≈ 20", "noise, S/N ≈ 100", "noise, S/N ≈ 20"]
    assert "S/N around 20 and 100" in training_sizes.caption(sizes)


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


def _history(n: int, validated: bool = True, losses: tuple = training_history.LOSSES) -> pd.DataFrame:
    epoch = np.arange(n)
    frame = pd.DataFrame({"epoch": epoch, "learning_rate": 1e-3, "lambda": np.where(epoch > 2, 0.1, 0.0)})
    for name, *_ in losses:
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


def test_training_history_shows_the_guides_of_preset_fast():
    losses = (*training_history.LOSSES, *training_history.FAST_LOSSES)
    history = _history(40, losses=losses)
    with style.style():
        figure = training_history.draw(history)
        assert _ink(figure) > 0.01
        width, renderer = figure.bbox.width, figure.canvas.get_renderer()
        assert all(axes.title.get_window_extent(renderer).x1 < width for axes in figure.axes)
    assert len(figure.axes) == len(losses) + 2
    drawn = figure.axes[len(training_history.LOSSES)].lines[0].get_ydata()
    assert np.array_equal(drawn, history["guide_train"])
    assert "guides" in training_history.caption(history)


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
