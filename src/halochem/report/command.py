"""Draw the figures and write the report, one self-contained HTML page.

  halochem report --catalog results/catalogs/halo-1.h5 --model results/models/halo-1 \\
      --table results/tables/halo-1.parquet --evaluation results/evaluation/halo-1.json \\
      --figures-dir results/figures --out results/report.html

For several catalogs give each option several values, in the same order; the example spectra are the first's.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from halochem.errors import UserError

SUMMARY = "figures and one self-contained page"

log = logging.getLogger("halochem")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `halochem report`."""
    for name, metavar, what in (
        ("--catalog", "H5", "catalog, from `halochem observe`"),
        ("--model", "DIR", "folder of the trained model"),
        ("--table", "PARQUET", "table, from `halochem encode`"),
        ("--evaluation", "JSON", "evaluation, from `halochem evaluate`"),
    ):
        parser.add_argument(name, type=Path, nargs="+", required=True, metavar=metavar, help=what)
    parser.add_argument(
        "--summary",
        type=Path,
        metavar="PARQUET",
        help="summary of these evaluations (default: made from them)",
    )
    for name, what in (("--bounds", "bounds"), ("--peers", "peers"), ("--anomalies", "spoilt spectra")):
        parser.add_argument(
            name,
            type=Path,
            nargs="*",
            default=[],
            metavar="PARQUET",
            help=f"{what} of the test stars, from `halochem evaluate`, one a catalog or none at all",
        )
    parser.add_argument(
        "--training-sizes", type=Path, metavar="PARQUET", help="from `halochem evaluate --training-sizes`, where made"
    )
    parser.add_argument("--figures-dir", type=Path, required=True, metavar="DIR", help="folder for PNG and PDF")
    parser.add_argument("--out", type=Path, required=True, metavar="HTML", help="page to write")
    parser.add_argument("--config", type=Path, metavar="YAML", help="configuration; checked, but not needed")


def run(arguments: argparse.Namespace) -> None:
    """Draw and write."""
    from halochem import config, files
    from halochem.evaluate import evaluation, summary, training_sizes
    from halochem.report import build, page

    config.load(arguments.config)
    if arguments.out.suffix != ".html":
        raise UserError(f"--out {arguments.out}: expected a name that ends in .html")
    evaluations = [evaluation.read(path) for path in arguments.evaluation]
    runs = _runs(arguments)
    for one, result, path in zip(runs, evaluations, arguments.evaluation, strict=True):
        if one.seed != result.seed or len(one.table) != result.counts["n_stars"]:
            raise UserError(
                f"{path}: seed {result.seed}, {result.counts['n_stars']} stars, but its table is of seed "
                f"{one.seed}, {len(one.table)} stars; give all options in one order"
            )
    averages = summary.read(arguments.summary) if arguments.summary else summary.summarise(evaluations)
    if averages.attrs["seeds"] != [result.seed for result in evaluations]:
        given = ", ".join(str(result.seed) for result in evaluations)
        found = ", ".join(map(str, averages.attrs["seeds"]))
        raise UserError(f"{arguments.summary}: of seeds {found}, but the evaluations are of {given}; make it anew")
    sizes = training_sizes.read_table(arguments.training_sizes) if arguments.training_sizes else None
    figures, skipped = build.make(runs, evaluations, arguments.figures_dir, sizes)
    with files.open_hdf5(arguments.catalog[0], "observe") as file:
        attributes = dict(file.attrs)
    page.write(arguments.out, runs, evaluations, averages, figures, skipped, attributes)
    log.info("%s: %d figures in %s", arguments.out, len(figures), arguments.figures_dir)


def _runs(arguments: argparse.Namespace) -> list:
    import pandas as pd

    from halochem.evaluate import anomaly_kinds, bounds, peers, stars, table
    from halochem.report.build import Run
    from halochem.train import model_files

    names = ["catalog", "model", "table", "evaluation"]
    names += [name for name in ("bounds", "peers", "anomalies") if getattr(arguments, name)]
    counts = {name: len(getattr(arguments, name)) for name in names}
    if len(set(counts.values())) > 1:
        given = ", ".join(f"{count} of --{name}" for name, count in counts.items())
        raise UserError(f"one of each a catalog, in the same order; got {given}")
    runs = []
    for k, (catalog, model, path) in enumerate(zip(arguments.catalog, arguments.model, arguments.table, strict=True)):
        _, seed, _ = table.read(path)  # which checks what the evaluation needs
        frame = pd.read_parquet(path)  # and the page shows every column
        beside = {}
        for name, module, option in (
            ("bounds", bounds, "--limits-of"),
            ("peers", peers, "--peers-of"),
            ("anomalies", anomaly_kinds, "--anomalies-of"),
        ):
            if getattr(arguments, name):
                made_by = f"halochem evaluate {option} CATALOG"
                beside[name], _ = stars.read(getattr(arguments, name)[k], module.COLUMNS, made_by)
        runs.append(Run(seed, catalog, model, path, frame, model_files.read_document(model), **beside))
    seeds = [run.seed for run in runs]
    twice = [seed for seed in seeds if seeds.count(seed) > 1]
    if twice:
        raise UserError(f"--table: seed {twice[0]} is there twice; give each catalog once")
    return runs
