"""The report's tables of numbers, ready to print."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from halochem.evaluate import comparison, detection, gradient_flow
from halochem.evaluate.definitions import DEFINITIONS, GROUPS, PARTNER
from halochem.evaluate.evaluation import Evaluation
from halochem.evaluate.number import text
from halochem.evaluate.paper import PAPER
from halochem.report.layouts import LAYOUTS, Layout

# groups that a run may be without
OPTIONAL = comparison.GROUPS | detection.GROUPS | gradient_flow.GROUPS


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

    def cell(key: str | None, unit: bool = True) -> dict[str, Any] | None:
        return _cell(key, evaluations, averages, unit) if key in averages.index else None

    shown, placed = [], set()
    for layout in LAYOUTS:
        keys = {row: [layout.cell_key(row, column) for column in layout.columns] for row in layout.rows}
        placed.update(key for row in keys.values() for key in row)
        if layout.group in OPTIONAL and not _any_defined(layout, averages):
            continue  # no peers, say, or no bounds for these spectra
        rows = [{"title": layout.rows[row], "cells": [cell(key, unit=False) for key in keys[row]]} for row in keys]
        by_column = zip(*keys.values(), strict=True)
        columns = [f"{head}{_unit(of)}" for head, of in zip(layout.columns.values(), by_column, strict=True)]
        title = GROUPS[layout.group]
        if layout.group == "correlation" and len(evaluations) == 1:
            title = title.replace("absolute value of r", "r")
        shown.append({"title": title, "columns": columns, "rows": rows, "footnote": layout.footnote})
    for group, title in GROUPS.items():
        # A limit stands beside its number, in no row of its own.
        rest = [key for key, row in DEFINITIONS.items() if row.group == group and not key.startswith("limit.")]
        rest = [DEFINITIONS[key] for key in rest if key not in placed]
        if rest and (group not in OPTIONAL or averages.loc[[row.key for row in rest], "n_catalogs"].any()):
            rows = [{"title": row.title, "cells": [cell(row.key)]} for row in rest]
            further = f"{title}, further" if any(layout.group == group for layout in LAYOUTS) else title
            shown.append({"title": further, "columns": ["value"], "rows": rows, "footnote": ""})
    return shown


def _unit(keys: tuple[str | None, ...]) -> str:
    """The unit of a column of a layout, as its heading has it; a column has one."""
    (unit,) = {DEFINITIONS[key].unit for key in keys if key is not None}
    return f" [{unit}]" if unit else ""


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
        row, average = DEFINITIONS[key], averages.loc[key]
        spread = float(average["spread"]) if average["n_catalogs"] > 1 else None
        shown = text(float(average["mean"]), row.spec) if average["n_catalogs"] else "–"
        cells.append(
            {
                "title": title,
                "ours": _with_unit(shown, row.unit) if average["n_catalogs"] else shown,
                "spread": "" if spread is None else f"± {text(spread, row.spec)} over {average['n_catalogs']} catalogs",
                "paper": PAPER[key].shown(),
                "limit": limit(key, averages),
            }
        )
    return cells


OWN = {f"{of}r.{z}.{label}" for z, label in PARTNER.items() for of in ("", "without_flow.")}
OWN |= {f"gain.{z}.{label}" for z, label in PARTNER.items()}


def limit(key: str, averages: pd.DataFrame, unit: bool = True) -> str:
    """What the noise allows for the number `key`, ready to print; "" where no evaluation says.

    An evaluation that knows a limit holds it as the number `limit.{key}`, in the unit of `key`, which is printed where
    `unit`. `averages`: by key; of several catalogs it is their mean and spread.
    """
    value, spread = (averages.loc[key, name] for name in ("limit", "limit_spread"))
    if not np.isfinite(value):
        return ""
    row = DEFINITIONS[key]
    shown = text(float(value), row.spec, float(spread) if np.isfinite(spread) else None)
    return _with_unit(shown, row.unit if unit else "")


def _cell(key: str, evaluations: list[Evaluation], averages: pd.DataFrame, with_unit: bool) -> dict[str, Any]:
    row, average = DEFINITIONS[key], averages.loc[key]
    unit = row.unit if with_unit else ""
    cell = {"key": key, "own": key in OWN, "paper": PAPER[key].shown() if key in PAPER else ""}
    cell["limit"] = limit(key, averages, with_unit)
    if len(evaluations) == 1:
        one = evaluations[0].numbers[key]
        if one.value is None:
            return cell | {"ours": "–", "note": one.note.partition(":")[0]}
        value = one.detail.get("signed", one.value)
        return cell | {"ours": _with_unit(text(value, row.spec, one.error), unit), "note": f"n = {one.n}"}
    if average["n_catalogs"] == 0:
        return cell | {"ours": "–", "note": "not enough stars"}
    spread = float(average["spread"]) if average["n_catalogs"] > 1 else None
    note = f"n = {average['n_stars']}"
    if average["n_catalogs"] < len(evaluations):
        note += f", {average['n_catalogs']} of {len(evaluations)} catalogs"
    return cell | {"ours": _with_unit(text(float(average["mean"]), row.spec, spread), unit), "note": note}


def _with_unit(shown: str, unit: str) -> str:
    return f"{shown} {unit}" if unit else shown
