"""The report's tables of numbers, ready to print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from halochem.evaluate import comparison
from halochem.evaluate.classes import CLASSES
from halochem.evaluate.comparison import BINS, METHODS, VARIANTS
from halochem.evaluate.definition import FLAG_SETS
from halochem.evaluate.definitions import ABUNDANCES, DEFINITIONS, FLAGS, GROUPS, LATENTS, PARAMETERS, PARTNER
from halochem.evaluate.evaluation import Evaluation
from halochem.evaluate.number import text
from halochem.evaluate.paper import PAPER


@dataclass(frozen=True)
class Layout:
    """A table: rows and columns by title, and the key of the number where they meet."""

    group: str
    rows: dict[str, str]  # row -> title
    columns: dict[str, str]  # column -> title
    key: str  # with {row} and {column}
    footnote: str

    def cell_key(self, row: str, column: str) -> str | None:
        """The number there, or None where there is none."""
        key = self.key.format(row=row, column=column)
        return key if key in DEFINITIONS else None


LAYOUTS = (
    Layout(
        "reconstruction",
        {name: star_class.title for name, star_class in CLASSES.items()},
        {"relative_l2": "mean of ‖x̃ − x‖ / ‖x‖", "relative_l2_pooled": "Eq. A.5, Σ (x̃ − x)² / Σ x²"},
        "{column}.{row}",
        "x: flux without noise, x̃: its reconstruction. The paper quotes its errors with Eq. A.5, which has no root "
        "and pools the stars; its public release averages the ratio of norms and finds 0.006 so: its values stand "
        "there. " + " ".join(f"{CLASSES[name].title}: {CLASSES[name].bounds}." for name in CLASSES if name != "all"),
    ),
    Layout(
        "correlation",
        LATENTS,
        ABUNDANCES | PARAMETERS,
        "r.{row}.{column}",
        "Pearson’s r of the posterior means with the true labels; framed, a latent and its own abundance. The sign "
        "of a latent is arbitrary; the paper gives |r|.",
    ),
    Layout(
        "abundance",
        {label: ABUNDANCES[label] for label in ("feh", "alpha_fe", "c_fe")},
        {
            "rmse_linear": "straight line on all training stars",
            "rmse_calibrated": "as in the table",
            "rmse_constant": "training mean, no spectrum",
        },
        "{column}.{row}",
        "Root of the mean squared error. The line is latent → its abundance, as in the paper; the table’s abundances "
        "rest on a few labelled stars; the last column is what knowing nothing scores.",
    ),
    Layout(
        "parameters",
        PARAMETERS | {"both": "both"},
        {"rmse_w": "RMSE of linear(w)", "probe_r2": "R² of boosted trees on z"},
        "{column}.{row}",
        "RMSE in standard deviations of the training stars, against the true values; against values with the 2 % "
        "error that training sees, nothing can be better than 0.09 σ. R² over the training mean: 0 if the latents "
        "know nothing of Teff and log g.",
    ),
    Layout(
        "flags",
        {name: CLASSES[name].title for name in FLAGS} | {"anomalous": "anomalous"},
        {
            f"{measure}{kind}": f"{title}, {FLAG_SETS[kind][1]}"
            for kind in FLAG_SETS
            for measure, title in {"precision": "precision", "recall": "recall", "f1": "F1"}.items()
        }
        | {"false_alarm": "false alarms"},
        "{column}.{row}",
        "n: stars flagged for the precision, stars of the class for recall and F1. The limit of a recall is that of "
        "the best classifier that the noise allows, at the paper’s precision or at the one asked for. False alarms: "
        "share of all test stars, none of which is anomalous, with flag_anomalous.",
    ),
    *(
        Layout(
            group,
            ABUNDANCES,
            {f"{measure}_{method}": title for method, title in METHODS.items()},
            "{column}.{row}",
            footnote,
        )
        for group, measure, footnote in (
            (
                "peers",
                "rmse",
                "The Cannon and the network are trained on the true labels of training stars. The limit is that of the "
                "best estimate from a measurement at the Cramér-Rao bound, for one who knows the density of the stars.",
            ),
            ("peers_sigma", "sigma", "1.4826 times the median deviation from the median, which outliers do not sway."),
            ("peers_bias", "bias", "Median of measured minus true."),
            (
                "over_bound",
                "over_bound",
                "1.4826 times the median of the absolute error over the star’s Cramér-Rao bound, all labels free. "
                "Below 1 is possible where the distribution of the stars tells more than their spectra.",
            ),
        )
    ),
    Layout(
        "bounds",
        {variant: what for variant, (_, what) in VARIANTS.items()},
        ABUNDANCES,
        "{row}.{column}",
        "What no unbiased measurement can undercut, from the emulator’s derivatives in all pixels.",
    ),
    Layout("bounds_binned", BINS, ABUNDANCES, "bound.{column}.{row}", "All five labels free."),
)


def how_to_read(evaluations: list[Evaluation]) -> str:
    """One paragraph above the tables."""
    if len(evaluations) == 1:
        spread = "± is one standard error, from the scatter among the stars"
    else:
        spread = (
            "± is the standard deviation over catalogs; n counts the stars of all catalogs where the number is defined"
        )
    return f"All on held-out test stars; n is how many each number rests on; {spread}. In blue, the paper’s values."


def tables(evaluations: list[Evaluation], averages: pd.DataFrame) -> list[dict[str, Any]]:
    """The tables in order, those of LAYOUTS and then what no layout holds. `averages` as of `summary.summarise`."""
    averages = averages.set_index("key")

    def cell(key: str | None) -> dict[str, Any] | None:
        return _cell(key, evaluations, averages.loc[key]) if key in averages.index else None

    shown, placed = [], set()
    for layout in LAYOUTS:
        keys = {row: [layout.cell_key(row, column) for column in layout.columns] for row in layout.rows}
        placed.update(key for row in keys.values() for key in row)
        if layout.group in comparison.GROUPS and not _any_defined(layout, averages):
            continue  # no peers, or no bounds for these spectra
        rows = [{"title": layout.rows[row], "cells": [cell(key) for key in keys[row]]} for row in keys]
        title = GROUPS[layout.group]
        if layout.group == "correlation" and len(evaluations) == 1:
            title = title.replace("absolute value of r", "r")
        shown.append(
            {"title": title, "columns": list(layout.columns.values()), "rows": rows, "footnote": layout.footnote}
        )
    for group, title in GROUPS.items():
        # A limit stands beside its number, in no row of its own.
        rest = [key for key, row in DEFINITIONS.items() if row.group == group and not key.startswith("limit.")]
        rest = [DEFINITIONS[key] for key in rest if key not in placed]
        if rest:
            rows = [{"title": row.title, "cells": [cell(row.key)]} for row in rest]
            further = f"{title}, further" if any(layout.group == group for layout in LAYOUTS) else title
            shown.append({"title": further, "columns": ["value"], "rows": rows, "footnote": ""})
    return shown


def _any_defined(layout: Layout, averages: pd.DataFrame) -> bool:
    """Whether a number of the layout's own group has a value; `averages` by key."""
    own = averages[averages["group"] == layout.group]
    return bool((own["n_catalogs"] > 0).any())


