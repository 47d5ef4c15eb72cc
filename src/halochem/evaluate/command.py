"""Measure a catalog's table on its held-out stars, or summarise several catalogs.

  halochem evaluate --limits-of results/catalogs/halo-1.h5 --out results/evaluation/bounds-1.parquet
  halochem evaluate --peers-of results/catalogs/halo-1.h5 --out results/evaluation/peers-1.parquet
  halochem evaluate --anomalies-of results/catalogs/halo-1.h5 --model results/models/halo-1 \\
      --out results/evaluation/anomalies-1.parquet
  halochem evaluate --table results/tables/halo-1.parquet --bounds results/evaluation/bounds-1.parquet \\
      --peers results/evaluation/peers-1.parquet --anomalies results/evaluation/anomalies-1.parquet \\
      --out results/evaluation/halo-1.json
  halochem evaluate --summary results/evaluation/halo-*.json --out results/evaluation/summary.parquet

The first gives each test star its Cramer-Rao bound, from the emulator's derivatives, and the best estimate that the
noise allows. The second gives it the labels that The Cannon and a supervised network read. The third spoils spectra of
test stars and says what the model makes of them. The fourth writes reconstruction errors, correlations of the latents
with the labels, abundance and parameter errors, all by S/N too, precision and recall of the flags, and these beside
peers and limits, where given; each with the stars it rests on and the paper's value (docs/evaluation.md). The fifth
writes their mean and spread over catalogs, and the same as a page (summary.md beside summary.parquet).

Two experiments of the paper's appendices train again, each as long as the catalog's own model:

  halochem evaluate --without-flow-of results/catalogs/halo-1.h5 --model results/models/halo-1-without-flow \\
      --out results/evaluation/without-flow-1.json
  halochem evaluate --training-size-of results/catalogs/halo-1.h5 --stars 1000 --snr 20 --out size.json
  halochem evaluate --training-sizes size.json ... --out results/evaluation/training-sizes.parquet
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from halochem.errors import UserError

if TYPE_CHECKING:
    from halochem.config import Config

SUMMARY = "measure the product on held-out stars, beside the paper's values, peers and limits"

log = logging.getLogger("halochem")

# option -> suffix of what it writes, options that go with it, and of these the ones it needs
MODES = {
    "table": (".json", ("bounds", "peers", "anomalies", "without_flow"), ()),
    "summary": (".parquet", (), ()),
    "limits_of": (".parquet", (), ()),
    "peers_of": (".parquet", (), ()),
    "anomalies_of": (".parquet", ("model",), ("model",)),
    "without_flow_of": (".json", ("model",), ("model",)),
    "training_size_of": (".json", ("stars", "snr", "steps"), ("stars", "snr")),
    "training_sizes": (".parquet", (), ()),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `halochem evaluate`."""
    mode = parser.add_mutually_exclusive_group(required=True)
    for name, metavar, what in (
        ("--table", "PARQUET", "the catalog's table, from `halochem encode`"),
        ("--limits-of", "H5", "catalog whose test stars' bounds are wanted"),
        ("--peers-of", "H5", "catalog on which other methods are tried"),
        ("--anomalies-of", "H5", "catalog of which spectra are spoilt and shown to its --model"),
        ("--without-flow-of", "H5", "catalog to train on without selective gradient flow; --model is written"),
        ("--training-size-of", "H5", "catalog to train on with --stars training stars at S/N --snr"),
    ):
        mode.add_argument(name, type=Path, metavar=metavar, help=what)
    for name, what in (
        ("--summary", "evaluations to summarise, one a catalog"),
        ("--training-sizes", "what --training-size-of wrote, to put together"),
    ):
        mode.add_argument(name, type=Path, nargs="+", metavar="JSON", help=what)
    for name, metavar, what in (
        ("--bounds", "PARQUET", "with --table: what --limits-of wrote"),
        ("--peers", "PARQUET", "with --table: what --peers-of wrote"),
        ("--anomalies", "PARQUET", "with --table: what --anomalies-of wrote"),
        ("--without-flow", "JSON", "with --table: what --without-flow-of wrote"),
        ("--model", "DIR", "with --anomalies-of: the model; with --without-flow-of: folder for model and table"),
    ):
        parser.add_argument(name, type=Path, metavar=metavar, help=what)
    parser.add_argument("--stars", type=int, metavar="N", help="with --training-size-of: stars to train on")
    parser.add_argument("--snr", type=float, metavar="S", help="with --training-size-of: mean S/N of the spectra")
    parser.add_argument(
        "--steps",
        type=int,
        metavar="N",
        help="with --training-size-of: steps of the optimiser (default: train.epochs' worth of all training stars)",
    )
    parser.add_argument("--out", type=Path, required=True, help="file to write: .json or .parquet, as the mode says")
    parser.add_argument("--config", type=Path, metavar="YAML", help="configuration of the run, which --*-of need")


def run(arguments: argparse.Namespace) -> None:
    """Write what the mode says."""
    from halochem import config
    from halochem.evaluate import modes

    settings = config.load(arguments.config)
    mode = next(name for name in MODES if getattr(arguments, name) is not None)
    _check(arguments, mode)
    if mode == "table":
        beside = {name: getattr(arguments, name) for name in MODES["table"][1]}
        modes.evaluate(arguments.table, beside, arguments.out)
    elif mode == "summary":
        modes.summarise(arguments.summary, arguments.out)
    elif mode == "training_sizes":
        modes.collect_sizes(arguments.training_sizes, arguments.out)
    elif mode == "training_size_of":
        _training_size(arguments, settings)
    else:
        run_mode = getattr(modes, mode)
        catalog = getattr(arguments, mode)
        more = (arguments.model,) if "model" in MODES[mode][1] else ()
        run_mode(catalog, *more, settings, arguments.out)


def _check(arguments: argparse.Namespace, mode: str) -> None:
    suffix, allowed, needed = MODES[mode]
    shown = "--" + mode.replace("_", "-")
    if arguments.out.suffix != suffix:
        raise UserError(f"--out {arguments.out}: of {shown} give a name that ends in {suffix}")
    every = {name for _, names, _ in MODES.values() for name in names}
    for name in sorted(every - set(allowed)):
        if getattr(arguments, name) is not None:
            fits = " or ".join("--" + key.replace("_", "-") for key, (_, names, _) in MODES.items() if name in names)
            raise UserError(f"--{name.replace('_', '-')}: goes with {fits} only")
    for name in needed:
        if getattr(arguments, name) is None:
            raise UserError(f"{shown}: needs --{name.replace('_', '-')}")


def _training_size(arguments: argparse.Namespace, settings: Config) -> None:
    from halochem.evaluate import modes

    for name in ("stars", "snr", "steps"):
        value = getattr(arguments, name)
        if value is not None and not value > 0:
            raise UserError(f"--{name} {value:g}: expected a number above 0")
    how = {name: getattr(arguments, name) for name in ("stars", "snr", "steps")}
    modes.training_size(arguments.training_size_of, how, settings, arguments.out)
