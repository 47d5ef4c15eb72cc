"""results/report.html: one page that holds everything it shows and opens from disk without a network."""

from __future__ import annotations

import base64
import re
import struct
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from halochem import files
from halochem.evaluate import summary
from halochem.evaluate.definitions import ABUNDANCES, PARAMETERS
from halochem.evaluate.evaluation import Evaluation
from halochem.evaluate.paper import CITATION
from halochem.report import explorer, facts, notable, numbers
from halochem.report.build import FigureFile, Run

# in the order in which they need each other
SCRIPTS = ("data", "scale", "text", "colours", "stamps", "scatter", "spectrum", "brush", "selection", "legend", "main")


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
        "css": _resource("page.css") + _resource("explorer.css"),
        "script": "\n".join(_resource(f"scripts/{name}.js") for name in SCRIPTS),
        "title": f"Catalog{'s' * (len(runs) > 1)} " + ", ".join(f"halo-{run.seed}" for run in runs),
        "lead": facts.lead(evaluations, attributes),
        "warning": summary.caution(evaluations),
        "headline": numbers.headline(evaluations, averages),
        "how_to_read": numbers.how_to_read(evaluations),
        "tables": numbers.tables(evaluations, averages),
        "checks": facts.checks(runs, evaluations, attributes),
        "explorer": explorer.build(runs),
        "notable": notable.shown(runs[0].table, notable.choose(runs[0].table)),
        "notable_columns": list((ABUNDANCES | PARAMETERS).values()),
        "figures": [_inline(figure, path.parent) for figure in figures],
        "skipped": skipped,
        "facts": facts.facts(runs, evaluations, attributes),
        "inputs": facts.inputs(runs, path.parent),
        "software": facts.software(),
        "departures": facts.departures(runs[0]),
        "records": facts.records(runs[0], evaluations[0], attributes),
        "limits": facts.limits(runs, attributes),
        "citation": CITATION,
    }
    with files.atomic(path) as temporary:
        temporary.write_text(render(context), encoding="utf-8")


def render(context: dict[str, Any]) -> str:
    """The template filled in; every value is escaped but style sheet, script and the explorer's own JSON."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FunctionLoader(_resource),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["latent"] = _latent
    trusted = {name: Markup(context[name]) for name in ("css", "script")}
    return environment.get_template("page.html").render(context | trusted)


def _latent(text: str) -> str:
    """Words with the names of latents set as such, the letter below the line."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"\bz_(\w)", r"<i>z</i><sub>\1</sub>", str(escape(text))))


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
        "link": quote(shown.as_posix()),
        "source": "data:image/png;base64," + base64.b64encode(data).decode("ascii"),
        "width": width,
        "height": height,
    }
