"""Encode a catalog: latents, calibrated abundances, flags and errors of every star, as a Parquet table.

Sign and scale of the latents come from a few labelled training stars of the catalog, or, for spectra without
labels, from a table that the same model made (--calibration).
"""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "encode a catalog into the table of latents and abundances"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `halochem encode`."""
    parser.add_argument("--config", type=Path, help="configuration (default: the published run)")
    parser.add_argument("--catalog", type=Path, required=True, help="catalog to encode (HDF5)")
    parser.add_argument("--model", type=Path, required=True, help="folder of the trained model")
    parser.add_argument("--out", type=Path, required=True, help="table to write (Parquet)")
    parser.add_argument(
        "--calibration",
        type=Path,
        help="take sign and scale of the latents from this table of the same model",
    )


def run(args: argparse.Namespace) -> None:
    """Encode."""
    from halochem import config, files
    from halochem.encode import product
    from halochem.train import data, model_files

    settings = config.load(args.config)
    model = model_files.load(args.model, data.choose_device(settings.train.device))
    with files.open_catalog(args.catalog) as catalog:
        product.make(catalog, model, settings, args.out, args.calibration)
