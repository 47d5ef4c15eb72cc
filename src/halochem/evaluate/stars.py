"""Small Parquet tables, one row a star, that a step of the evaluation hands to the next."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from halochem import files
from halochem.errors import UserError

PREFIX = "halochem."
# column -> (unit, meaning)
Columns = dict[str, tuple[str, str]]


def write(frame: pd.DataFrame, path: Path | str, columns: Columns, metadata: dict[str, str]) -> None:
    """Write the frame with unit and description of each column in its field; `metadata` to the footer."""
    fields = []
    for name, (unit, meaning) in columns.items():
        is_text = not pd.api.types.is_numeric_dtype(frame[name])
        words = {"unit": unit, "description": meaning}
        fields.append(pa.field(name, pa.string() if is_text else pa.float64(), metadata=words))
    footer = {f"{PREFIX}{name}": value for name, value in metadata.items()}
    whole = pa.Table.from_pandas(frame[list(columns)], pa.schema(fields, metadata=footer), preserve_index=False)
    with files.atomic(path) as temporary:
        pq.write_table(whole, temporary, write_page_checksum=True)


def read(path: Path | str, columns: Columns, made_by: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """What `write` wrote: the frame and the footer's metadata. `made_by`: the command that makes such a file."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; `{made_by}` makes it")
    try:
        table = pq.read_table(path, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: not a readable Parquet file ({error}); make it anew with `{made_by}`") from None
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise UserError(f"{path}: column {missing[0]} is missing; make it anew with `{made_by}`")
    metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    found = {key.removeprefix(PREFIX): value for key, value in metadata.items() if key.startswith(PREFIX)}
    return table.to_pandas(), found
