"""The explorer's data: which stars it shows, their quantities and some of their spectra, packed for the page.

The page holds a JSON header and two blocks of gzipped bytes in base64: the quantities column by column, float32 or
uint8, and the spectra as in `spectra.Packed`. scripts/data.js reads them.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from halochem import seeds
from halochem.report import merge, notable, quantities, spectra
from halochem.report.build import Run
from halochem.report.facts import count
from halochem.report.figures import reconstructions

MAX_STARS = 12_000  # more points than a plot of that size can show apart
MAX_SPECTRA = 3_000  # 12 MB of the page


@dataclass(frozen=True)
class Explorer:
    """Ready for the template: the header as JSON, the two blocks as base64, and a sentence on what is there."""

    header: Markup
    columns: str
    spectra: str
    what: str
    base_is_clean: bool


def build(runs: list[Run]) -> Explorer | None:
    """The explorer of the catalogs, each with its share of stars; None where no star has latents.

    Catalogs whose model has other pixels or regions than the first's are left out: their spectra have no place there.
    """
    shown = [run for run in runs if _same_pixels(run, runs[0])]
    parts = [_part(run, len(shown)) for run in shown]
    shown, parts = zip(*[pair for pair in zip(shown, parts, strict=True) if len(pair[1].rows)], strict=True) or ((), ())
    if not parts:
        return None
    found = merge.quantities([part.quantities for part in parts], [run.seed for run in shown])
    packed = merge.spectra([part.packed for part in parts])
    first = np.cumsum([0, *(len(part.rows) for part in parts)])
    header = {
        "catalog": "_".join(f"halo-{run.seed}" for run in shown),
        "ids": [
            str(name) for run, part in zip(shown, parts, strict=True) for name in run.table["star_id"].iloc[part.rows]
        ],
        "quantities": [_describe(q) for q in found],
        "views": _views(found),
        "focus": _focus(shown[0], parts[0].rows),
        "spectra": np.concatenate(
            [start + np.searchsorted(part.rows, part.with_spectrum) for start, part in zip(first, parts, strict=False)]
        ).tolist(),
        "segments": [{"title": s.title, "bins": len(s.edges), "width": s.width} for s in packed.segments],
        "wavelength": [round(float(value), 2) for value in packed.wavelength],
        "decoder": packed.decoder.tolist(),
        "decoders": list(shown[0].document["regions"]["intervals"]),
        "base_is_clean": packed.base_is_clean,
        "base_step": spectra.BASE_STEP,
    }
    columns = b"".join(q.values.astype(np.uint8 if q.categories else "<f4").tobytes() for q in found)
    what = " ".join(_what(run, part.rows, len(part.with_spectrum)) for run, part in zip(shown, parts, strict=True))
    return Explorer(_json(header), _packed(columns), _packed(packed.data), what, packed.base_is_clean)


@dataclass(frozen=True)
class Part:
    """What the explorer shows of one catalog: rows of its table, of these the ones with a spectrum here."""

    rows: np.ndarray
    with_spectrum: np.ndarray
    quantities: list[quantities.Quantity]  # of `rows`
    packed: spectra.Packed


def _part(run: Run, catalogs: int) -> Part:
    rows = choose_stars(run, MAX_STARS // catalogs)
    with_spectrum = choose_spectra(run, rows, MAX_SPECTRA // catalogs)
    found = [replace(q, values=q.values[rows]) for q in quantities.read(run.table_path, run.table)]
    windows = reconstructions.detail_windows(_grid(run.document))
    packed = spectra.build(run.table, run.catalog, run.model_folder, with_spectrum, windows)
    return Part(rows, with_spectrum, found, packed)


def _same_pixels(one: Run, other: Run) -> bool:
    return all(one.document[name] == other.document[name] for name in ("wavelength", "regions"))


def choose_stars(run: Run, most: int = MAX_STARS) -> np.ndarray:
    """Rows of the table that the explorer shows, ascending: all with latents; of more than `most` the test stars.

    Of still more, `most` by the smallest draws of a stream of their own, and all that the page names.
    """
    table = run.table
    rows = np.flatnonzero(np.isfinite(table["z_m"].to_numpy(float)))
    if len(rows) > most:
        rows = rows[(table["split"].iloc[rows] == "test").to_numpy()]
    return _some(rows, _named(table), most, run.seed)


def choose_spectra(run: Run, rows: np.ndarray, most: int = MAX_SPECTRA) -> np.ndarray:
    """Rows, among the explorer's `rows`, whose spectra the page holds, ascending: all that it names, and by chance."""
    return _some(rows, _named(run.table), most, run.seed)


