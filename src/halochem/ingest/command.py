"""Make a catalog of your own spectra: shifted to rest, in air, at the model's resolution and on its pixels.

The table of stars (CSV, ECSV, FITS or Parquet) has one row a star and a column `file`, its spectrum, relative to the
table: text with columns wavelength [Angstrom], flux and its standard deviation, or any FITS file that specutils
reads. Optional columns: star_id, rv [km/s], snr, teff_obs, logg_obs, and teff, logg, feh, c_fe, alpha_fe where known.

halochem ingest stars.csv --medium vacuum --resolution 5000 --continuum polynomial --out mine.h5
halochem encode --catalog mine.h5 --model results/models/halo-1 \\
    --calibration results/tables/halo-1.parquet --out mine.parquet

A star whose spectrum cannot be used keeps its row, with the reason. See docs/how-to/own-spectra.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "make a catalog of your own spectra"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `halochem ingest`."""
    parser.add_argument("stars", type=Path, metavar="TABLE", help="table of the stars, with a column `file`")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="catalog to write (HDF5)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="whose spectrum.* are the pixels and resolution")
    parser.add_argument("--medium", choices=("air", "vacuum"), required=True, help="what the wavelengths are in")
    width = parser.add_mutually_exclusive_group(required=True)
    width.add_argument("--resolution", type=float, metavar="R", help="resolving power of your spectra, lambda / FWHM")
    width.add_argument("--fwhm", type=float, metavar="ANGSTROM", help="the same as a constant width")
    width.add_argument("--as-is", action="store_true", help="put them on the pixels, but do not smooth them")
    parser.add_argument(
        "--continuum",
        choices=("given", "polynomial"),
        default="given",
        help="given: the flux is divided by its continuum already; polynomial: divide by a fit of its upper envelope",
    )
    parser.add_argument("--format", metavar="NAME", help="specutils' name of the files' format (default: by the file)")


def run(args: argparse.Namespace) -> None:
    """Ingest."""
    from halochem import config
    from halochem.errors import UserError
    from halochem.ingest import catalog, spectrum_file, stars
    from halochem.ingest.pixels import Resampler
    from halochem.wavelengths import pixel_grid

    for option, value in (("--resolution", args.resolution), ("--fwhm", args.fwhm)):
        if value is not None and not 0 < value < float("inf"):
            raise UserError(f"{option} {value:g}: expected a number above 0")
    spectrum_file.need_specutils()
    spectrum = config.load(args.config).spectrum
    resampler = Resampler(pixel_grid(spectrum), spectrum.resolution, args.resolution, args.fwhm)
    way = catalog.Way(resampler, args.medium, args.continuum == "polynomial", args.format)
    catalog.write(args.out, stars.read(args.stars), way)
