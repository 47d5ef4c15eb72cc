"""How the numbers in halo.yaml were made: `python -m halochem.sample.fit_halo` prints that file anew.

Least squares of the free parameters on the published moments of r (tightly), its correlations and the share
of alpha-poor metal-poor stars (loosely), and on first guesses read off the description of the published
pictures (each with the range within which the picture would still look the same). The moments come first:
all within half a unit of their last published digit.
"""

from __future__ import annotations

import copy
import sys
from typing import Any

import numpy as np
import yaml
from scipy.optimize import least_squares

from halochem.sample.density import AbundanceDensity
from halochem.sample.halo import (
    PUBLISHED_CORRELATION,
    PUBLISHED_MEAN,
    PUBLISHED_SIGMA,
    combine,
    default_sources,
)

# First guesses. Weights of the first components are what the others leave.
START: dict[str, Any] = {
    "p": {
        "range": {"feh": [-3.1, 0.2], "c_fe": [-1.0, 3.0]},
        "components": [
            {
                "name": "main body",
                "weight": None,
                "feh": [-1.2, 0.8],
                "ridge": [[-3.0, 0.2], [0.0, 0.4]],
                "scatter": 0.42,
            },
            {
                "name": "carbon-rich clump",
                "weight": 0.17,
                "feh": [-1.8, 0.4],
                "ridge": [[-1.8, 2.0]],
                "scatter": 0.4,
                "feh_max": -0.5,
            },
        ],
    },
    "q": {
        "range": {"feh": [-3.1, 0.2], "alpha_fe": [-0.3, 0.67]},
        "components": [
            {
                "name": "plateau and knee",
                "weight": None,
                "feh": [-1.2, 0.8],
                "ridge": [[-1.2, 0.28], [0.1, 0.04]],
                "scatter": 0.06,
            },
            {
                "name": "alpha-poor tail",
                "weight": 0.12,
                "feh": [-1.2, 0.8],
                "ridge": [[-1.2, -0.07], [0.1, -0.1]],
                "scatter": 0.075,
            },
            {
                "name": "broad floor",
                "weight": 0.1,
                "feh": [-1.2, 0.8],
                "ridge": [[-1.2, 0.3], [0.1, 0.15]],
                "scatter": 0.14,
            },
        ],
    },
}

# Free parameters: where in the table (several places share one value), and by how much the guess may move.
FREE: tuple[tuple[tuple[str, ...], float], ...] = (
    (("p/0/feh/0",), 0.1),
    (("p/0/feh/1",), 0.1),
    (("p/0/ridge/0/1",), 0.12),
    (("p/0/ridge/1/1",), 0.12),
    (("p/0/scatter",), 0.05),
    (("p/1/weight",), 0.04),
    (("p/1/feh/0",), 0.04),
    (("p/1/feh/1",), 0.05),
    (("p/1/ridge/0/1",), 0.05),
    (("p/1/scatter",), 0.05),
    (("q/0/feh/0", "q/1/feh/0", "q/2/feh/0"), 0.1),
    (("q/0/feh/1", "q/1/feh/1", "q/2/feh/1"), 0.1),
    (("q/0/ridge/0/1",), 0.015),
    (("q/0/ridge/1/1",), 0.03),
    (("q/0/scatter",), 0.008),
    (("q/1/weight",), 0.03),
    (("q/1/scatter",), 0.004),
    (("q/2/weight",), 0.03),
    (("q/2/scatter",), 0.01),
)

# What the fit may leave: dex for the moments (published to 0.01), then correlations and the alpha-poor share.
MOMENT_TOLERANCE = 0.0025
CORRELATION_TOLERANCE = {"feh_alpha": 0.02, "feh_c": 0.02, "c_alpha": 0.03}
ALPHA_PMP, ALPHA_PMP_TOLERANCE = 0.10, 0.0045  # "only about 10 %", Sect. 4.1
DECIMALS = 3


def _locate(table: dict[str, Any], path: str) -> tuple[Any, Any]:
    """The container and the last key of a path such as p/0/feh/1 (counted within the components)."""
    density, *steps = (int(step) if step.isdigit() else step for step in path.split("/"))
    node = table[density]["components"]
    for step in steps[:-1]:
        node = node[step]
    return node, steps[-1]


def with_values(values: np.ndarray) -> dict[str, Any]:
    """START with the free parameters set and the first weights completed."""
    table = copy.deepcopy(START)
    for (paths, _), value in zip(FREE, values, strict=True):
        for path in paths:
            node, key = _locate(table, path)
            node[key] = round(float(value), 12)
    for density in table.values():
        first, *others = density["components"]
        first["weight"] = round(1.0 - sum(other["weight"] for other in others), 12)
    return table


def start_values() -> np.ndarray:
    """The first guesses of the free parameters."""
    found = (_locate(START, paths[0]) for paths, _ in FREE)
    return np.array([node[key] for node, key in found], float)


def _residuals(values: np.ndarray) -> np.ndarray:
    r = combine(*default_sources(with_values(values)))
    m = r.moments
    misses = [(m.mean[x] - PUBLISHED_MEAN[x]) / MOMENT_TOLERANCE for x in PUBLISHED_MEAN]
    misses += [(m.sigma[x] - PUBLISHED_SIGMA[x]) / MOMENT_TOLERANCE for x in PUBLISHED_SIGMA]
    misses += [(m.correlation[x] - PUBLISHED_CORRELATION[x]) / t for x, t in CORRELATION_TOLERANCE.items()]
    misses += [(r.alpha_pmp_fraction() - ALPHA_PMP) / ALPHA_PMP_TOLERANCE]
    return np.concatenate([misses, (values - start_values()) / [tolerance for _, tolerance in FREE]])


def fit() -> dict[str, Any]:
    """The fitted table, its parameters rounded to DECIMALS."""
    scale = np.array([tolerance for _, tolerance in FREE])
    found = least_squares(_residuals, start_values(), x_scale=scale, diff_step=1e-3)
    return with_values(np.round(found.x, DECIMALS))


def describe(r: AbundanceDensity) -> str:
    """Moments, correlations and class fractions of r beside what the paper gives, one a line."""
    m, lines = r.moments, []
    for name, mean in PUBLISHED_MEAN.items():
        sigma = f"sigma {m.sigma[name]:.4f} ({PUBLISHED_SIGMA[name]:g})"
        lines.append(f"{name}: mean {m.mean[name]:.4f} ({mean:g}), {sigma}")
    lines += [f"rho {x}: {m.correlation[x]:.3f} ({rho:g})" for x, rho in PUBLISHED_CORRELATION.items()]
    lines.append(f"alpha-poor metal-poor {r.alpha_pmp_fraction():.4f} ({ALPHA_PMP:g})")
    lines.append(f"carbon-enhanced metal-poor {r.cemp_fraction():.4f} (not published)")
    return "\n".join(lines)


def as_yaml(table: dict[str, Any]) -> str:
    """The text of halo.yaml."""
    r = combine(*default_sources(table))
    head = [
        "The built-in halo densities: truncated mixtures, dex throughout; Component in halo.py says what the",
        "entries mean. Generated: python -m halochem.sample.fit_halo > src/halochem/sample/halo.yaml",
        "What they give for r = p q / Z, and in brackets what Signor et al. 2025 give:",
        *("  " + line for line in describe(r).splitlines()),
    ]
    body = yaml.safe_dump(table, sort_keys=False, default_flow_style=None, width=100)
    return "".join(f"# {line}\n" for line in head) + body


if __name__ == "__main__":
    sys.stdout.write(as_yaml(fit()))
