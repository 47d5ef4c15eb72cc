"""Which corners are taken, in full grids, at holes, at edges and where alpha follows [Fe/H]."""

from __future__ import annotations

import itertools

import pytest

from halochem import seeds
from halochem.synthesize.atmospheres.marcs_cell import Cells

TEFF = [4000.0, 4250.0, 4500.0, 4750.0, 5000.0]
LOGG = [3.0, 3.5, 4.0, 4.5]
FEH = [-2.0, -1.5, -1.0, -0.5, 0.0]
ALPHA = [0.0, 0.4]
FULL = frozenset(itertools.product(TEFF, LOGG, FEH, ALPHA))


def standard(feh: float) -> float:
    return min(max(-0.4 * feh, 0.0), 0.4)


TIED = frozenset((t, g, feh, standard(feh)) for t, g, feh in itertools.product(TEFF, LOGG, FEH))


def check(cell, labels):
    assert sum(cell.weights.values()) == pytest.approx(1.0)
    assert all(weight > 0 and label in labels for label, weight in cell.weights.items())
    for axis in range(4):
        taken = sum(weight * label[axis] for label, weight in cell.weights.items())
        assert cell.taken[axis] == pytest.approx(taken)


def test_sixteen_corners_with_multilinear_weights():
    cell = Cells(FULL)((4300.0, 3.6, -1.2, 0.1))
    check(cell, FULL)
    assert cell.taken == pytest.approx((4300.0, 3.6, -1.2, 0.1))
    assert len(cell.weights) == 16
    assert cell.weights[4250.0, 3.5, -1.5, 0.0] == pytest.approx(0.8 * 0.8 * 0.4 * 0.75)
    assert cell.weights[4500.0, 4.0, -1.0, 0.4] == pytest.approx(0.2 * 0.2 * 0.6 * 0.25)
    assert cell.wide == ()


@pytest.mark.parametrize("star", sorted(FULL)[::17])
def test_a_model_is_itself(star):
    assert Cells(FULL)(star).weights == {star: 1.0}


def test_any_star_inside_is_taken_where_it_is():
    cells = Cells(FULL)
    low, high = [4000.0, 3.0, -2.0, 0.0], [5000.0, 4.5, 0.0, 0.4]
    for draw in seeds.uniform_table(1, "test/cells", range(40), 4):
        star = tuple(a + (b - a) * float(x) for a, b, x in zip(low, high, draw, strict=True))
        cell = cells(star)
        check(cell, FULL)
        assert cell.taken == pytest.approx(star)
        assert cell.wide == ()


# --- holes ----------------------------------------------------------------------------------------------


def test_missing_corner_is_bridged_by_the_smallest_cell_around():
    hole = (4500.0, 3.5, -1.0, 0.0)
    cell = Cells(FULL - {hole})((4400.0, 3.6, -1.2, 0.1))
    check(cell, FULL - {hole})
    assert cell.taken == pytest.approx((4400.0, 3.6, -1.2, 0.1))
    widths = [
        max(label[axis] for label in cell.weights) - min(label[axis] for label in cell.weights) for axis in range(3)
    ]
    assert sorted(width / step for width, step in zip(widths, (250.0, 0.5, 0.5), strict=True)) == [1.0, 1.0, 2.0]
    assert len(cell.wide) == 1


def test_star_at_a_missing_model():
    hole = (4500.0, 3.5, -1.0, 0.0)
    cell = Cells(FULL - {hole})(hole)
    check(cell, FULL - {hole})
    assert cell.taken == pytest.approx(hole)
    assert len(cell.weights) == 2
    assert len(cell.wide) == 1


def test_missing_plane_is_named():
    labels = frozenset(label for label in FULL if label[:2] != (4500.0, 4.0))
    cell = Cells(labels)((4500.0, 4.0, -1.0, 0.0))
    assert cell.wide in (("teff 4250 to 4750",), ("logg 3.5 to 4.5",))


def test_odd_model_makes_no_hole():
    """The Sun's own model in a folder of hundreds."""
    labels = FULL | {(4777.0, 4.44, 0.0, 0.0)}
    cell = Cells(labels)((4800.0, 4.2, -0.2, 0.0))
    check(cell, labels)
    assert cell.taken == pytest.approx((4800.0, 4.2, -0.2, 0.0))
    assert cell.wide == ()


# --- edges ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ((4300.0, 6.0, -1.2, 0.1), (4300.0, 4.5, -1.2, 0.1)),
        ((3000.0, 3.6, -3.1, 0.1), (4000.0, 3.6, -2.0, 0.1)),
        ((7000.0, 2.5, 0.2, 0.6), (5000.0, 3.0, 0.0, 0.4)),
    ],
)
def test_outside_the_box_the_nearest_edge(asked, taken):
    cell = Cells(FULL)(asked)
    check(cell, FULL)
    assert cell.taken == pytest.approx(taken)


def test_edge_inside_the_box():
    """Log g 4.5 for the cool ones alone, as the grid's 5.5 is: a hot star gets 4.0, not a cool structure."""
    labels = frozenset(label for label in FULL if label[1] < 4.5 or label[0] <= 4250)
    cell = Cells(labels)((4900.0, 4.5, -1.2, 0.1))
    check(cell, labels)
    assert cell.taken == pytest.approx((4900.0, 4.0, -1.2, 0.1))
    assert Cells(labels)((4100.0, 4.5, -1.2, 0.1)).taken == pytest.approx((4100.0, 4.5, -1.2, 0.1))


def test_far_outside_a_small_grid():
    labels = frozenset({(4000.0, 1.0, -1.0, 0.4), (8000.0, 5.0, -1.0, 0.4)})
    cell = Cells(labels)((7500.0, 1.0, 0.0, 0.0))
    check(cell, labels)
    assert Cells(frozenset({(4000.0, 1.0, -1.0, 0.4)}))((6000.0, 4.0, 0.0, 0.0)).taken == (4000.0, 1.0, -1.0, 0.4)


# --- alpha ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha_fe", [-0.2, 0.0, 0.1, 0.4])
def test_tied_alpha_comes_with_the_metallicity(alpha_fe):
    cell = Cells(TIED)((4300.0, 3.6, -0.7, alpha_fe))
    check(cell, TIED)
    assert cell.taken == pytest.approx((4300.0, 3.6, -0.7, 0.28))
    assert {label[2] for label in cell.weights} == {-1.0, -0.5}
    assert cell.wide == ()


def test_alpha_planes_that_differ_with_metallicity():
    """Standard and alpha-poor models together: each [Fe/H] has its own two."""
    labels = TIED | {(t, g, feh, 0.0) for t, g, feh in itertools.product(TEFF, LOGG, FEH)}
    cell = Cells(labels)((4300.0, 3.6, -0.75, 0.15))
    check(cell, labels)
    assert cell.taken == pytest.approx((4300.0, 3.6, -0.75, 0.15))
    assert {label[2:] for label in cell.weights} == {(-1.0, 0.0), (-1.0, 0.4), (-0.5, 0.0), (-0.5, 0.2)}
    assert cell.wide == ()
