"""Every figure of the report, as PNG and PDF, with its caption."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from halochem import regions
from halochem.evaluate.classes import true_labels
from halochem.evaluate.evaluation import Evaluation
from halochem.report import examples
from halochem.report.figures import (
    anomalies,
    by_snr,
    drawn_labels,
    error_over_bound,
    flagged,
    gradient_flow,
    latents,
    reconstructions,
    style,
    training_history,
    training_sizes,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Run:
    """One catalog's files, read: `table` the whole product, as `evaluate.table` allows it; `document` model.json.

    `bounds` and `peers`: of its test stars, `anomalies`: of spoilt ones, where given.
    """

    seed: int
    catalog: Path
    model_folder: Path
    table_path: Path
    table: pd.DataFrame
    document: dict
    bounds: pd.DataFrame | None = None
    peers: pd.DataFrame | None = None
    anomalies: pd.DataFrame | None = None

    @property
    def test(self) -> pd.DataFrame:
        """The table's test stars with latents and true labels."""
        needed = ["z_m", "feh_true", "c_fe_true", "alpha_fe_true", "teff_true"]
        return self.table[(self.table["split"] == "test") & self.table[needed].notna().all(axis=1)]


@dataclass(frozen=True)
class FigureFile:
    """A figure on disk; `title` is short, `caption` says what is shown."""

    name: str
    title: str
    caption: str
    png: Path
    pdf: Path


def make(
    runs: list[Run], evaluations: list[Evaluation], folder: Path, sizes: pd.DataFrame | None = None
) -> tuple[list[FigureFile], list[str]]:
    """Draw all figures into `folder`, named after the paper's; the example spectra are of the first run.

    `sizes`: as `evaluate.training_sizes.collect`. Returns the figures and, for each that these data do not allow, one
    line why. The first run's figures have plain names (fig4_latents.png), those of a further seed carry it
    (fig4_latents_halo-2.png).
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
            _latents(run, *_names(run, runs), add, skipped)
        _flagged(runs[0], add, skipped)
        _by_snr(runs, add, skipped)
        _anomalies(runs, add, skipped)
        _error_over_bound(runs, add, skipped)
        _experiments(evaluations, sizes, add)
        for run in runs:
            suffix, of_seed = _names(run, runs)
            history = training_history.read(run.model_folder / "history.csv")
            caption = training_history.caption(history)
            title = f"Training history{of_seed}"
            add(training_history.draw(history), training_history.NAME + suffix, title, caption)
    return made, skipped


def _names(run: Run, runs: list[Run]) -> tuple[str, str]:
    """What is added to the names of files and to titles of this run's figures."""
    return ("", "") if run is runs[0] else (f"_halo-{run.seed}", f", halo-{run.seed}")


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
    test = run.test
    if len(test):
        figure = latents.draw(test)
        add(figure, latents.NAME + suffix, f"Latents and abundances{of_seed}", latents.caption(len(test)))
    else:
        skipped.append(f"Latents and abundances{of_seed}: no test star with latents and true labels.")


def _flagged(run: Run, add, skipped: list[str]) -> None:
    test = run.test
    if len(test):
        add(flagged.draw(test), flagged.NAME, "Flagged stars", flagged.caption(len(test)))
    else:
        skipped.append("Flagged stars: no test star with latents and true labels.")


def _by_snr(runs: list[Run], add, skipped: list[str]) -> None:
    stars = pd.concat([by_snr.assemble(run.table, run.bounds) for run in runs])
    if stars["feh"].notna().any():
        add(by_snr.draw(stars), by_snr.NAME, "Errors by S/N", by_snr.caption(stars))
    else:
        skipped.append("Errors by S/N: no test star with latents, S/N and true labels.")


def _anomalies(runs: list[Run], add, skipped: list[str]) -> None:
    known = [run for run in runs if run.anomalies is not None]
    if not known:
        skipped.append("Spoilt spectra: none given (--anomalies).")
        return
    spoilt = pd.concat([run.anomalies for run in known])
    normal = anomalies.normal_of([run.table for run in known])
    caption = anomalies.caption(len(normal["error"]), len(spoilt))
    add(anomalies.draw(normal, spoilt), anomalies.NAME, "Spoilt spectra", caption)


def _experiments(evaluations: list[Evaluation], sizes: pd.DataFrame | None, add) -> None:
    """Those that train again; a run that has none of it says nothing."""
    if len(gradient_flow.gains(evaluations)["z_m", "feh"]):
        caption = gradient_flow.caption(evaluations)
        add(gradient_flow.draw(evaluations), gradient_flow.NAME, "Gain by selective gradient flow", caption)
    if sizes is not None:
        caption = training_sizes.caption(sizes)
        add(training_sizes.draw(sizes), training_sizes.NAME, "Size of the training set", caption)


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
