"""What the report says of the run: what was made of what, how it departs from the paper, its limits."""

from __future__ import annotations

import contextlib
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from halochem import __version__, files
from halochem.config import Config
from halochem.evaluate.classes import CLASSES
from halochem.evaluate.evaluation import Evaluation
from halochem.report import emulator_check
from halochem.report.build import Run

UNKNOWN = "not recorded"


def plain(value: Any) -> str:
    """An attribute of an HDF5 file or a JSON value as text."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple | np.ndarray):
        return ", ".join(plain(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(item)}" for key, item in value.items())
    return str(value)


@dataclass(frozen=True)
class Check:
    """A check that the page shows below its numbers: a sentence, and a small table where there is one."""

    title: str
    sentence: str
    columns: tuple[str, ...] = ()  # headings, the first of the rows' names
    rows: tuple[tuple[str, ...], ...] = ()  # ready to print, as long as `columns`


def checks(runs: list[Run], evaluations: list[Evaluation], attributes: dict[str, Any]) -> list[Check]:
    """What was checked of the run's inputs, in the order of the page; none is shown where nothing was.

    To add one append a `Check` here, made from what the catalog records (`attributes`, its HDF5 root attributes) or
    from files beside it (`runs[0].catalog.parent`). Title, sentence and cells are plain text; the page escapes them
    and lays them out.
    """
    found: list[Check] = []
    emulated = emulator_check.found(runs[0].catalog, attributes)
    if emulated:
        found.append(Check(*emulated))
    return found


def inputs(runs: list[Run], folder: Path) -> list[tuple[str, str, str]]:
    """Name, relative to `folder` where it is in it, size and SHA-256 of every file that the page rests on."""
    rows = []
    for run in runs:
        model = [run.model_folder / name for name in ("weights.safetensors", "model.json")]
        for path in (run.catalog, *model, run.table_path):
            try:
                name = path.resolve().relative_to(folder.resolve())
            except ValueError:
                name = path
            rows.append((str(name), _size(path.stat().st_size), files.sha256(path)))
    return rows


def _size(n_bytes: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= size:
            return f"{n_bytes / size:.3g} {unit}"
    return f"{n_bytes} B"


def software() -> str:
    """Versions of Python and of the packages that the page's numbers passed through."""
    packages = ("numpy", "scipy", "torch", "scikit-learn", "h5py", "pandas", "pyarrow", "matplotlib", "snakemake")
    found = [f"halochem {__version__}", f"Python {platform.python_version()}"]
    for name in packages:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found.append(f"{name} {metadata.version(name)}")
    return ", ".join(found) + f"; {platform.system()} {platform.machine()}."


def lead(evaluations: list[Evaluation], attributes: dict[str, Any]) -> str:
    """The page's first sentence."""
    total = sum(evaluation.counts["n_stars"] for evaluation in evaluations)
    test = sum(evaluation.n_test for evaluation in evaluations)
    engine, atmospheres = _of(attributes, "engine"), _of(attributes, "atmospheres")
    catalogs = f" in {len(evaluations)} catalogs" if len(evaluations) > 1 else ""
    return (
        f"{count(total)} synthetic halo stars{catalogs}: spectra by {engine} on {atmospheres} atmospheres, "
        f"latents by the disentangled autoencoder, numbers from {count(test)} held-out stars."
    )


def count(n: int) -> str:
    """A whole number with thin spaces between its thousands."""
    return f"{n:,}".replace(",", "\u202f")


