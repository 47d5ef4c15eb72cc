"""Train the disentangled autoencoder on the training stars of a catalog.

Writes weights.safetensors, model.json and history.csv to the folder --out. An interrupted training goes on
from the checkpoint that lies there when the same command is given again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "train the model on a catalog"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `halochem train`."""
    parser.add_argument("--config", type=Path, help="configuration (default: the published run)")
    parser.add_argument("--catalog", type=Path, required=True, help="catalog to train on (HDF5)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    parser.add_argument("--restart", action="store_true", help="ignore a checkpoint in --out and begin anew")


def run(args: argparse.Namespace) -> None:
    """Train, or go on training."""
    from halochem import config, files
    from halochem.train import checkpoint, loop

    settings = config.load(args.config)
    catalog = files.read_catalog(args.catalog, clean=False)
    if args.restart:
        (args.out / checkpoint.NAME).unlink(missing_ok=True)
    loop.fit(catalog, settings, args.out)
