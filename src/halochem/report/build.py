"""Every figure of the report, as PNG and PDF, with its caption."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from halochem import regions
from halochem.evaluate.classes import true_labels
from halochem.report import examples
from halochem.report.figures import drawn_labels, error_over_bound, latents, reconstructions, style, training_history

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Run:
    """One catalog's files, read: `table` the whole product, as `evaluate.table` allows it; `document` model.json.

    `bounds` and `peers`: of its test stars, where given.
    """

    seed: int
    catalog: Path
    model_folder: Path
    table_path: Path
    table: pd.DataFrame
    document: dict
    bounds: pd.DataFrame | None = None
    peers: pd.DataFrame | None = None


@dataclass(frozen=True)
class FigureFile:
    """A figure on disk; `title` is short, `caption` says what is shown."""

    name: str
    title: str
    caption: str
    png: Path
    pdf: Path


def make(runs: list[Run], folder: Path) -> tuple[list[FigureFile], list[str]]:
    """Draw all figures into `folder`; the example spectra are of the first run.

    Returns the figures and, for each that these data do not allow, one line why. The first run's figures have
    plain names (latents.png), those of a further seed carry it (latents_halo-2.png).
    """
    made: list[FigureFile] = []
    skipped: list[str] = []

    def add(figure: Figure, name: str, title: str, caption: str) -> None:
        png, pdf = style.save(figure, folder, name)
        made.append(FigureFile(name, title, caption, png, pdf))

    with style.style():
        labels = pd.concat([true_labels(run.table) for run in runs]).dropna()
        if len(labels):
            figure = drawn_labels.draw(labels)
            add(figure, drawn_labels.NAME, "Abundances drawn", drawn_labels.caption(labels))
        else:
            skipped.append("Abundances drawn: the table has no true labels.")
        _reconstructions(runs[0], add, skipped)
        for run in runs:
            suffix, of_seed = ("", "") if run is runs[0] else (f"_halo-{run.seed}", f", halo-{run.seed}")
            _latents(run, suffix, of_seed, add, skipped)
        _error_over_bound(runs, add, skipped)
        for run in runs:
            suffix, of_seed = ("", "") if run is runs[0] else (f"_halo-{run.seed}", f", halo-{run.seed}")
            history = training_history.read(run.model_folder / "history.csv")
            caption = training_history.caption(history)
            add(
                training_history.draw(history),
                training_history.NAME + suffix,
                f"Training history{of_seed}",
                caption,
            )
    return made, skipped


def _reconstructions(run: Run, add, skipped: list[str]) -> None:
    shown = examples.build(run.table, run.catalog, run.model_folder)
    if not shown:
        skipped.append("Reconstructions: no test star with true labels and a flux without noise.")
        return
    intervals: dict[str, regions.Intervals] = run.document["regions"]["intervals"]
    caption = reconstructions.caption(shown)
    add(reconstructions.draw(shown, intervals), reconstructions.NAME, "Reconstructions", caption)
    windows = reconstructions.detail_windows(shown[0].wavelength)
    if windows:
        figure = reconstructions.draw(shown, intervals, windows)
        caption = reconstructions.caption(shown, detail=True)
        add(figure, reconstructions.DETAIL_NAME, "Reconstructions in detail", caption)


def _latents(run: Run, suffix: str, of_seed: str, add, skipped: list[str]) -> None:
    needed = ["z_m", "feh_true", "c_fe_true", "alpha_fe_true", "teff_true"]
    test = run.table[(run.table["split"] == "test") & run.table[needed].notna().all(axis=1)]
    if len(test):
        figure = latents.draw(test)
        add(figure, latents.NAME + suffix, f"Latents and abundances{of_seed}", latents.caption(len(test)))
    else:
        skipped.append(f"Latents and abundances{of_seed}: no test star with latents and true labels.")


def _error_over_bound(runs: list[Run], add, skipped: list[str]) -> None:
    if all(run.bounds is None and run.peers is None for run in runs):
        skipped.append("Errors over the bound: no bounds and no peers given (--bounds, --peers).")
        return
    stars = pd.concat([error_over_bound.assemble(run.table, run.bounds, run.peers) for run in runs])
    if len(stars):
        caption = error_over_bound.caption(stars)
        add(error_over_bound.draw(stars), error_over_bound.NAME, "Errors over the bound", caption)
    else:
        skipped.append("Errors over the bound: no test star with latents and true labels.")
