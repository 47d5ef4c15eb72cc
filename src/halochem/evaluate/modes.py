"""What `halochem evaluate` does in each of its modes: files in, one file out."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from halochem import files, provenance
from halochem.config import Config
from halochem.errors import UserError
from halochem.evaluate import evaluation, stars, summary, table

log = logging.getLogger("halochem")


def limits_of(catalog: Path, settings: Config, out: Path) -> None:
    """Write each test star's bounds."""
    from halochem.evaluate import bounds

    with files.open_catalog(catalog, clean=False) as stars_on_disk:
        _each_star(bounds, stars_on_disk, settings, out)


def peers_of(catalog: Path, settings: Config, out: Path) -> None:
    """Write what other methods read of each test star."""
    from halochem.evaluate import peers

    _each_star(peers, files.read_catalog(catalog, clean=False), settings, out)


def _each_star(module: ModuleType, catalog: files.Catalog, settings: Config, out: Path) -> None:
    """Run bounds.measure or peers.measure and write its table, with why there is nothing in it."""
    frame, reason = module.measure(catalog, settings)
    if reason:
        log.warning("%s: %s", out, reason)
    metadata = provenance.attributes(settings, catalog.seed, "sample", "observe", "train") | {"reason": reason}
    stars.write(frame, out, module.COLUMNS, metadata)
    log.info("%s: %d test stars", out, len(frame))


def anomalies_of(path: Path, model_folder: Path, settings: Config, out: Path) -> None:
    """Write what the model says of spoilt spectra."""
    from halochem.evaluate import anomalies, anomaly_kinds
    from halochem.train import model_files

    model = model_files.load(model_folder)
    with files.open_catalog(path, clean=False) as catalog:
        frame = anomalies.measure(catalog, model)
    metadata = provenance.attributes(settings, catalog.seed)
    metadata |= {"model_weights_sha256": model.document["weights_sha256"], "reason": ""}
    stars.write(frame, out, anomaly_kinds.COLUMNS, metadata)
    log.info("%s: %d spoilt spectra of %d test stars", out, len(frame), frame["star_id"].nunique())


def without_flow_of(path: Path, folder: Path, settings: Config, out: Path) -> None:
    """Train without selective gradient flow, model and table in `folder`, and write the evaluation."""
    from halochem.evaluate import gradient_flow

    evaluation.write(gradient_flow.measure(path, settings, folder), out)
    log.info("%s: without selective gradient flow", out)


def training_size(path: Path, how: dict[str, Any], settings: Config, out: Path) -> None:
    """Train on so many stars at one S/N and write its error. The model is not kept, but for an interrupted training's
    checkpoint, from which the same command goes on."""
    from halochem.evaluate import training_sizes

    folder = out.parent / f".{out.stem}.training"
    result = training_sizes.measure(path, settings, **how, folder=folder)
    training_sizes.write(result, out)
    shutil.rmtree(folder)
    log.info("%s: %d stars, S/N %g: %.4f", out, how["stars"], how["snr"], result["relative_l2"]["value"])


def collect_sizes(paths: list[Path], out: Path) -> None:
    """Put the trainings of several sizes together."""
    from halochem.evaluate import training_sizes

    frame = training_sizes.collect(paths)
    page = training_sizes.write_table(frame, out)
    log.info("%s, %s: %d trainings", out, page, len(paths))


def evaluate(table_path: Path, beside: dict[str, Path | None], out: Path) -> None:
    """Evaluate one catalog's table; `beside`: bounds, peers, anomalies, without_flow, where given."""
    from halochem.evaluate import anomaly_kinds, bounds, peers

    frame, seed, origin = table.read(table_path)
    reasons: dict[str, str] = {}
    found: dict[str, Any] = {}
    for name, module, option in (
        ("bounds", bounds, "--limits-of"),
        ("peers", peers, "--peers-of"),
        ("anomalies", anomaly_kinds, "--anomalies-of"),
    ):
        found[name] = _read_beside(name, beside[name], module.COLUMNS, option, frame, reasons)
    if beside["without_flow"]:
        found["without_flow"] = _read_without_flow(beside["without_flow"], seed)
    result = evaluation.evaluate(frame, seed, origin | {"table": table_path.name}, reasons=reasons, **found)
    evaluation.write(result, out)
    defined = sum(number.value is not None for number in result.numbers.values())
    log.info("%s: %d test stars, %d of %d numbers defined", out, result.n_test, defined, len(result.numbers))


def _read_beside(
    name: str, path: Path | None, columns: stars.Columns, option: str, product: pd.DataFrame, reasons: dict[str, str]
) -> pd.DataFrame | None:
    """A table of one row a test star, or of some rows of some; refused where it is not of the product's test stars."""
    if path is None:
        return None
    frame, metadata = stars.read(path, columns, f"halochem evaluate {option} CATALOG")
    test = set(product.loc[(product["split"] == "test") & product["z_m"].notna(), "star_id"])
    found = set(frame["star_id"])
    if found - test or (name != "anomalies" and len(frame) != len(test)):
        raise UserError(
            f"{path}: holds {len(found)} stars, not the {len(test)} test stars of the table; make it anew from the "
            f"table's catalog (`halochem evaluate {option}`) with the configuration of the model"
        )
    reasons[name] = metadata.get("reason", "")
    return frame


def _read_without_flow(path: Path, seed: int) -> evaluation.Evaluation:
    found = evaluation.read(path)
    if found.seed != seed or found.attributes.get("selective_gradient_flow") != "false":
        raise UserError(
            f"{path}: not the evaluation of catalog {seed} without selective gradient flow; make it with "
            "`halochem evaluate --without-flow-of CATALOG`"
        )
    return found


def summarise(paths: list[Path], out: Path) -> None:
    """Write mean and spread over catalogs."""
    evaluations = [evaluation.read(path) for path in paths]
    page = summary.write(evaluations, out)
    log.info("%s, %s: %d catalogs", out, page, len(evaluations))
