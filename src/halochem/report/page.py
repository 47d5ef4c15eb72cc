"""results/report.html: one page that holds everything it shows and opens from disk without a network."""

from __future__ import annotations

import base64
import struct
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from halochem import files
from halochem.evaluate import summary
from halochem.evaluate.evaluation import Evaluation
from halochem.evaluate.paper import CITATION
from halochem.report import facts, numbers
from halochem.report.build import FigureFile, Run


def write(
    path: Path,
    runs: list[Run],
    evaluations: list[Evaluation],
    averages: pd.DataFrame,
    figures: list[FigureFile],
    skipped: list[str],
    attributes: dict[str, Any],
) -> None:
    """Write the page. `averages`: of `summary.summarise`; `attributes`: of the first catalog (HDF5)."""
    context = {
        "css": _resource("page.css"),
        "title": f"Catalog{'s' * (len(runs) > 1)} " + ", ".join(f"halo-{run.seed}" for run in runs),
        "lead": facts.lead(evaluations, attributes),
        "warning": summary.caution(evaluations),
        "how_to_read": numbers.how_to_read(evaluations),
        "tables": numbers.tables(evaluations, averages),
        "figures": [_inline(figure, path.parent) for figure in figures],
        "skipped": skipped,
        "facts": facts.facts(runs, evaluations, attributes),
        "departures": facts.departures(runs[0]),
        "records": facts.records(runs[0], evaluations[0], attributes),
        "limits": facts.limits(runs, attributes),
        "citation": CITATION,
    }
    with files.atomic(path) as temporary:
        temporary.write_text(render(context), encoding="utf-8")


def render(context: dict[str, Any]) -> str:
    """The template filled in; every value is escaped but the style sheet."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["subscript"] = _subscript
    return environment.from_string(_resource("page.html")).render(context | {"css": Markup(context["css"])})


def _subscript(title: str) -> str:
    from markupsafe import Markup

    stem, _, below = title.partition("_")
    return Markup("<i>{}</i><sub>{}</sub>").format(stem, below) if below else title


def _resource(name: str) -> str:
    return resources.files("halochem.report").joinpath(name).read_text(encoding="utf-8")


def _inline(figure: FigureFile, folder: Path) -> dict[str, Any]:
    data = figure.png.read_bytes()
    width, height = struct.unpack(">II", data[16:24])  # of a PNG's first chunk
    try:
        shown = figure.pdf.resolve().relative_to(folder.resolve())
    except ValueError:
        shown = figure.pdf
    return {
        "name": figure.name,
        "title": figure.title,
        "caption": figure.caption,
        "pdf": str(shown),
        "source": "data:image/png;base64," + base64.b64encode(data).decode("ascii"),
        "width": width,
        "height": height,
    }
