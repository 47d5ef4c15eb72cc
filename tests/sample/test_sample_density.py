"""The grid density: exact moments, class fractions and draws, against brute force in three dimensions."""

import numpy as np
import pytest

from halochem import seeds
from halochem.sample.density import (
    ABUNDANCES,
    AbundanceDensity,
    GridDensity,
    Moments,
    class_fractions,
)

# Coarse and uneven on purpose: the spread inside cells matters, and no class bound falls on an edge.
FEH = np.array([-2.6, -1.7, -0.8, -0.1])
C_FE = np.array([-1.0, 0.3, 1.1, 2.9])
ALPHA_FE = np.array([-0.25, 0.1, 0.6])
P_MASS = np.array([[2.0, 1.0, 4.0], [3.0, 2.0, 0.0], [5.0, 1.0, 0.0]])
Q_MASS = np.array([[1.0, 3.0], [1.0, 4.0], [4.0, 1.0]])


@pytest.fixture
def coarse():
    return AbundanceDensity(GridDensity.of(FEH, C_FE, P_MASS), GridDensity.of(FEH, ALPHA_FE, Q_MASS))


def cells_in_3d():
    """Mass of every cell of r, from its definition: density p times density q times volume."""
    volume = np.einsum("i,j,k->ijk", np.diff(FEH), np.diff(C_FE), np.diff(ALPHA_FE))
    p = P_MASS / P_MASS.sum() / np.outer(np.diff(FEH), np.diff(C_FE))
    q = Q_MASS / Q_MASS.sum() / np.outer(np.diff(FEH), np.diff(ALPHA_FE))
    mass = p[:, :, None] * q[:, None, :] * volume
    return mass / mass.sum(), mass.sum()


def points_in_cells(n=60):
    """A fine lattice of points over every cell with their masses: integration by the midpoint rule."""
    mass, _ = cells_in_3d()
    offset = (np.arange(n) + 0.5) / n

    def inside(edges):
        return edges[:-1, None] + np.diff(edges)[:, None] * offset

    return mass, [inside(edges) for edges in (FEH, C_FE, ALPHA_FE)]


def test_normalisation_is_the_integral_of_p_times_q(coarse):
    assert coarse.z == pytest.approx(cells_in_3d()[1], rel=1e-12)
    assert coarse.feh_mass.sum() == pytest.approx(1.0, abs=1e-12)
    assert coarse.feh_mass == pytest.approx(cells_in_3d()[0].sum(axis=(1, 2)))


def test_moments_agree_with_integration_in_three_dimensions(coarse):
    mass, (feh, c_fe, alpha_fe) = points_in_cells()
    mean_of = [x.mean(axis=1) for x in (feh, c_fe, alpha_fe)]
    square_of = [(x**2).mean(axis=1) for x in (feh, c_fe, alpha_fe)]
    axes = ["ijk,i->", "ijk,j->", "ijk,k->"]
    mean = [np.einsum(a, mass, x) for a, x in zip(axes, mean_of, strict=True)]
    sigma = [np.sqrt(np.einsum(a, mass, x) - m**2) for a, x, m in zip(axes, square_of, mean, strict=True)]
    feh_c = np.einsum("ijk,i,j->", mass, mean_of[0], mean_of[1]) - mean[0] * mean[1]
    c_alpha = np.einsum("ijk,j,k->", mass, mean_of[1], mean_of[2]) - mean[1] * mean[2]
    found = coarse.moments
    assert list(found.mean.values()) == pytest.approx(mean, abs=1e-9)
    assert list(found.sigma.values()) == pytest.approx(sigma, abs=1e-3)  # the midpoint rule's own error
    assert found.correlation["feh_c"] == pytest.approx(feh_c / sigma[0] / sigma[1], abs=1e-4)
    assert found.correlation["c_alpha"] == pytest.approx(c_alpha / sigma[1] / sigma[2], abs=1e-4)


def test_class_fractions_count_parts_of_cells(coarse):
    mass, _ = cells_in_3d()
    metal_poor = np.array([1.0, 0.7 / 0.9, 0.0])
    alpha_poor = np.array([0.25 / 0.35, 0.0])
    carbon_enhanced = np.array([0.0, 0.4 / 0.8, 1.0])
    assert coarse.alpha_pmp_fraction() == pytest.approx(np.einsum("ijk,i,k->", mass, metal_poor, alpha_poor))
    assert coarse.cemp_fraction() == pytest.approx(np.einsum("ijk,i,j->", mass, metal_poor, carbon_enhanced))


def test_draws_follow_the_same_density(coarse):
    stars = coarse.draw(seeds.uniform_table(11, "test", range(20_000), 3))
    drawn, exact = Moments.of_stars(stars), coarse.moments
    error = 5 / np.sqrt(len(stars))
    for name in ABUNDANCES:
        assert drawn.mean[name] == pytest.approx(exact.mean[name], abs=error * exact.sigma[name])
        assert drawn.sigma[name] == pytest.approx(exact.sigma[name], rel=error)
    for pair, rho in exact.correlation.items():
        assert drawn.correlation[pair] == pytest.approx(rho, abs=error)
    counts, _ = np.histogramdd(stars, bins=(FEH, C_FE, ALPHA_FE))
    assert counts / len(stars) == pytest.approx(cells_in_3d()[0], abs=error / 2)
    fractions = class_fractions(stars)
    assert fractions["alpha_pmp"] == pytest.approx(coarse.alpha_pmp_fraction(), abs=error / 2)
    assert fractions["cemp"] == pytest.approx(coarse.cemp_fraction(), abs=error / 2)


def test_no_star_falls_in_an_empty_cell(coarse):
    feh, c_fe, _ = coarse.draw(seeds.uniform_table(3, "test", range(5000), 3)).T
    assert not ((feh > FEH[1]) & (c_fe > C_FE[2])).any()


def test_a_density_without_mass_is_refused():
    with pytest.raises(ValueError, match="not all zero"):
        GridDensity.of(FEH, C_FE, np.zeros((3, 3)))


def test_p_and_q_apart_in_feh_are_refused():
    left = GridDensity.of(FEH, C_FE, np.array([[1.0, 1, 1], [0, 0, 0], [0, 0, 0]]))
    right = GridDensity.of(FEH, ALPHA_FE, np.array([[0.0, 0], [0, 0], [1, 1]]))
    with pytest.raises(ValueError, match="in common"):
        AbundanceDensity(left, right)
