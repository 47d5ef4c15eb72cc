from pathlib import Path

import numpy as np
import pytest

from halochem import files, responses
from halochem.errors import UserError
from halochem.synthesize.emulator.model import load as load_emulator
from halochem.synthesize.emulator.model import read_document

SHIPPED = Path(__file__).parents[1] / "resources"

LIMITS = {"teff": (3000, 7000), "logg": (2.5, 6.0), "feh": (-3.1, 0.2), "c_fe": (-1.0, 3.0), "alpha_fe": (-0.3, 0.67)}
GRID = np.linspace(5000, 5100, 6)


def flux(labels):
    """Pixel k answers to label k only; the last one to none."""
    return np.column_stack([labels[:, :5] * [1e-4, 0.1, 0.2, 0.3, 0.4], np.ones(len(labels))]).astype(np.float32)


@pytest.fixture
def made():
    labels = responses.points(300, LIMITS)
    each = [responses.measure(flux, labels, LIMITS, name) for name in responses.ELEMENTS]
    return labels, responses.compress(each, labels, GRID, 3)


def test_points_fill_the_limits_with_halo_abundances(made):
    labels, _ = made
    for k, name in enumerate(files.STAR_LABELS):
        assert labels[:, k].min() >= LIMITS[name][0]
        assert labels[:, k].max() <= LIMITS[name][1]
    assert labels[:, 0].mean() == pytest.approx(5000, abs=150)
    assert labels[:, 2].mean() == pytest.approx(-1.23, abs=0.1)


def test_derivatives_a_standard_deviation_also_at_the_edges(made):
    labels, found = made
    assert (labels[:, 3] == LIMITS["c_fe"][0]).any() or (labels[:, 2] == LIMITS["feh"][1]).any()
    answers = found.project(np.eye(6))
    for k, (name, slope) in enumerate(zip(responses.ELEMENTS, (0.2, 0.3, 0.4), strict=True)):
        expected = np.zeros((300, 6))
        expected[:, files.STAR_LABELS.index(name)] = slope * responses.MOMENTS[name][1]
        np.testing.assert_allclose(answers[k], expected, atol=1e-5)


def test_file_keeps_them(made, tmp_path):
    responses.save(made[1], tmp_path / "r.npz", "abc")
    again = responses.load(tmp_path / "r.npz")
    np.testing.assert_allclose(again.project(np.eye(6)), made[1].project(np.eye(6)), atol=1e-4)
    np.testing.assert_allclose(again.abundances, made[0][:, 2:], atol=2e-3)
    again.check_grid(GRID, "r.npz")


def test_faults(made, tmp_path):
    with pytest.raises(UserError, match=r"none\.npz: no such file; `python -m halochem\.responses`"):
        responses.load(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_text("no")
    with pytest.raises(UserError, match=r"bad\.npz: not a file of responses"):
        responses.load(tmp_path / "bad.npz")
    with pytest.raises(UserError, match="responses on 6 pixels"):
        made[1].check_grid(GRID[:-1], "r.npz")


def test_the_shipped_ones_are_of_the_shipped_emulator():
    document = read_document(SHIPPED / "emulator")
    with np.load(SHIPPED / "responses.npz") as data:
        assert str(data["emulator_sha256"]) == document["weights_sha256"]
        labels = np.column_stack([data["teff"], data["logg"], data["abundances"]])
    expected = responses.points(responses.POINTS, load_emulator(SHIPPED / "emulator").limits)
    np.testing.assert_allclose(labels, expected, rtol=1e-3, atol=1e-4)
