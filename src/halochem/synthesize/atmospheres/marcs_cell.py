"""Which models of a grid to interpolate in, and with what weights.

The cell is a rectangle in teff and logg at one or two [Fe/H]; in [alpha/Fe] each [Fe/H] has the values that are there,
so that grids whose alpha follows [Fe/H] (the standard composition of MARCS) need no special case. Of all cells whose
corners exist the cheapest is taken: first how far it is from the star, then how wide it is.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass

import numpy as np

NAMES = ("teff", "logg", "feh", "alpha_fe")
Labels = tuple[float, float, float, float]
# Distances that matter about as much to a spectrum, for the choice of the nearest edge.
EDGE_SCALE = {"teff": 100.0, "logg": 0.5, "feh": 0.5}
# Usual steps of the grid, for the choice of the smallest cell.
STEP = {"teff": 250.0, "logg": 0.5, "feh": 0.5, "alpha_fe": 0.4}
# Any step to an edge costs more than any width; alpha alone may be missed rather than bridge a wide hole.
EDGE_COST, ALPHA_COST = 100.0, 10.0
NEIGHBOURS = 3  # values of a label that are tried on each side of the star
# An axis value with fewer models than this share (the Sun's 5777 K in a folder of thousands) makes no hole beside it.
RARE = 0.01
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Cell:
    """The corners of a cell and their weights, which sum to 1."""

    weights: dict[Labels, float]
    taken: Labels  # labels that these weights stand for
    wide: tuple[str, ...]  # sides that bridge a hole, as text


@dataclass(frozen=True)
class _Side:
    """One way to take one label: one value (a node) or two (a bracket), with weights."""

    values: tuple[float, ...]
    weights: tuple[float, ...]
    taken: float
    bridges: bool  # values that other models have lie between the two

    @property
    def width(self) -> float:
        return self.values[-1] - self.values[0]


class Cells:
    """Chooses cells among the labels of a grid's models."""

    def __init__(self, labels: frozenset[Labels]) -> None:
        """Index the models' labels, each (teff, logg, feh, alpha_fe)."""
        self._labels = labels
        counts = [Counter(label[axis] for label in labels) for axis in range(4)]
        self._values = [np.array(sorted(count)) for count in counts]
        self._common = [
            np.array(sorted(value for value in count if count[value] >= RARE * len(labels))) for count in counts
        ]
        pairs = {label[2:] for label in labels}
        self._alphas = {
            feh: np.array(sorted(alpha for other, alpha in pairs if other == feh)) for feh in self._values[2]
        }

    def __call__(self, asked: Labels) -> Cell:
        """The cell for a star; a grid of one model gives that model."""
        sides = [self._sides(axis, asked[axis]) for axis in range(2)]
        mixtures = self._mixtures(asked)
        costs = [np.array([self._cost(axis, side, asked[axis]) for side in sides[axis]]) for axis in range(2)]
        mixture_costs = np.array([cost for cost, *_ in mixtures])
        total = costs[0][:, None, None] + costs[1][None, :, None] + mixture_costs[None, None, :]
        for place in np.argsort(total, axis=None, kind="stable"):
            i, j, k = np.unravel_index(place, total.shape)
            _, corners, wide = mixtures[k]
            cell = self._complete(sides[0][i], sides[1][j], corners, wide)
            if cell is not None:
                return cell
        return self._nearest(asked)

    def _sides(self, axis: int, asked: float, values: np.ndarray | None = None) -> list[_Side]:
        values = self._values[axis] if values is None else values
        inside = float(np.clip(asked, values[0], values[-1]))
        exact = np.abs(values - inside) <= TOLERANCE * max(1.0, abs(inside))
        below, above = values[(values < inside) & ~exact], values[(values > inside) & ~exact]
        near = [*values[exact], *below[::-1][:NEIGHBOURS], *above[:NEIGHBOURS]]
        sides = [_Side((float(value),), (1.0,), float(value), False) for value in near]
        for low, high in itertools.product(below[::-1][:NEIGHBOURS], above[:NEIGHBOURS]):
            share = (inside - low) / (high - low)
            common = self._common[axis]
            bridges = bool(((common > low) & (common < high) & np.isin(common, values)).any())
            sides.append(_Side((float(low), float(high)), (1.0 - share, share), inside, bridges))
        return sides

    def _cost(self, axis: int, side: _Side, asked: float) -> float:
        name = NAMES[axis]
        distance = abs(side.taken - asked)
        moved = distance > TOLERANCE * max(1.0, abs(asked))
        return EDGE_COST * (moved + distance / EDGE_SCALE[name]) + side.width / STEP[name]

    def _alpha_cost(self, sides: list[_Side], asked: float) -> list[float]:
        """What each side costs; the narrowest around the star is free, however far apart the values there are."""
        around = [side.width for side in sides if abs(side.taken - asked) <= TOLERANCE]
        free = min(around, default=0.0)
        return [ALPHA_COST * abs(side.taken - asked) + max(side.width - free, 0.0) / STEP["alpha_fe"] for side in sides]

    def _mixtures(self, asked: Labels) -> list[tuple[float, dict[tuple[float, float], float], tuple[str, ...]]]:
        """Ways to take [Fe/H] and [alpha/Fe] together: cost, weights of (feh, alpha_fe), sides that bridge a hole."""
        mixtures = []
        for side in self._sides(2, asked[2]):
            choices = []
            for feh in side.values:
                alphas = self._sides(3, asked[3], self._alphas[feh])
                choices.append(list(zip(alphas, self._alpha_cost(alphas, asked[3]), strict=True)))
            for chosen in itertools.product(*choices):
                corners: Counter[tuple[float, float]] = Counter()
                cost, wide = self._cost(2, side, asked[2]), _bridge(2, side)
                for feh, share, (alpha, alpha_cost) in zip(side.values, side.weights, chosen, strict=True):
                    cost += share * alpha_cost
                    wide += _bridge(3, alpha)
                    for value, part in zip(alpha.values, alpha.weights, strict=True):
                        corners[feh, value] += share * part
                mixtures.append((cost, dict(corners), wide))
        return mixtures

    def _complete(self, teff: _Side, logg: _Side, mixture: dict, wide: tuple[str, ...]) -> Cell | None:
        weights: dict[Labels, float] = {}
        for (t, part_t), (g, part_g) in itertools.product(
            *(zip(s.values, s.weights, strict=True) for s in (teff, logg))
        ):
            for (feh, alpha), share in mixture.items():
                label = (t, g, feh, alpha)
                if label not in self._labels:
                    return None
                weights[label] = part_t * part_g * share
        return _cell(weights, (*_bridge(0, teff), *_bridge(1, logg), *dict.fromkeys(wide)))

    def _nearest(self, asked: Labels) -> Cell:
        scale = {**EDGE_SCALE, "alpha_fe": STEP["alpha_fe"]}

        def distance(label: Labels) -> tuple[float, Labels]:
            return sum(abs(label[axis] - asked[axis]) / scale[NAMES[axis]] for axis in range(4)), label

        return _cell({min(self._labels, key=distance): 1.0}, ())


def _bridge(axis: int, side: _Side) -> tuple[str, ...]:
    return (f"{NAMES[axis]} {side.values[0]:g} to {side.values[-1]:g}",) if side.bridges else ()


def _cell(weights: dict[Labels, float], wide: tuple[str, ...]) -> Cell:
    weights = {label: float(share) for label, share in weights.items() if share > 0}
    return Cell(weights, tuple(sum(share * label[axis] for label, share in weights.items()) for axis in range(4)), wide)
