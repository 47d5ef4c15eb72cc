"""The product: one row of latents, abundances, flags and errors a star, as Parquet with VO metadata."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from halochem import __version__, files, provenance, split
from halochem.config import Config
from halochem.encode import columns as table_columns
from halochem.encode import elements, flags, latents
from halochem.encode.calibration import PARTNER
from halochem.encode.columns import COLUMNS, SCHEMA_VERSION, Column, votable
from halochem.encode.scale import Scale
from halochem.errors import UserError
from halochem.files import Catalog
from halochem.progress import track
from halochem.train.data import noise_of, validation_rows
from halochem.train.model_files import Model

log = logging.getLogger("halochem")
BLOCK = 1024  # stars whose reconstruction is in memory at a time
CALIBRATION_KEY = b"halochem.calibration"
ATMOSPHERE = ("teff", "logg")


def measure(model: Model, catalog: Catalog, width: str = "noise") -> tuple[pd.DataFrame, str]:
    """Latents and errors of every star, the columns that need no calibration, and the SHA-256 of all flux.

    `width`: as encode.width, what the columns z_*_width hold, which are for the calibration alone. NaN without a
    spectrum, which column `usable` tells. Of the spectra, BLOCK are in memory at a time.
    """
    blocks, digest = list(latents.batches(len(catalog.status), BLOCK)), hashlib.sha256()
    parts = []
    for rows in track(blocks, len(blocks), "encode"):
        block = catalog.block(rows)
        digest.update(np.ascontiguousarray(block.flux))
        parts.append(_measure_block(model, block, width))
    frame = pd.concat(parts, ignore_index=True)
    if not frame["usable"].any():
        raise UserError(f"{catalog.path}: no star has a spectrum (every status is {files.STATUS_FAILED})")
    return frame, digest.hexdigest()


def _measure_block(model: Model, catalog: Catalog, width: str) -> pd.DataFrame:
    usable = catalog.usable
    frame = _measure_rows(model, catalog, np.flatnonzero(usable), width).reindex(range(len(usable)))
    frame["usable"] = usable
    return frame


def _measure_rows(model: Model, catalog: Catalog, rows: np.ndarray, width: str) -> pd.DataFrame:
    pixels = model.pixels
    bad = None if catalog.mask is None else catalog.mask[rows].astype(bool)
    good = None if bad is None else ~bad[:, pixels]
    found = latents.infer(model, catalog.flux[rows], bad)
    flux = catalog.flux[np.ix_(rows, pixels)]
    widths = found.sigma
    if width == "noise":
        widths = latents.noise_widths(model, catalog.flux[rows], catalog.sigma[rows], bad)
    columns = elements.measured(model.train.elements, found, widths)
    columns |= {"w_1": found.w[:, 0], "w_2": found.w[:, 1]}
    columns |= {name: found.atmosphere[:, k] for k, name in enumerate(ATMOSPHERE)}
    columns["rel_l2_error"] = latents.relative_l2(found.reconstruction, flux, good)
    columns["rel_l2_error_clean"] = columns["flux_clean_norm"] = np.full(len(rows), np.nan)
    if catalog.flux_clean is not None:
        clean = catalog.flux_clean[np.ix_(rows, pixels)]
        columns["rel_l2_error_clean"] = latents.relative_l2(found.reconstruction, clean)
        columns["flux_clean_norm"] = np.linalg.norm(clean.astype(np.float64), axis=1)
    sigma = noise_of(catalog, rows, pixels)
    columns["chi2_reduced"] = latents.reduced_chi2(found.reconstruction, flux, sigma, good)
    columns["latent_norm"] = np.linalg.norm(np.column_stack([columns[name] for name in PARTNER]), axis=1)
    return pd.DataFrame(columns, index=rows)


def assemble(frame: pd.DataFrame, catalog: Catalog, is_train: np.ndarray, scale: Scale, config: Config) -> pd.DataFrame:
    """All columns of COLUMNS in their order, from `measure`'s frame, the calibration and the labels.

    Whatever else the frame holds is left at the end.
    """
    table = frame.copy()
    n_stars = len(table)
    abundances, sigma = scale.abundances(frame)
    for label, values in abundances.items():
        table[label], table[f"{label}_sigma"] = values, sigma[label]
    published = scale.published_flags(frame, config.encode)
    for name in published:
        table[f"p_{name}"] = probability = scale.probability(name, abundances, sigma)
        table[f"flag_{name}_paper"] = published[name]
        table[f"flag_{name}_calibrated"] = scale.cuts[name].flags(probability)
        table[f"flag_{name}"] = table[f"flag_{name}_{config.encode.thresholds}"]
    table["flag_anomalous"] = flags.anomalous(table["chi2_reduced"].to_numpy(), scale.normal)
    usable = frame["usable"].to_numpy(bool)
    outside = np.zeros(n_stars, bool) if catalog.out_of_grid is None else catalog.out_of_grid.astype(bool)
    table["flag_out_of_grid"] = outside & usable
    known = {f"{name}_true": name for name in (*ATMOSPHERE, *PARTNER.values())}
    known |= {name: name for name in ("teff_obs", "logg_obs", "snr")}
    for name, label in known.items():
        table[name] = catalog.labels[label].to_numpy(float) if label in catalog.labels else np.nan
    ids = catalog.labels["star_id"] if "star_id" in catalog.labels else [f"{i:06d}" for i in range(n_stars)]
    table["star_id"] = np.array(ids, dtype=object)
    table["split"] = np.where(is_train, "train", "test").astype(object)
    # A spectrum with a NaN in it is as good as none, whatever its status says.
    table["status"] = np.where(usable, catalog.status, files.STATUS_FAILED).astype(np.uint8)
    first = [column.name for column in COLUMNS]
    return table[first + [name for name in table if name not in first]]


def write(
    table: pd.DataFrame,
    path: Path,
    metadata: dict[str, str],
    calibration_values: dict[str, Any],
    columns: Sequence[Column] = COLUMNS,
) -> None:
    """Write the Parquet file: `columns` with their metadata, VOTable header, calibration, where it comes from."""
    fields = [
        pa.field(
            column.name,
            pa.type_for_alias(column.kind),
            metadata={"unit": column.unit, "description": column.description, "ucd": column.ucd},
        )
        for column in columns
    ]
    lengths = {column.name: int(table[column.name].str.len().max()) for column in columns if column.kind == "string"}
    header = {
        "IVOA.VOTable-Parquet.version": "1.0",
        "IVOA.VOTable-Parquet.content": votable(
            f"halochem {__version__}: stars of catalog {metadata['seed']}", lengths, columns
        ),
        CALIBRATION_KEY.decode(): json.dumps(calibration_values, allow_nan=False),
        # What astropy's reader would otherwise guess, with a warning.
        **{f"table::len::{name}": str(length) for name, length in lengths.items()},
        **{f"halochem.{name}": value for name, value in metadata.items()},
    }
    arrays = [pa.array(table[field.name].to_numpy(), field.type, from_pandas=False) for field in fields]
    with files.atomic(path) as temporary:
        whole = pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=header))
        pq.write_table(whole, temporary, write_page_checksum=True)


def read_calibration(path: Path, model: Model) -> Scale:
    """The scale from the footer of a table that the same model made."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise UserError(
            f"{path}: not a readable Parquet file ({error}); expected a table of `halochem encode`"
        ) from None
    if CALIBRATION_KEY not in metadata:
        raise UserError(f"{path}: holds no calibration; expected a table of `halochem encode`")
    values = json.loads(metadata[CALIBRATION_KEY])
    if values["weights_sha256"] != model.document["weights_sha256"]:
        raise UserError(f"{path}: was made by another model than {model.folder}; a calibration fits one model only")
    try:
        return Scale.from_json(values)
    except (KeyError, TypeError) as error:  # of an earlier version
        raise UserError(f"{path}: its calibration lacks {error}; encode its catalog anew") from None