# what the page opens with: those that the paper's abstract and conclusions rest on
HEADLINE = {
    "relative_l2.all": "reconstruction error",
    "r.z_m.feh": "|r|, z_M, [Fe/H]",
    "r.z_c.c_fe": "|r|, z_C, [C/Fe]",
    "r.z_alpha.alpha_fe": "|r|, z_α, [α/Fe]",
    "rmse_linear.feh": "RMSE [Fe/H]",
    "precision.cemp": "CEMP precision",
    "recall.cemp": "CEMP recall",
    "recall.alpha_pmp": "αPMP recall",
}


def headline(evaluations: list[Evaluation], averages: pd.DataFrame) -> list[dict[str, Any]]:
    """The main numbers: title, ours (a mean over the catalogs), the paper's and the limit, ready to print."""
    averages = averages.set_index("key")
    cells = []
    for key, title in HEADLINE.items():
        row, mean = DEFINITIONS[key], float(averages.loc[key, "mean"])
        ours = _with_unit(text(mean, row.spec, None), row.unit) if averages.loc[key, "n_catalogs"] else "–"
        cells.append({"title": title, "ours": ours, "paper": PAPER[key].shown(), "limit": limit(key, evaluations)})
    return cells


OWN = {f"r.{z}.{label}" for z, label in PARTNER.items()}


def limit(key: str, evaluations: list[Evaluation]) -> str:
    """What the noise allows for the number `key`, ready to print; "" where no evaluation says.

    An evaluation that knows a limit holds it as the number `limit.{key}`, in the unit of `key`. Of several catalogs
    the mean is shown.
    """
    known = [evaluation.numbers.get(f"limit.{key}") for evaluation in evaluations]
    values = [number.value for number in known if number is not None and number.value is not None]
    if not values:
        return ""
    row = DEFINITIONS[key]
    return _with_unit(text(sum(values) / len(values), row.spec, None), row.unit)


def _cell(key: str, evaluations: list[Evaluation], average: pd.Series) -> dict[str, Any]:
    row = DEFINITIONS[key]
    cell = {"key": key, "own": key in OWN, "paper": PAPER[key].shown() if key in PAPER else ""}
    cell["limit"] = limit(key, evaluations)
    if len(evaluations) == 1:
        one = evaluations[0].numbers[key]
        if one.value is None:
            return cell | {"ours": "–", "note": one.note.partition(":")[0]}
        value = one.detail.get("signed", one.value)
        return cell | {"ours": _with_unit(text(value, row.spec, one.error), row.unit), "note": f"n = {one.n}"}
    if average["n_catalogs"] == 0:
        return cell | {"ours": "–", "note": "not enough stars"}
    spread = float(average["spread"]) if average["n_catalogs"] > 1 else None
    note = f"n = {average['n_stars']}"
    if average["n_catalogs"] < len(evaluations):
        note += f", {average['n_catalogs']} of {len(evaluations)} catalogs"
    return cell | {"ours": _with_unit(text(float(average["mean"]), row.spec, spread), row.unit), "note": note}


def _with_unit(shown: str, unit: str) -> str:
    return f"{shown} {unit}" if unit else shown
