"""Measure a catalog's table on its held-out stars, or summarise several catalogs.

  halochem evaluate --table results/tables/halo-1.parquet --out results/evaluation/halo-1.json
  halochem evaluate --summary results/evaluation/halo-*.json --out results/evaluation/summary.parquet

The first writes reconstruction errors, correlations of the latents with the labels, abundance and parameter
errors, and precision and recall of the flags, each with the stars it rests on and the paper's value
(docs/evaluation.md). The second writes their mean and spread over catalogs, and the same as a page
(summary.md beside summary.parquet).
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from halochem.errors import UserError

SUMMARY = "measure the product on held-out stars, beside the paper's values"

log = logging.getLogger("halochem")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `halochem evaluate`."""
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--table", type=Path, metavar="PARQUET", help="the catalog's table, from `halochem encode`")
    mode.add_argument("--summary", type=Path, nargs="+", metavar="JSON", help="evaluations to summarise, one a catalog")
    parser.add_argument(
        "--out", type=Path, required=True, help="file to write: .json with --table, .parquet with --summary"
    )
    parser.add_argument(
        "--config", type=Path, metavar="YAML", help="configuration; checked, but nothing in it matters here"
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the evaluation or the summary."""
    from halochem import config

    config.load(arguments.config)
    _check_suffix(arguments.out, ".json" if arguments.table else ".parquet")
    if arguments.table:
        _evaluate(arguments.table, arguments.out)
    else:
        _summarise(arguments.summary, arguments.out)


def _check_suffix(path: Path, suffix: str) -> None:
    if path.suffix != suffix:
        mode = "--table writes an evaluation" if suffix == ".json" else "--summary writes a table"
        raise UserError(f"--out {path}: {mode}; give a name that ends in {suffix}")


def _evaluate(table_path: Path, out: Path) -> None:
    from halochem.evaluate import evaluation, table

    frame, seed, origin = table.read(table_path)
    result = evaluation.evaluate(frame, seed, origin | {"table": table_path.name})
    evaluation.write(result, out)
    defined = sum(number.value is not None for number in result.numbers.values())
    log.info("%s: %d test stars, %d of %d numbers defined", out, result.n_test, defined, len(result.numbers))


def _summarise(paths: list[Path], out: Path) -> None:
    from halochem.evaluate import evaluation, summary

    evaluations = [evaluation.read(path) for path in paths]
    page = summary.write(evaluations, out)
    log.info("%s, %s: %d catalogs", out, page, len(evaluations))
