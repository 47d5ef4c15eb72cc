"""The product table, as the evaluation and the report read it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from halochem.errors import UserError
from halochem.evaluate.definition import ABUNDANCES, FLAG_SETS, FLAGS, LATENTS, PARAMETERS

SCHEMA_VERSION = "1"
PREFIX = "halochem."

NUMBERS = (
    *LATENTS,
    *PARAMETERS,
    *ABUNDANCES,
    *(f"{name}_sigma" for name in ABUNDANCES),
    *(f"{name}_true" for name in (*PARAMETERS, *ABUNDANCES)),
    *(f"p_{name}" for name in FLAGS),
    "rel_l2_error",
    "rel_l2_error_clean",
    "flux_clean_norm",
    "chi2_reduced",
    "latent_norm",
    "snr",
)
BOOLEANS = (
    *FLAGS.values(),
    *(f"{flag}{suffix}" for flag in FLAGS.values() for suffix, _ in FLAG_SETS.values()),
    "flag_anomalous",
    "flag_out_of_grid",
)
TEXTS = ("star_id", "split")
COLUMNS = (*TEXTS, *NUMBERS, *BOOLEANS)


def read(path: Path | str) -> tuple[pd.DataFrame, int, dict[str, str]]:
    """The columns of COLUMNS, the catalog's seed, and where the table comes from (version, hashes).

    Refused: a missing or damaged file, another schema version, a missing column or one of another type, a
    `split` other than train and test, a star twice.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such table; `halochem encode` makes one")
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: not a readable Parquet file ({error}); make it anew with `halochem encode`") from None
    metadata = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    attributes = {name.removeprefix(PREFIX): value for name, value in metadata.items() if name.startswith(PREFIX)}
    _check(path, schema, attributes)
    frame = pd.read_parquet(path, columns=list(COLUMNS))
    unknown = frame.loc[~frame["split"].isin(["train", "test"])]
    if len(unknown):
        row = unknown.index[0]
        raise UserError(f'{path}: row {row}, split: expected "train" or "test", got {unknown["split"].iloc[0]!r}')
    twice = frame.loc[frame["star_id"].duplicated(), "star_id"]
    if len(twice):
        raise UserError(f"{path}: star_id {twice.iloc[0]} is there twice; one row a star")
    # The calibration is the encoder's affair, and long.
    origin = {name: value for name, value in attributes.items() if name != "calibration"}
    return frame, int(attributes["seed"]), origin


def _check(path: Path, schema: pa.Schema, attributes: dict[str, str]) -> None:
    version = attributes.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{path}: table of schema version {version}, expected {SCHEMA_VERSION}; encode the catalog anew"
        )
    for names, is_kind, kind in (
        (TEXTS, _is_text, "text"),
        (NUMBERS, pa.types.is_floating, "floating-point numbers"),
        (BOOLEANS, pa.types.is_boolean, "true or false"),
    ):
        for name in names:
            if name not in schema.names:
                raise UserError(
                    f"{path}: column {name} is missing; expected the table of "
                    "`halochem encode` (docs/data-dictionary.md)"
                )
            found = schema.field(name).type
            if not is_kind(found):
                raise UserError(f"{path}: column {name} is of type {found}, expected {kind}; encode the catalog anew")
    if not attributes.get("seed", "").isdigit():
        raise UserError(f"{path}: the footer names no seed ({PREFIX}seed); encode the catalog anew")


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)
