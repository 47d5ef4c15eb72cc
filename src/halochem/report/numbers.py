"""The report's tables of numbers, ready to print."""

from __future__ import annotations

from typing import Any

import pandas as pd

from halochem.evaluate.definitions import (
    ABUNDANCES,
    DEFINITIONS,
    GROUPS,
    LATENTS,
    PARAMETERS,
    PARTNER,
    Definition,
)
from halochem.evaluate.evaluation import Evaluation
from halochem.evaluate.number import text
from halochem.evaluate.paper import PAPER

_FOOTNOTES = {
    "reconstruction": (
        "The paper quotes its errors with Eq. A.5, which has no root and pools the stars; its public "
        "release computes the mean over stars of the ratio of norms and finds 0.006 so: the paper’s "
        "values stand beside that measure."
    ),
    "parameters": (
        "Ours are measured against the true Teff and log g. Against values with the 2 % error that "
        "training sees, nothing can be better than 0.09 σ."
    ),
    "flags": "n of a precision is the number of stars flagged, of a recall the number in the class.",
}


def how_to_read(evaluations: list[Evaluation]) -> str:
    """One paragraph above the tables."""
    if len(evaluations) == 1:
        spread = "± is one standard error, from the scatter among the stars"
    else:
        spread = "± is the standard deviation over catalogs; n counts the stars of all catalogs"
    return f"All on held-out test stars, with the number of stars n that each rests on; {spread}."


def groups(evaluations: list[Evaluation], averages: pd.DataFrame) -> list[dict[str, Any]]:
    """The tables in order: rows, or for correlations a matrix. `averages` as of `summary.summarise`."""
    averages = averages.set_index("key")
    cells = {key: _cell(key, evaluations, averages.loc[key]) for key in DEFINITIONS}
    tables = []
    for group, title in GROUPS.items():
        if group == "correlation":
            tables.append(_matrix(title, cells, evaluations))
            continue
        rows = [cells[row.key] for row in DEFINITIONS.values() if row.group == group]
        tables.append({"title": title, "matrix": None, "rows": rows, "footnote": _FOOTNOTES.get(group, "")})
    return tables


def _cell(key: str, evaluations: list[Evaluation], average: pd.Series) -> dict[str, Any]:
    row = DEFINITIONS[key]
    one = evaluations[0].numbers[key]
    cell = {
        "title": row.title,
        "meaning": row.meaning,
        "unit": row.unit,
        "paper": PAPER[key].shown() if key in PAPER else "",
    }
    if len(evaluations) == 1:
        shown = _signed(row, one.value, one.detail)
        return cell | {
            "ours": "–" if one.value is None else text(shown, row.spec, one.error),
            "defined": one.value is not None,
            "note": one.note if one.value is None else "",
            "n": one.n,
            "n_catalogs": int(one.value is not None),
        }
    defined = average["n_catalogs"] > 0
    spread = float(average["spread"]) if average["n_catalogs"] > 1 else None
    return cell | {
        "ours": text(float(average["mean"]), row.spec, spread) if defined else "–",
        "defined": bool(defined),
        "note": "" if defined else "not enough stars",
        "n": int(average["n_stars"]),
        "n_catalogs": int(average["n_catalogs"]),
    }


def _signed(row: Definition, value: float | None, detail: dict[str, Any]) -> float | None:
    return detail["signed"] if row.group == "correlation" and value is not None else value


def _matrix(title: str, cells: dict[str, dict[str, Any]], evaluations: list[Evaluation]) -> dict[str, Any]:
    labels = ABUNDANCES | PARAMETERS
    rows = [
        {
            "title": z_title,
            "cells": [cells[f"r.{z}.{label}"] | {"own": PARTNER[z] == label} for label in labels],
        }
        for z, z_title in LATENTS.items()
    ]
    several = len(evaluations) > 1
    return {
        "title": title if several else title.replace(", |r|", ", r"),
        "columns": list(labels.values()),
        "matrix": rows,
        "n": max(cell["n"] for row in rows for cell in row["cells"]),
        "n_of": f"stars of {len(evaluations)} catalogs" if several else "test stars",
    }
