"""What the report says of an emulated catalog's stars that were also computed directly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from halochem.errors import UserError

COLUMNS = ("star", "Teff", "log g", "[Fe/H]", "[C/Fe]", "[α/Fe]", "rms", "largest difference")


def path_of(catalog: Path) -> Path:
    """Where `halochem emulator compare` leaves its result for a catalog in the workflow."""
    return catalog.with_suffix(".check.json")


def found(catalog: Path, attributes: dict[str, Any]) -> tuple[str, str, tuple, tuple] | None:
    """Title, sentence, headings and rows; None for a catalog that is not emulated."""
    if "emulator_sha256" not in attributes:
        return None
    title, path = "The emulator", path_of(catalog)
    fitted = f"The spectra are emulated, by networks fitted to {attributes['emulator_training_stars']} direct spectra"
    if not path.is_file():
        return title, f"{fitted}. No star of this catalog was computed directly.", (), ()
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        rows = tuple(_row(star) for star in values["stars"])
        rms = [star["rms"] for star in values["stars"] if star["rms"] is not None]
        largest = [star["largest"] for star in values["stars"] if star["largest"] is not None]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path}: not what `halochem emulator compare` writes; delete it and run that again") from None
    if not rms:
        return title, f"{fitted}. None of the {len(rows)} stars tried could be computed directly.", COLUMNS, rows
    sentence = (
        f"{fitted}. {len(rms)} stars of {catalog.stem} were also computed directly: rms of the difference over the "
        f"pixels {np.median(rms):.4f} in the median, {max(rms):.4f} for the worst; no pixel is off by more than "
        f"{max(largest):.3f} of the continuum."
    )
    other = values["fitted_to_other"]
    if other:
        sentence += f" The direct spectra differ from those it was fitted to in {', '.join(sorted(other))}."
    return title, sentence, COLUMNS, rows


def _row(star: dict[str, Any]) -> tuple[str, ...]:
    numbers = [f"{star['teff']:.0f}", *(f"{star[name]:.2f}" for name in ("logg", "feh", "c_fe", "alpha_fe"))]
    numbers = [number.replace("-", "−") for number in numbers]
    if star["rms"] is None:
        return (star["star_id"], *numbers, f"failed: {star['failed']}", "")
    return (star["star_id"], *numbers, f"{star['rms']:.4f}", f"{star['largest']:.3f}")
