"""Make the emulator that is shipped in resources/emulator/: design, pack, fit, check.

design  which stars to compute directly (a label table for `halochem synthesize`)
pack    chunks of their spectra into a 16-bit batch of resources/emulator/spectra/
fit     a network on all batches (weights.safetensors, model.json, card.md)
check   its errors on the test stars, which it never saw (errors.json, figures)

docs/emulator.md says what each does and how good the shipped emulator is.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

SUMMARY = "make the emulator: design, pack, fit, check"

FOLDER = Path("resources/emulator")

log = logging.getLogger("halochem")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `halochem emulator`, by action."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _design_arguments(actions.add_parser("design", help="which stars to compute directly"))
    _pack_arguments(actions.add_parser("pack", help="chunks of spectra into a 16-bit batch"))


def run(arguments: argparse.Namespace) -> None:
    """Run the action. Raises UserError on bad input."""
    {"design": _design, "pack": _pack}[arguments.action](arguments)


def _design_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--n", type=int, required=True, help="stars, test stars among them")
    parser.add_argument("--first", type=int, default=0, help="row of the design to begin with (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the design (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="label table to write (Parquet)")


def _pack_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("chunks", type=Path, nargs="+", metavar="CHUNK", help="HDF5 files of `halochem synthesize`")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="new batch (HDF5)")


def _design(arguments: argparse.Namespace) -> None:
    from halochem import __version__, files
    from halochem.errors import UserError
    from halochem.synthesize.emulator import design

    if arguments.n < 1 or arguments.first < 0 or arguments.seed < 0:
        raise UserError("--n must be 1 or more, --first and --seed 0 or more")
    table = design.design(arguments.n, arguments.seed, arguments.first)
    files.write_labels(table, arguments.out, {"halochem_version": __version__, "seed": str(arguments.seed)})
    test = table["star_id"].str.startswith(design.PREFIX[design.TEST]).sum()
    log.info("%s: %d training stars, %d test stars", arguments.out, len(table) - test, test)


def _pack(arguments: argparse.Namespace) -> None:
    from halochem.synthesize.emulator import store

    spectra = store.read_chunks(arguments.chunks)
    store.write_batch(spectra, arguments.out)
    size = arguments.out.stat().st_size
    log.info(
        "%s: %d spectra (%d for tests, %d failed), %.0f bytes a star",
        arguments.out,
        len(spectra.status),
        spectra.test.sum(),
        (~spectra.computed).sum(),
        size / len(spectra.status),
    )
