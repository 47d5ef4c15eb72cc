"""Mean and spread over catalogs, beside the paper's values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from halochem import files
from halochem.errors import UserError
from halochem.evaluate import detection, gradient_flow
from halochem.evaluate.definitions import DEFINITIONS, GROUPS
from halochem.evaluate.evaluation import COMPARABLE_FROM, Evaluation
from halochem.evaluate.number import Number, text
from halochem.evaluate.paper import CITATION, PAPER

SCHEMA_VERSION = 2  # 2: error, limit, limit_spread
SPREAD_IS = "Mean ± standard deviation over catalogs;"
ERROR_IS = "± is one standard error, from the scatter among the stars;"
# groups of which only a sentence is left where a run has none of it
RARE = detection.GROUPS | gradient_flow.GROUPS
LIMIT = "limit."  # a key with this before it: what the noise allows for the number of the rest

COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "key": (pa.string(), "which number (docs/evaluation.md)"),
    "group": (pa.string(), "what it belongs to"),
    "title": (pa.string(), "short name"),
    "unit": (pa.string(), "unit of mean, spread, minimum, maximum and values"),
    "stars": (pa.string(), "on which stars"),
    "mean": (pa.float64(), "mean over the catalogs where the number is defined"),
    "spread": (pa.float64(), "standard deviation over those catalogs (n - 1 in the denominator)"),
    "error": (pa.float64(), "one standard error of the mean, from the scatter among the stars of each catalog"),
    "minimum": (pa.float64(), "smallest of them"),
    "maximum": (pa.float64(), "largest of them"),
    "n_catalogs": (pa.int64(), "catalogs where the number is defined"),
    "n_stars": (pa.int64(), "stars it rests on, all catalogs together"),
    "values": (pa.list_(pa.float64()), "the catalogs' values, in the order of the file's `seeds`"),
    "limit": (pa.float64(), "what the noise allows for this number, mean over the catalogs where it is known"),
    "limit_spread": (pa.float64(), "standard deviation over those catalogs"),
    "paper": (pa.float64(), f"value of {CITATION}"),
    "paper_spread": (pa.float64(), "its spread over five catalogs, where given"),
    "paper_words": (pa.string(), "what it says where it gives no value"),
    "paper_source": (pa.string(), "where in it"),
}


def summarise(evaluations: list[Evaluation]) -> pd.DataFrame:
    """One row a number of DEFINITIONS, with the columns of COLUMNS; the seeds are in `attrs`."""
    seeds = [evaluation.seed for evaluation in evaluations]
    twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if twice:
        raise UserError(f"--summary: seed {twice[0]} is there twice; give one evaluation a catalog")
    rows = []
    for key, row in DEFINITIONS.items():
        numbers = [evaluation.numbers[key] for evaluation in evaluations if key in evaluation.numbers]
        limits = [evaluation.numbers.get(LIMIT + key) for evaluation in evaluations]
        values, good = _values(numbers)
        _, limit = _values([number for number in limits if number is not None])
        errors = np.array([number.error for number in numbers if number.value is not None], float)
        quoted = PAPER.get(key)
        rows.append(
            {
                "key": key,
                "group": row.group,
                "title": row.title,
                "unit": row.unit,
                "stars": row.stars,
                "mean": _mean(good),
                "spread": _spread(good),
                "error": np.sqrt((errors**2).sum()) / len(errors) if len(errors) else np.nan,
                "minimum": good.min() if len(good) else np.nan,
                "maximum": good.max() if len(good) else np.nan,
                "n_catalogs": len(good),
                "n_stars": sum(number.n for number in numbers if number.value is not None),
                "values": values.tolist(),
                "limit": _mean(limit),
                "limit_spread": _spread(limit),
                "paper": quoted.value if quoted and quoted.value is not None else np.nan,
                "paper_spread": quoted.spread if quoted and quoted.spread is not None else np.nan,
                "paper_words": quoted.words if quoted else "",
                "paper_source": quoted.source if quoted else "",
            }
        )
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame.attrs["seeds"] = seeds
    return frame


def _values(numbers: list[Number]) -> tuple[np.ndarray, np.ndarray]:
    """The values, NaN where undefined, and the defined ones."""
    values = np.array([np.nan if number.value is None else number.value for number in numbers], float)
    return values, values[np.isfinite(values)]


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


def _spread(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else np.nan


def write(evaluations: list[Evaluation], path: Path | str) -> Path:
    """Write `path` (Parquet) and, beside it, the same as Markdown; returns the latter's path."""
    path = Path(path)
    frame = summarise(evaluations)
    fields = [pa.field(name, kind, metadata={"description": text}) for name, (kind, text) in COLUMNS.items()]
    metadata = {
        "schema_version": str(SCHEMA_VERSION),
        "seeds": ",".join(str(evaluation.seed) for evaluation in evaluations),
    }
    table = pa.Table.from_pandas(frame, pa.schema(fields, metadata=metadata), preserve_index=False)
    with files.atomic(path) as temporary:
        pq.write_table(table, temporary)
    page = path.with_suffix(".md")
    with files.atomic(page) as temporary:
        temporary.write_text(markdown(frame, evaluations), encoding="utf-8")
    return page