def make(catalog: Catalog, model: Model, config: Config, out: Path, calibration_table: Path | None = None) -> None:
    """Encode a catalog with a model and write the table `out`.

    Sign, scale and limits come from the catalog's own training stars, or from `calibration_table`.
    """
    model.check_grid(catalog)
    known = model.train.elements
    elements.check(known, model.folder)
    columns = table_columns.of(known)
    frame, flux_sha256 = measure(model, catalog, config.encode.width)
    trained_on = model.document["catalog"]["flux_sha256"] == flux_sha256
    if not trained_on:
        log.info("encode: %s is not the catalog that %s was trained on", catalog.path, model.folder)
    fraction = model.document["training"]["train_fraction"]
    is_train = split.is_train(catalog.seed, len(frame), fraction)
    if calibration_table is None:
        rows = np.flatnonzero(is_train & frame["usable"].to_numpy(bool))
        watching = 0 if model.train.reproduce.validation_is_test else round(model.train.validation_fraction * len(rows))
        unseen = validation_rows(catalog.seed, rows, watching) if trained_on else rows
        scale = Scale.measure(frame, catalog, rows, unseen, config.encode)
        scale.relations.update(elements.relations(frame, catalog, rows, known, config.encode))
    else:
        scale = read_calibration(calibration_table, model)
    scale.report(config.encode)
    more = elements.abundances(frame, catalog, known, scale.relations)
    table = assemble(frame, catalog, is_train, scale, config).assign(**more)
    weights = model.document["weights_sha256"]
    values = {"weights_sha256": weights, **scale.as_json()}
    metadata = provenance.attributes(config, catalog.seed, "encode")
    metadata |= {"schema_version": SCHEMA_VERSION, "model_weights_sha256": weights}
    metadata |= {"thresholds": config.encode.thresholds, "flag_precision": f"{scale.precision:g}"}
    if elements.further(known):
        metadata["elements"] = elements.as_json(known)
    write(table, out, metadata, values, columns)
