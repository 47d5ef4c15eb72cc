"""Abundance densities on a grid, exact for the density that is constant within each cell.

Everything reported of a density (moments, class fractions) and everything drawn from it refers to the same
piecewise-constant function: a draw takes a cell by its mass and is then uniform inside it.

Source of the construction: Signor et al. 2025, A&A 704, A279, Eqs. 9-11.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

ABUNDANCES = ("feh", "c_fe", "alpha_fe")

# Class bounds in dex, Signor et al. 2025, Sect. 2.5
METAL_POOR = -1.0  # [Fe/H] below
ALPHA_POOR = 0.0  # [alpha/Fe] below
CARBON_ENHANCED = 0.7  # [C/Fe] above


@dataclass(frozen=True)
class GridDensity:
    """A density over ([Fe/H], y), constant within each cell of a rectangular grid."""

    feh_edges: np.ndarray  # (nf + 1,) ascending, dex
    y_edges: np.ndarray  # (ny + 1,) ascending, dex
    mass: np.ndarray  # (nf, ny) probability of each cell, sums to 1

    @classmethod
    def of(cls, feh_edges: np.ndarray, y_edges: np.ndarray, mass: np.ndarray) -> GridDensity:
        """Normalise `mass` (any positive scale). Raises ValueError where there is nothing to normalise."""
        total = mass.sum()
        if not (np.isfinite(total) and total > 0 and (mass >= 0).all()):
            raise ValueError("cell masses must be finite, not negative, and not all zero")
        return cls(feh_edges, y_edges, mass / total)

    @cached_property
    def density(self) -> np.ndarray:
        """Probability per dex², shape (nf, ny)."""
        return self.mass / np.outer(np.diff(self.feh_edges), np.diff(self.y_edges))

    @cached_property
    def feh_mass(self) -> np.ndarray:
        """Marginal probability of each [Fe/H] column, shape (nf,)."""
        return self.mass.sum(axis=1)

    @cached_property
    def conditional(self) -> np.ndarray:
        """Probability of each y cell given the column, shape (nf, ny); zero in columns without mass."""
        column = self.feh_mass[:, None]
        return np.divide(self.mass, column, out=np.zeros_like(self.mass), where=column > 0)


@dataclass(frozen=True)
class Moments:
    """Mean [dex], standard deviation [dex] by abundance, and correlation by pair."""

    mean: dict[str, float]
    sigma: dict[str, float]
    correlation: dict[str, float]

    @classmethod
    def of(cls, mean: np.ndarray, covariance: np.ndarray) -> Moments:
        """From a mean vector (3,) and a covariance matrix (3, 3) in the order of ABUNDANCES."""
        sigma = np.sqrt(np.diag(covariance))
        with np.errstate(invalid="ignore", divide="ignore"):  # one star has no correlation: NaN says so
            rho = covariance / np.outer(sigma, sigma)
        return cls(
            dict(zip(ABUNDANCES, mean.tolist(), strict=True)),
            dict(zip(ABUNDANCES, sigma.tolist(), strict=True)),
            {"feh_alpha": float(rho[0, 2]), "feh_c": float(rho[0, 1]), "c_alpha": float(rho[1, 2])},
        )

    @classmethod
    def of_stars(cls, abundances: np.ndarray) -> Moments:
        """Of a sample: abundances of shape (n, 3) in the order of ABUNDANCES."""
        return cls.of(abundances.mean(axis=0), np.cov(abundances, rowvar=False, ddof=0))


@dataclass(frozen=True)
class AbundanceDensity:
    """r = p([Fe/H], [C/Fe]) q([Fe/H], [alpha/Fe]) / Z on the [Fe/H] grid that p and q share.

    r needs no 3-D array: given the [Fe/H] column, [C/Fe] and [alpha/Fe] are independent, with the
    conditionals of p and q, and the mass of a column is p's times q's over its width.
    """

    p: GridDensity
    q: GridDensity

    def __post_init__(self) -> None:
        if not np.array_equal(self.p.feh_edges, self.q.feh_edges):
            raise ValueError("p and q must share their [Fe/H] edges")
        if not self.z > 0:
            raise ValueError("p and q have no [Fe/H] in common")

    @cached_property
    def _product(self) -> np.ndarray:
        return self.p.feh_mass * self.q.feh_mass / np.diff(self.p.feh_edges)

    @property
    def z(self) -> float:
        """The normalisation Z = ∫ p q, Eq. 11 [1/dex]."""
        return float(self._product.sum())

    @cached_property
    def feh_mass(self) -> np.ndarray:
        """Marginal probability of each [Fe/H] column in r, shape (nf,)."""
        return self._product / self.z

    @cached_property
    def moments(self) -> Moments:
        """Exact mean, standard deviation and correlations of r, the spread within cells included."""
        grids = ((self.p.feh_edges, None), (self.p.y_edges, self.p), (self.q.y_edges, self.q))
        given, square = [], []  # E[x | column] and E[x² | column]
        for edges, grid in grids:
            first, second = _cell_moments(edges)
            given.append(first if grid is None else grid.conditional @ first)
            square.append(second if grid is None else grid.conditional @ second)
        columns = np.array(given)  # (3, nf)
        mean = columns @ self.feh_mass
        offset = columns - mean[:, None]
        covariance = (offset * self.feh_mass) @ offset.T  # independent within a column: nothing to add ...
        variance = np.array(square) @ self.feh_mass - mean**2  # ... but on the diagonal
        np.fill_diagonal(covariance, variance)
        return Moments.of(mean, covariance)

    def alpha_pmp_fraction(self) -> float:
        """Share of alpha-poor metal-poor stars: [alpha/Fe] < 0 and [Fe/H] < -1."""
        return self._metal_poor_fraction(self.q, _share_below(self.q.y_edges, ALPHA_POOR))

    def cemp_fraction(self) -> float:
        """Share of carbon-enhanced metal-poor stars: [C/Fe] > 0.7 and [Fe/H] < -1."""
        return self._metal_poor_fraction(self.p, 1.0 - _share_below(self.p.y_edges, CARBON_ENHANCED))

    def _metal_poor_fraction(self, grid: GridDensity, share: np.ndarray) -> float:
        metal_poor = self.feh_mass * _share_below(grid.feh_edges, METAL_POOR)
        return float(metal_poor @ (grid.conditional @ share))

    def draw(self, uniforms: np.ndarray) -> np.ndarray:
        """Abundances for draws from U(0, 1): both of shape (n, 3), columns in the order of ABUNDANCES.

        Inversion of the exact distribution function: [Fe/H], then the other two given its column.
        """
        edges, cdf = self.p.feh_edges, _cdf(self.feh_mass)
        column = np.searchsorted(cdf, uniforms[:, 0], side="right") - 1
        stars = np.empty_like(uniforms)
        stars[:, 0] = np.interp(uniforms[:, 0], cdf, edges)
        for column_of_stars, grid in ((1, self.p), (2, self.q)):
            for cell in np.unique(column):
                rows = column == cell
                stars[rows, column_of_stars] = np.interp(
                    uniforms[rows, column_of_stars], _cdf(grid.conditional[cell]), grid.y_edges
                )
        return stars


def class_fractions(abundances: np.ndarray) -> dict[str, float]:
    """Shares of the two classes in a sample: abundances of shape (n, 3) in the order of ABUNDANCES."""
    feh, c_fe, alpha_fe = abundances.T
    metal_poor = feh < METAL_POOR
    return {
        "alpha_pmp": float(np.mean(metal_poor & (alpha_fe < ALPHA_POOR))),
        "cemp": float(np.mean(metal_poor & (c_fe > CARBON_ENHANCED))),
    }


def _cell_moments(edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and mean square of a uniform variable in each cell."""
    centre, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    return centre, centre**2 + width**2 / 12


def _share_below(edges: np.ndarray, bound: float) -> np.ndarray:
    """The part of each cell that lies below `bound`, 0 to 1."""
    return np.clip((bound - edges[:-1]) / np.diff(edges), 0.0, 1.0)


def _cdf(mass: np.ndarray) -> np.ndarray:
    """The distribution function at the edges, from 0 to exactly 1."""
    total = np.concatenate([[0.0], np.cumsum(mass)])
    return total / total[-1]