def read(path: Path | str) -> pd.DataFrame:
    """The frame of `summarise` from its file."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such summary; `halochem evaluate --summary A.json … --out {path}` makes one")
    try:
        frame = pd.read_parquet(path)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: not a readable Parquet file ({error}); make it anew") from None
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise UserError(f"{path}: column {missing[0]} is missing; make the summary anew")
    metadata = pq.read_schema(path).metadata or {}
    version = metadata.get(b"schema_version", b"").decode()
    if version != str(SCHEMA_VERSION):
        raise UserError(f"{path}: schema version {version or 'none'}, expected {SCHEMA_VERSION}; make it anew")
    frame.attrs["seeds"] = [int(seed) for seed in metadata[b"seeds"].decode().split(",")]
    return frame


def caution(evaluations: list[Evaluation]) -> str:
    """One sentence for the reader where the catalogs are too small to be compared with the paper, or ""."""
    fewest = min(evaluation.n_test for evaluation in evaluations)
    if fewest >= COMPARABLE_FROM:
        return ""
    return (
        f"With {fewest} test stars in a catalog these numbers show that the pipeline works, not how well the "
        f"method does: the paper has 12 000 a catalog, and fewer than {COMPARABLE_FROM} do not compare."
    )


def markdown(frame: pd.DataFrame, evaluations: list[Evaluation]) -> str:
    """The summary as a page."""
    seeds = ", ".join(str(evaluation.seed) for evaluation in evaluations)
    stars = ", ".join(str(evaluation.n_test) for evaluation in evaluations)
    several = len(evaluations) > 1
    lines = [
        "# Evaluation",
        "",
        f"Catalogs: seed {seeds}; test stars: {stars}. " + (SPREAD_IS if several else ERROR_IS),
        "n is the number of stars behind a row, all catalogs together; limit is what the noise allows. What each",
        "number is: docs/evaluation.md.",
        f"Paper: {CITATION}.",
    ]
    warning = caution(evaluations)
    if warning:
        lines += ["", f"**{warning}**"]
    for group, heading in GROUPS.items():
        rows = [row for row in frame[frame["group"] == group].itertuples() if not row.key.startswith(LIMIT)]
        if group in RARE and not any(row.n_catalogs for row in rows):
            why = _why(rows[0].key, evaluations)
            lines += ["", f"## {heading}", "", f"Not measured: {why}."]
            continue
        lines += ["", f"## {heading}", ""]
        lines += ["| | ours | catalogs | n | paper | limit |", "| --- | --- | --- | --- | --- | --- |"]
        for row in rows:
            spec = DEFINITIONS[row.key].spec
            ours = text(_or_none(row.mean), spec, _or_none(row.spread if several else row.error))
            unit = f" {row.unit}" if row.unit and row.n_catalogs else ""
            ours = f"{ours}{unit}" if row.n_catalogs else _why(row.key, evaluations)
            quoted = PAPER[row.key].shown() if row.key in PAPER else ""
            limit = text(row.limit, spec, _or_none(row.limit_spread)) if np.isfinite(row.limit) else ""
            title = row.title.replace("|", r"\|")  # a bar would end the cell
            lines.append(f"| {title} | {ours} | {row.n_catalogs} | {row.n_stars} | {quoted} | {limit} |")
    return "\n".join(lines) + "\n"


def _why(key: str, evaluations: list[Evaluation]) -> str:
    """Why a number is undefined in all catalogs: what the first says of it."""
    notes = [evaluation.numbers[key].note for evaluation in evaluations if key in evaluation.numbers]
    return next((note for note in notes if note.startswith("no ")), "not enough stars").partition(":")[0]


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
