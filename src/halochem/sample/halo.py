"""The default halo: p([Fe/H], [C/Fe]) and q([Fe/H], [alpha/Fe]) as truncated mixtures.

Signor et al. 2025 (A&A 704, A279, Sect. 3) give the densities as pictures and the moments of r as numbers,
but no formula. The mixtures here are halochem's own: their parameters, in halo.yaml beside this module, are
fitted by `fit_halo` to those numbers; they are no measurement of the halo. docs/sampling.md shows both.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Any, Protocol

import numpy as np
import yaml
from scipy.interpolate import PchipInterpolator

from halochem.config import Sample
from halochem.errors import UserError
from halochem.sample.density import AbundanceDensity, GridDensity

# Cell sizes [dex]: far below every spread of the mixtures (0.04 at least) and below any measurement error.
FEH_STEP = 0.01
Y_STEP = {"c_fe": 0.01, "alpha_fe": 0.005}
TAPER = 0.15  # dex

# Signor et al. 2025, Eqs. 12-14, and the correlations of their latent prior, Appendix A
PUBLISHED_MEAN = {"feh": -1.23, "c_fe": 0.62, "alpha_fe": 0.22}
PUBLISHED_SIGMA = {"feh": 0.57, "c_fe": 0.75, "alpha_fe": 0.15}
PUBLISHED_CORRELATION = {"feh_alpha": -0.3, "feh_c": -0.17, "c_alpha": 0.0}


class Source(Protocol):
    """Anything that can put a density over ([Fe/H], y) on a grid."""

    name: str  # for messages
    feh_range: tuple[float, float]  # dex
    y_range: tuple[float, float]  # dex

    def on_grid(self, feh_edges: np.ndarray, y_edges: np.ndarray) -> GridDensity:
        """The density on the cells between these edges, normalised there."""


@dataclass(frozen=True)
class Component:
    """A ridge of stars: Gaussian in [Fe/H], and in y about a line that may bend with [Fe/H]. All in dex."""

    name: str
    weight: float  # share of the whole density, after truncation
    feh: tuple[float, float]  # mean, standard deviation
    ridge: tuple[tuple[float, float], ...]  # ([Fe/H], mean y); monotone cubic between, constant beyond
    scatter: float  # standard deviation of y about the ridge
    feh_max: float = np.inf  # no star above; the density falls to zero there over about 2 TAPER

    def mean_y(self, feh: np.ndarray) -> np.ndarray:
        """The ridge's y at `feh`, same shape."""
        nodes = np.array(self.ridge)
        # Outer nodes repeat the ends, so that the line leaves a plateau with no kink.
        nodes = np.vstack([nodes[0] - (9.0, 0.0), nodes, nodes[-1] + (9.0, 0.0)])
        return PchipInterpolator(nodes[:, 0], nodes[:, 1])(feh)

    def on_cells(self, feh: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Probability of cells centred at `feh` (nf,) and `y` (ny,), adding up to the weight: (nf, ny)."""
        mean, sigma = self.feh
        taper = -np.expm1(-0.5 * (np.minimum(feh - self.feh_max, 0.0) / TAPER) ** 2)
        column = taper * np.exp(-0.5 * ((feh - mean) / sigma) ** 2)
        offset = (y[None, :] - self.mean_y(feh)[:, None]) / self.scatter
        cells = column[:, None] * np.exp(-0.5 * offset**2)
        return self.weight * cells / cells.sum()


@dataclass(frozen=True)
class Mixture:
    """Components, truncated to a rectangle."""

    name: str
    feh_range: tuple[float, float]
    y_range: tuple[float, float]
    components: tuple[Component, ...]

    @classmethod
    def of(cls, name: str, y_name: str, table: dict[str, Any]) -> Mixture:
        """From the layout of halo.yaml."""
        components = tuple(Component(**entry) for entry in table["components"])
        return cls(name, tuple(table["range"]["feh"]), tuple(table["range"][y_name]), components)

    def on_grid(self, feh_edges: np.ndarray, y_edges: np.ndarray) -> GridDensity:
        """The mixture on cells of equal size; each component has its weight over the grid's rectangle."""
        feh, y = (feh_edges[1:] + feh_edges[:-1]) / 2, (y_edges[1:] + y_edges[:-1]) / 2
        return GridDensity.of(feh_edges, y_edges, sum(part.on_cells(feh, y) for part in self.components))


def default_table() -> dict[str, Any]:
    """The parameters in halo.yaml: p and q, each with range and components."""
    return yaml.safe_load(resources.files(__package__).joinpath("halo.yaml").read_text(encoding="utf-8"))


def default_sources(table: dict[str, Any] | None = None) -> tuple[Mixture, Mixture]:
    """The default p and q (or those of another table of the same layout)."""
    table = default_table() if table is None else table
    return (
        Mixture.of("the built-in p", "c_fe", table["p"]),
        Mixture.of("the built-in q", "alpha_fe", table["q"]),
    )


def combine(p: Source, q: Source) -> AbundanceDensity:
    """r = p q / Z over the [Fe/H] that both cover.

    Raises UserError where they have no [Fe/H] in common.
    """
    low, high = max(p.feh_range[0], q.feh_range[0]), min(p.feh_range[1], q.feh_range[1])
    covered = ", ".join(f"{s.name} covers {s.feh_range[0]:.2f} to {s.feh_range[1]:.2f}" for s in (p, q))
    advice = "give tables whose stars overlap in [Fe/H]"
    if not low < high:
        raise UserError(f"no [Fe/H] common to p and q: {covered}; {advice}")
    feh_edges = _edges((low, high), FEH_STEP)
    try:
        return AbundanceDensity(
            p.on_grid(feh_edges, _edges(p.y_range, Y_STEP["c_fe"])),
            q.on_grid(feh_edges, _edges(q.y_range, Y_STEP["alpha_fe"])),
        )
    except ValueError as error:
        raise UserError(f"no [Fe/H] common to p and q ({error}): {covered}; {advice}") from None


def halo_density(sample: Sample) -> AbundanceDensity:
    """The density r that a configuration asks for: built-in, or with the user's tables for p, q or both."""
    from halochem.sample.tables import StarTable

    p, q = default_sources()
    return combine(
        StarTable.read(sample.p_table, "c_fe", sample.bandwidth) if sample.p_table else p,
        StarTable.read(sample.q_table, "alpha_fe", sample.bandwidth) if sample.q_table else q,
    )


def _edges(bounds: tuple[float, float], step: float) -> np.ndarray:
    """Edges of equal cells of about `step` from the lower to the upper bound."""
    low, high = bounds
    return np.linspace(low, high, max(1, round((high - low) / step)) + 1)