def _named(table: pd.DataFrame) -> np.ndarray:
    return np.concatenate([np.array([], int), *(kind.rows for kind in notable.choose(table))])


def _focus(run: Run, rows: np.ndarray) -> int:
    """Whose spectrum is shown at first: the first CEMP candidate, else the first star the page names."""
    kinds = sorted(notable.choose(run.table), key=lambda kind: kind.title != "CEMP candidates")
    named = [int(row) for kind in kinds for row in kind.rows if row in rows]
    return int(np.searchsorted(rows, named[0])) if named else 0


def _some(rows: np.ndarray, first: np.ndarray, most: int, seed: int) -> np.ndarray:
    if len(rows) <= most:
        return rows
    draws = seeds.uniform_table(seed, "report/explorer", rows, 1)[:, 0]
    draws[np.isin(rows, first)] = -1
    return np.sort(rows[np.argsort(draws, kind="stable")[:most]])


def _grid(document: dict[str, Any]) -> np.ndarray:
    grid = document["wavelength"]
    return grid["first"] * 10 ** (grid["log_step"] * np.arange(grid["n"]))


def _describe(quantity: quantities.Quantity) -> dict[str, Any]:
    return {
        "name": quantity.name,
        "title": quantity.title,
        "unit": quantity.unit,
        "description": quantity.description,
        "group": quantity.group,
        "categories": list(quantity.categories),
        "inTable": quantity.in_table,
    }


# title, x, y, and what to colour by, in order of preference
_VIEWS = (
    ("[Fe/H]: measured, true", "feh_true", "feh", ("relative_l2_clean",)),
    ("z_M, [Fe/H]", "feh_true", "z_m", ("teff_true",)),
    ("z_C, [C/Fe]", "c_fe_true", "z_c", ("teff_true",)),
    ("z_α, [α/Fe]", "alpha_fe_true", "z_alpha", ("teff_true",)),
    ("carbon", "feh", "c_fe", ("outcome_cemp", "flag_cemp")),
    ("α elements", "feh", "alpha_fe", ("outcome_alpha_pmp", "flag_alpha_pmp")),
    ("Kiel diagram", "teff", "logg", ("feh",)),
    ("error, S/N", "snr", "relative_l2_clean", ("teff_true",)),
)


def _views(found: list[quantities.Quantity]) -> list[dict[str, str]]:
    """Views offered as buttons, those whose quantities are known; the explorer opens with the first."""
    names = {q.name for q in found}
    views = []
    for title, x, y, colours in _VIEWS:
        colour = next((name for name in colours if name in names), None)
        if colour and {x, y} <= names:
            views.append({"title": title, "x": x, "y": y, "colour": colour})
    return views


def _what(run: Run, rows: np.ndarray, n_spectra: int) -> str:
    usable = np.isfinite(run.table["z_m"].to_numpy(float))
    test = usable & (run.table["split"] == "test").to_numpy()
    total, n_test, n = (count(number) for number in (usable.sum(), test.sum(), len(rows)))
    if len(rows) == usable.sum():
        what = f"All {n} stars of catalog halo-{run.seed} that have a spectrum. "
    elif len(rows) == test.sum():
        what = f"The {n} test stars among the {total} of catalog halo-{run.seed} that have a spectrum. "
    else:
        what = f"{n} of the {n_test} test stars of catalog halo-{run.seed}, chosen by chance. "
    if n_spectra == len(rows):
        return what + "The page holds the spectrum of each."
    return what + f"The page holds the spectra of {count(n_spectra)}: the stars of interest, the others by chance."


def _json(value: Any) -> Markup:
    # "<" escaped, so that no name can end the script element that holds it
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def _packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, 6, mtime=0)).decode("ascii")
