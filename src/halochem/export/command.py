"""Export a table to FITS, VOTable or CSV, whole or in part, with what the format can hold of units and descriptions.

halochem export results/tables/halo-1.parquet --out stars.fits
halochem export results/tables/halo-1.parquet --columns star_id,feh,c_fe --rows "flag_cemp and snr > 40" --out cemp.vot
"""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "export a table to FITS, VOTable or CSV"
SUFFIXES = {".fits": "fits", ".fit": "fits", ".vot": "votable", ".votable": "votable", ".xml": "votable", ".csv": "csv"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `halochem export`."""
    parser.add_argument("table", type=Path, help="table (Parquet)")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--format", choices=sorted(set(SUFFIXES.values())), help="default: by the name of --out")
    parser.add_argument("--columns", help="names, separated by commas, in the order wanted (default: all)")
    parser.add_argument("--rows", help="a condition on columns, e.g. \"split == 'test' and feh < -2\" (default: all)")


def run(args: argparse.Namespace) -> None:
    """Export."""
    from halochem.export import formats, table

    form = args.format or _form_of(args.out)
    names = [name.strip() for name in args.columns.split(",")] if args.columns else None
    formats.WRITERS[form](table.read(args.table, names, args.rows), args.out)


def _form_of(out: Path) -> str:
    from halochem.errors import UserError

    form = SUFFIXES.get(out.suffix.lower())
    if form is None:
        raise UserError(f"--out {out}: its name tells no format; end it in {', '.join(SUFFIXES)} or give --format")
    return form
