"""Draw the labels of a catalog: Teff, log g, abundances of halo stars, signal-to-noise ratio.

[Fe/H], [C/Fe] and [alpha/Fe] come from r = p([Fe/H], [C/Fe]) q([Fe/H], [alpha/Fe]) / Z, where p and q are
the built-in halo densities or your own tables of stars (sample.p_table, sample.q_table). Star i of seed s has
the same labels whatever the number of stars. See docs/sampling.md.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from halochem.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from halochem.config import Config
    from halochem.sample.density import AbundanceDensity

SUMMARY = "draw the labels of a catalog from the halo's abundance density"
FIGURE_KINDS = (".pdf", ".png", ".svg")

log = logging.getLogger("halochem")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `halochem sample`."""
    parser.add_argument("--config", type=Path, help="configuration (default: the published run)")
    parser.add_argument("--seed", type=int, required=True, help="seed of the catalog, 0 or more")
    parser.add_argument("--out", type=Path, required=True, help="label table to write (Parquet)")
    parser.add_argument("--n-stars", type=int, help="number of stars (default: sample.n_stars)")
    parser.add_argument("--figure", type=Path, help="also draw p, q and stars (.pdf, .png or .svg)")
    parser.add_argument("--summary", type=Path, help="also write moments and class fractions (JSON)")


def run(args: argparse.Namespace) -> None:
    """Draw, write and describe the labels. Raises UserError on bad input."""
    _check(args)
    from halochem import config as configuration
    from halochem import files
    from halochem.sample.density import ABUNDANCES
    from halochem.sample.draw import draw_labels
    from halochem.sample.halo import halo_density

    config = configuration.load(args.config)
    if args.n_stars is not None:
        config = config.model_copy(update={"sample": config.sample.model_copy(update={"n_stars": args.n_stars})})
    density = halo_density(config.sample)
    labels = draw_labels(config.sample, density, args.seed, range(config.sample.n_stars))
    files.write_labels(labels, args.out, _metadata(config, args.seed))
    log.info("%s: %d stars", args.out, len(labels))

    summary = summarise(density, labels[list(ABUNDANCES)].to_numpy())
    for line in _lines(summary):
        log.info("%s", line)
    if args.summary:
        _write_json({"seed": args.seed, "n_stars": len(labels), **summary}, args.summary)
    if args.figure:
        from halochem.sample.figures import draw_densities, save

        save(draw_densities(density, labels), args.figure)
        log.info("%s", args.figure)


def summarise(density: AbundanceDensity, abundances: np.ndarray) -> dict[str, Any]:
    """Moments, correlations and class fractions of r and of the stars drawn, ready for JSON."""
    from dataclasses import asdict

    from halochem.sample.density import Moments, class_fractions

    expected = {"alpha_pmp": density.alpha_pmp_fraction(), "cemp": density.cemp_fraction()}
    return {
        "expected": {**asdict(density.moments), "fraction": expected},
        "drawn": {**asdict(Moments.of_stars(abundances)), "fraction": class_fractions(abundances)},
    }


def _check(args: argparse.Namespace) -> None:
    """Faults that are seen before anything is computed."""
    if not 0 <= args.seed < 2**63:
        raise UserError(f"--seed: expected a whole number from 0 to 2^63 - 1, got {args.seed}")
    if args.n_stars is not None and args.n_stars < 1:
        raise UserError(f"--n-stars: expected at least 1 star, got {args.n_stars}")
    if args.figure and args.figure.suffix.lower() not in FIGURE_KINDS:
        raise UserError(f"--figure: expected a name ending in {', '.join(FIGURE_KINDS)}, got {args.figure}")


def _metadata(config: Config, seed: int) -> dict[str, str]:
    """Provenance of the label table; a user's tables by checksum, for a path says nothing of content."""
    from halochem import files, provenance

    metadata = provenance.attributes(config, seed, "sample")
    for name in ("p_table", "q_table"):
        table = getattr(config.sample, name)
        metadata[name] = f"{table} sha256:{files.sha256(table)}" if table else "built-in"
    return metadata


def _lines(summary: dict[str, Any]) -> list[str]:
    expected, drawn = summary["expected"], summary["drawn"]
    lines = [
        f"[{name}] mean {drawn['mean'][name]:.3f}, sigma {drawn['sigma'][name]:.3f} dex "
        f"(expected {expected['mean'][name]:.3f}, {expected['sigma'][name]:.3f})"
        for name in expected["mean"]
    ]
    for kind in ("correlation", "fraction"):
        lines += [f"{kind} {name}: {drawn[kind][name]:.3f} (expected {x:.3f})" for name, x in expected[kind].items()]
    return lines


def _write_json(values: dict[str, Any], path: Path) -> None:
    import json
    import math

    from halochem.files import atomic

    def known(value: Any) -> Any:  # JSON has no NaN: the correlation of a single star is null
        if isinstance(value, dict):
            return {key: known(item) for key, item in value.items()}
        return None if isinstance(value, float) and not math.isfinite(value) else value

    with atomic(path) as temporary:
        temporary.write_text(json.dumps(known(values), indent=2) + "\n", encoding="utf-8")
