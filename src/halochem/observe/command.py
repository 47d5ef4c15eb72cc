"""Make the observed catalog of clean spectra: noise of each star's S/N, jittered Teff and log g, one HDF5 file.

The noise and jitter of a star depend on the seed and its row alone, not on the chunks.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

SUMMARY = "noise and jitter on clean spectra: the catalog (HDF5)"

log = logging.getLogger("halochem")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `halochem observe`."""
    parser.add_argument("--config", metavar="FILE", help="configuration (default: the published run)")
    parser.add_argument("--labels", type=Path, required=True, metavar="FILE", help="label table (Parquet)")
    parser.add_argument(
        "--spectra",
        type=Path,
        required=True,
        nargs="+",
        metavar="FILE",
        help="chunks that hold its stars (HDF5)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="catalog to write (HDF5)")


def run(arguments: argparse.Namespace) -> None:
    """Run the stage. Raises UserError on bad input."""
    from halochem import __version__, files
    from halochem import config as configuration
    from halochem.observe import catalog, chunks

    config = configuration.load(arguments.config)
    labels = files.read_labels(arguments.labels)
    found, wavelength = chunks.survey(arguments.spectra, labels, arguments.labels)
    made = {name: value for name, value in found[0].attributes.items() if name not in ("first_row", "schema_version")}
    seed = int(made["seed"])
    # The hash of the configuration stays that of the spectra, whatever --config says here: it made them.
    attributes = {**made, "halochem_version": __version__, "jitter": f"{config.observe.jitter:g}"}
    catalog.write(arguments.out, labels, found, wavelength, config.observe, seed, attributes)
    log.info(
        "%s: %d stars of %d pixels, %.0f MB",
        arguments.out,
        len(labels),
        len(wavelength),
        arguments.out.stat().st_size / 1e6,
    )