def facts(runs: list[Run], evaluations: list[Evaluation], attributes: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and value of what one wants to know of a run."""
    document = runs[0].document
    training, grid = document["training"], document["wavelength"]
    last = grid["first"] * 10 ** (grid["log_step"] * (grid["n"] - 1))
    classes = ", ".join(
        f"{sum(evaluation.classes[name] for evaluation in evaluations)} {star_class.title}"
        for name, star_class in CLASSES.items()
        if name != "all"
    )
    counts = {name: sum(e.counts[name] for e in evaluations) for name in evaluations[0].counts}
    rows = [
        ("Seeds", ", ".join(str(run.seed) for run in runs)),
        (
            "Stars",
            f"{counts['n_stars']}: {counts['n_train']} training, {counts['n_test']} test, "
            f"{counts['n_failed']} without a spectrum",
        ),
        ("Classes among test stars", classes),
        ("Engine", _of(attributes, "engine")),
        ("Build", ", ".join(_of(attributes, name) for name in ("build", "compiler"))),
        ("Atmospheres", _of(attributes, "atmospheres")),
        ("Line lists (SHA-256)", _of(attributes, "line_list_hash")),
        ("Solar composition", _of(attributes, "solar_composition")),
        ("Microturbulence", _of(attributes, "microturbulence")),
        ("Pixels", f"{grid['n']}, {grid['first']:.1f}-{last:.1f} Å, log10 step {grid['log_step']:.3g}"),
        ("Resolution", _of(attributes, "resolution")),
        (
            "Model",
            f"{document['architecture']['encoder']} encoder, "
            f"{count(document['architecture']['parameters']['total'])} parameters",
        ),
        ("Training", f"{training['epochs']} epochs on {training['stars']} stars, {training['device']}"),
        ("halochem", _versions(document, attributes)),
    ]
    return [(name, value) for name, value in rows if set(value.split(", ")) != {UNKNOWN}]


def _of(attributes: dict[str, Any], name: str) -> str:
    return plain(attributes[name]) if name in attributes else UNKNOWN


def _versions(document: dict[str, Any], attributes: dict[str, Any]) -> str:
    model, catalog = document["halochem_version"], _of(attributes, "halochem_version")
    return model if model == catalog else f"{catalog} (catalog), {model} (model)"


def departures(run: Run) -> list[tuple[str, str, str]]:
    """Keys in which the run differs from the published one, by what its model and table record."""
    published = Config().dump()
    found = []
    if len(run.table) != published["sample"]["n_stars"]:
        found.append(("sample.n_stars", str(len(run.table)), str(published["sample"]["n_stars"])))
    for section, values in run.document["config"].items():
        for key, value in values.items():
            standard = published[section].get(key)
            # The device and the bookkeeping of a run change nothing in what it is.
            if key not in ("device", "checkpoint_every", "validate_every") and value != standard:
                found.append((f"{section}.{key}", plain(value), plain(standard)))
    return found


def records(run: Run, evaluation: Evaluation, attributes: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What the catalog, the model and the table say of their making, whole."""
    document = run.document
    kept = ("format", "halochem_version", "weights_sha256", "catalog", "training")
    model = {name: document[name] for name in kept}
    model |= {f"metrics.{name}": value for name, value in document.get("metrics", {}).items()}
    for section, values in document["config"].items():
        model |= {f"{section}.{key}": value for key, value in values.items()}
    parts = {"Catalog": attributes, "Model": model, "Table": evaluation.attributes}
    return [(name, [(key, plain(value)) for key, value in values.items()]) for name, values in parts.items()]


def limits(runs: list[Run], attributes: dict[str, Any]) -> list[str]:
    """What a reader must not read into the numbers."""
    engine, atmospheres = _of(attributes, "engine"), _of(attributes, "atmospheres")
    lines = [
        "Training and test stars come from one synthesis, with Gaussian noise and a perfect continuum: how "
        "the method does on real spectra is not measured here.",
        f"The spectra are by {engine} on {atmospheres} atmospheres, in LTE and one dimension; the paper’s "
        "by iSpec’s Turbospectrum on MARCS with a VALD list. A difference from the paper’s numbers mixes "
        "method, physics and sample.",
        "The halo density is not the paper’s, of which only moments and pictures are published: class "
        "sizes, and with them precision and recall, depend on it.",
    ]
    outside = float(np.mean(np.concatenate([run.table["flag_out_of_grid"].to_numpy() for run in runs])))
    if outside > 0:
        lines.append(
            f"{outside:.0%} of the stars lie outside the atmosphere grid (flag_out_of_grid): their "
            "structure is that of the grid’s edge, their abundances are as asked."
        )
    failed = int(np.sum([(~np.isfinite(run.table["z_m"].to_numpy(float))).sum() for run in runs]))
    if failed:
        lines.append(f"{failed} stars have no spectrum (synthesis failed): in the table, but in no number.")
    lines.append(
        "Reconstruction errors are over the decoders’ pixels, which are chosen for their lines; outside "
        "them the model says nothing."
    )
    return lines
