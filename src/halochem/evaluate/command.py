"""Measure a catalog's table on its held-out stars, or summarise several catalogs.

  halochem evaluate --limits-of results/catalogs/halo-1.h5 --out results/evaluation/bounds-1.parquet
  halochem evaluate --peers-of results/catalogs/halo-1.h5 --out results/evaluation/peers-1.parquet
  halochem evaluate --table results/tables/halo-1.parquet --bounds results/evaluation/bounds-1.parquet \\
      --peers results/evaluation/peers-1.parquet --out results/evaluation/halo-1.json
  halochem evaluate --summary results/evaluation/halo-*.json --out results/evaluation/summary.parquet

The first gives each test star its Cramer-Rao bound, from the emulator's derivatives, and the best estimate that the
noise allows. The second gives it the labels that The Cannon and a supervised network read. The third writes
reconstruction errors, correlations of the latents with the labels, abundance and parameter errors, precision and recall
of the flags, and these beside the peers and the limits, where given; each with the stars it rests on and the paper's
value (docs/evaluation.md). The fourth writes their mean and spread over catalogs, and the same as a page (summary.md
beside summary.parquet).
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from halochem.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from halochem.config import Config

SUMMARY = "measure the product on held-out stars, beside the paper's values, peers and limits"

log = logging.getLogger("halochem")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `halochem evaluate`."""
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--table", type=Path, metavar="PARQUET", help="the catalog's table, from `halochem encode`")
    mode.add_argument("--summary", type=Path, nargs="+", metavar="JSON", help="evaluations to summarise, one a catalog")
    mode.add_argument("--limits-of", type=Path, metavar="H5", help="catalog whose test stars' bounds are wanted")
    mode.add_argument("--peers-of", type=Path, metavar="H5", help="catalog on which other methods are tried")
    parser.add_argument("--bounds", type=Path, metavar="PARQUET", help="with --table: what --limits-of wrote")
    parser.add_argument("--peers", type=Path, metavar="PARQUET", help="with --table: what --peers-of wrote")
    parser.add_argument(
        "--out", type=Path, required=True, help="file to write: .json with --table, .parquet with the others"
    )
    parser.add_argument(
        "--config", type=Path, metavar="YAML", help="configuration of the run, which --limits-of and --peers-of need"
    )


def run(arguments: argparse.Namespace) -> None:
    """Write what the mode says."""
    from halochem import config

    settings = config.load(arguments.config)
    _check_suffix(arguments.out, ".json" if arguments.table else ".parquet")
    for name in ("bounds", "peers"):
        if getattr(arguments, name) and not arguments.table:
            raise UserError(f"--{name}: goes with --table only")
    if arguments.table:
        _evaluate(arguments.table, arguments.bounds, arguments.peers, arguments.out)
    elif arguments.summary:
        _summarise(arguments.summary, arguments.out)
    elif arguments.limits_of:
        from halochem.evaluate import bounds

        _each_star(bounds, arguments.limits_of, settings, arguments.out)
    else:
        from halochem.evaluate import peers

        _each_star(peers, arguments.peers_of, settings, arguments.out)


def _check_suffix(path: Path, suffix: str) -> None:
    if path.suffix != suffix:
        mode = "--table writes an evaluation" if suffix == ".json" else "without --table a table is written"
        raise UserError(f"--out {path}: {mode}; give a name that ends in {suffix}")


def _each_star(module, catalog_path: Path, settings: Config, out: Path) -> None:
    """Run bounds.measure or peers.measure and write its table, with why there is nothing in it."""
    from halochem import files, provenance
    from halochem.evaluate import stars

    catalog = files.read_catalog(catalog_path, clean=False)
    frame, reason = module.measure(catalog, settings)
    if reason:
        log.warning("%s: %s", out, reason)
    metadata = provenance.attributes(settings, catalog.seed, "sample", "observe", "train") | {"reason": reason}
    stars.write(frame, out, module.COLUMNS, metadata)
    log.info("%s: %d test stars", out, len(frame))


def _evaluate(table_path: Path, bounds_path: Path | None, peers_path: Path | None, out: Path) -> None:
    from halochem.evaluate import bounds, evaluation, peers, table

    frame, seed, origin = table.read(table_path)
    reasons: dict[str, str] = {}
    beside = {
        "bounds": _beside("bounds", bounds_path, bounds.COLUMNS, "--limits-of", frame, reasons),
        "peers": _beside("peers", peers_path, peers.COLUMNS, "--peers-of", frame, reasons),
    }
    result = evaluation.evaluate(frame, seed, origin | {"table": table_path.name}, **beside, reasons=reasons)
    evaluation.write(result, out)
    defined = sum(number.value is not None for number in result.numbers.values())
    log.info("%s: %d test stars, %d of %d numbers defined", out, result.n_test, defined, len(result.numbers))


def _beside(
    name: str, path: Path | None, columns: dict, option: str, table: pd.DataFrame, reasons: dict[str, str]
) -> pd.DataFrame | None:
    """The table of bounds or peers, refused where its stars are not the test stars of `table`."""
    from halochem.evaluate import stars

    if path is None:
        return None
    frame, metadata = stars.read(path, columns, f"halochem evaluate {option} CATALOG")
    test = table.loc[(table["split"] == "test") & table["z_m"].notna(), "star_id"]
    if set(frame["star_id"]) != set(test) or len(frame) != len(test):
        raise UserError(
            f"{path}: holds {len(frame)} stars, not the {len(test)} test stars of the table; make it anew from the "
            f"table's catalog (`halochem evaluate {option}`) with the configuration of the model"
        )
    reasons[name] = metadata.get("reason", "")
    return frame


def _summarise(paths: list[Path], out: Path) -> None:
    from halochem.evaluate import evaluation, summary

    evaluations = [evaluation.read(path) for path in paths]
    page = summary.write(evaluations, out)
    log.info("%s, %s: %d catalogs", out, page, len(evaluations))
