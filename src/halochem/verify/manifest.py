"""results/MANIFEST.json: size and SHA-256 of every product, and the configuration, versions and inputs that made it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from halochem import __version__, files, provenance
from halochem.config import Config
from halochem.errors import UserError
from halochem.verify import products
from halochem.verify.products import MANIFEST, Product

SCHEMA_VERSION = 1
# Packages on which numbers, or the form of the files, depend.
PACKAGES = ("numpy", "scipy", "torch", "pandas", "pyarrow", "h5py", "safetensors", "scikit-learn", "snakemake")
# What `halochem synthesize --prepare` reads, and what it says of the engine that it built.
ENGINE = (Path("resources/linelists/manifest.yaml"), Path("resources/turbospectrum/engine.json"))
# What a product says of its making, in whatever form the file has for it.
ORIGIN = (
    *("halochem_version", "schema_version", "config_hash", "seed", "engine", "build", "compiler", "atmospheres"),
    *("line_list", "line_list_hash", "solar_composition", "resolution", "model_weights_sha256", "weights_sha256"),
)


def stamp(path: Path) -> dict[str, Any]:
    """Size in bytes and SHA-256 of a file."""
    return {"size": path.stat().st_size, "sha256": files.sha256(path)}


def made_with(path: Path) -> dict[str, str]:
    """What a product itself says of its making (the keys of ORIGIN); empty for files that cannot say."""
    if path.suffix == ".h5":
        with files.open_hdf5(path, "observe") as file:
            said = dict(file.attrs)
    elif path.suffix == ".parquet":
        said = {key.decode(): value for key, value in (pq.read_schema(path).metadata or {}).items()}
        said = {key.removeprefix("halochem."): value for key, value in said.items()}
    elif path.suffix == ".json":
        said = json.loads(path.read_text(encoding="utf-8"))
        said = {**said.get("attributes", {}), **said} if isinstance(said, dict) else {}
    else:
        return {}
    return {key: _text(said[key]) for key in ORIGIN if key in said}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def versions() -> dict[str, str]:
    """Of halochem, Python, and PACKAGES where installed."""
    found = {"halochem": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def inputs_of(config: Config) -> list[Path]:
    """The files from outside a run's results that this configuration reads, as far as they are there."""
    sample, synthesis = config.sample, config.synthesis
    named = [sample.p_table, sample.q_table, synthesis.line_list, config.train.regions, *ENGINE]
    if synthesis.engine == "emulator":
        named += sorted(path for path in Path(synthesis.emulator_dir).glob("*") if path.is_file())
    return [Path(path) for path in named if path is not None and Path(path).is_file()]


def build(folder: Path, config: Config, inputs: Iterable[Path]) -> dict[str, Any]:
    """The manifest of a folder of results; `inputs` are files from outside it."""
    found = products.find(folder)
    if not found:
        raise UserError(f"{folder}: no product in it; expected a folder of results, as a run leaves it")
    return {
        "schema_version": SCHEMA_VERSION,
        "config_hash": provenance.config_hash(config),
        "config": config.dump(),
        "versions": versions(),
        "inputs": {path.as_posix(): stamp(path) for path in inputs},
        "products": {path: _entry(folder, product, found.values()) for path, product in found.items()},
    }


def _entry(folder: Path, product: Product, everything: Iterable[Product]) -> dict[str, Any]:
    return {
        "kind": product.kind,
        **stamp(folder / product.path),
        "made_with": made_with(folder / product.path),
        "made_from": products.made_from(product, everything),
    }


def text(manifest: dict[str, Any]) -> str:
    """The manifest as written: its own checksum comes last, so that damage to the manifest is seen too."""
    body = {key: value for key, value in manifest.items() if key != "checksum"}
    return json.dumps(body | {"checksum": _checksum(body)}, indent=1, ensure_ascii=False) + "\n"


def _checksum(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, ensure_ascii=False).encode()).hexdigest()


def write(manifest: dict[str, Any], path: Path) -> None:
    """Write MANIFEST.json, whole or not at all."""
    with files.atomic(path) as temporary:
        temporary.write_text(text(manifest), encoding="utf-8")


def read(folder: Path) -> dict[str, Any]:
    """MANIFEST.json of a folder of results. Raises UserError where there is none, and where it is damaged."""
    path = folder / MANIFEST
    if not path.is_file():
        raise UserError(f"{path}: no such file; `halochem verify --write {folder}` makes it of what is there")
    try:
        written = path.read_bytes().decode("utf-8")
        manifest = json.loads(written)
        version = manifest.get("schema_version")
        whole = text(manifest) == written
    except (ValueError, AttributeError):
        version, whole = SCHEMA_VERSION, False
    if not whole:
        raise UserError(f"{path}: damaged (not as it was written); `halochem verify --write {folder}` makes it anew")
    if version != SCHEMA_VERSION:
        raise UserError(f"{path}: schema version {version}, expected {SCHEMA_VERSION}; make it anew with --write")
    return manifest
