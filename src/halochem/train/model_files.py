"""A trained model on disk: weights.safetensors and model.json. The interface of `train` to the later stages.

weights.safetensors holds the network and the wavelength of each pixel; model.json all else that is needed to
use the model and to know where it comes from.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as serialised

from halochem import __version__, files, regions
from halochem.config import Config, Train, validate
from halochem.errors import UserError
from halochem.files import Catalog
from halochem.train import description, fast
from halochem.train.data import OBSERVED, Scaler
from halochem.train.fast import FastVae
from halochem.train.vae import Vae, build

FORMAT = 1
WEIGHTS, DOCUMENT = "weights.safetensors", "model.json"
GRID_TOLERANCE = 1e-6  # relative; a pixel is 2.3e-4 wide


@dataclass
class Model:
    """A model in memory, ready to encode."""

    folder: Path
    vae: Vae | FastVae
    wavelength: np.ndarray  # (p,) float64, Å, air
    scaler: Scaler
    document: dict[str, Any]  # model.json

    @property
    def train(self) -> Train:
        """The configuration's section train that it was trained with, the defaults of today where it is older."""
        return validate({"train": self.document["config"]["train"]}, str(self.folder / DOCUMENT)).train

    @property
    def pixels(self) -> np.ndarray:
        """The decoders' pixels, ascending: int64, shape (d,)."""
        return self.vae.pixels.cpu().numpy()

    def check_grid(self, catalog: Catalog) -> None:
        """Refuse a catalog whose pixels are not this model's."""
        check_grid(catalog.wavelength, self.wavelength, catalog.path, self.folder)

    def trained_on(self, catalog: Catalog) -> bool:
        """Whether this is the catalog that the model was trained on, by its seed, size and spectra."""
        return self.document["catalog"]["flux_sha256"] == flux_hash(catalog)


def check_grid(given: np.ndarray, expected: np.ndarray, path: Path | str, folder: Path | str) -> None:
    """Refuse wavelengths `given` (Å) that differ from those `expected`."""
    if given.shape != expected.shape or not np.allclose(given, expected, rtol=GRID_TOLERANCE, atol=0):
        raise UserError(
            f"{path}: {_grid_text(given)}, but the model {folder} was trained on {_grid_text(expected)}; "
            "resample the spectra to that grid or train a model on this one"
        )


def _grid_text(wavelength: np.ndarray) -> str:
    return f"{len(wavelength)} pixels over {wavelength[0]:.3f}-{wavelength[-1]:.3f} Å"


def flux_hash(catalog: Catalog) -> str:
    """SHA-256 of the observed spectra: what tells one catalog from another."""
    return hashlib.sha256(np.ascontiguousarray(catalog.flux)).hexdigest()


def masks_hash(masks: dict[str, np.ndarray]) -> str:
    """SHA-256 of the decoders' pixels."""
    packed = b"".join(name.encode() + np.packbits(mask).tobytes() for name, mask in masks.items())
    return hashlib.sha256(packed).hexdigest()


def grid_document(wavelength: np.ndarray) -> dict[str, float | int]:
    """The pixel grid in numbers: first wavelength [Å], mean step in log10, number of pixels."""
    step = float(np.log10(wavelength[-1] / wavelength[0]) / (len(wavelength) - 1))
    # 12 digits: the last bits of a logarithm differ between machines, and would make two equal grids differ.
    return {"first": float(f"{wavelength[0]:.12g}"), "log_step": float(f"{step:.12g}"), "n": len(wavelength)}


def save(
    folder: Path,
    vae: Vae | FastVae,
    wavelength: np.ndarray,
    scaler: Scaler,
    intervals: dict[str, regions.Intervals],
    masks: dict[str, np.ndarray],
    config: Config,
    more: dict[str, Any],
) -> None:
    """Write weights.safetensors, then model.json. `more`: seed, catalog, training, metrics."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in vae.state_dict().items()}
    tensors["wavelength"] = torch.from_numpy(np.array(wavelength, np.float64))
    with files.atomic(folder / WEIGHTS) as temporary:
        temporary.write_bytes(serialised(tensors))
    values = config.dump()
    document = {
        "format": FORMAT,
        "halochem_version": __version__,
        "architecture": {
            "preset": config.train.preset,
            "encoder": config.train.encoder if config.train.preset == "paper" else "components",
            "decoder_pixels": {name: int(mask.sum()) for name, mask in masks.items()},
            "parameters": vae.count_parameters(),
            **description.describe(vae, config.train),
        },
        "scalers": {
            name: {"mean": float(scaler.mean[k]), "std": float(scaler.std[k])} for k, name in enumerate(OBSERVED)
        },
        "wavelength": grid_document(wavelength),
        "regions": {"intervals": intervals, "pixels_sha256": masks_hash(masks)},
        "config": {"train": values["train"], "spectrum": values["spectrum"]},
        "weights_sha256": files.sha256(folder / WEIGHTS),
        **more,
    }
    with files.atomic(folder / DOCUMENT) as temporary:
        temporary.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def read_document(folder: Path | str) -> dict[str, Any]:
    """model.json, its format checked."""
    path = Path(folder) / DOCUMENT
    if not path.is_file():
        raise UserError(f"{path}: no such file; `halochem train --out {folder}` makes a model")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid JSON ({error}); train the model anew") from None
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        raise UserError(f"{path}: format {found}, expected {FORMAT}; train the model anew")
    return document


def load(folder: Path | str, device: str | torch.device = "cpu") -> Model:
    """Read a model, checking that weights and regions are those it was trained with."""
    folder = Path(folder)
    document = read_document(folder)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise UserError(f"{weights}: no such file; train the model anew")
    if files.sha256(weights) != document["weights_sha256"]:
        raise UserError(f"{weights}: not the weights that {DOCUMENT} describes (SHA-256); train the model anew")
    try:
        tensors = load_file(weights)
    except SafetensorError as error:
        raise UserError(f"{weights}: damaged ({error}); train the model anew") from None
    wavelength = tensors.pop("wavelength").numpy()
    intervals = {name: [tuple(pair) for pair in pairs] for name, pairs in document["regions"]["intervals"].items()}
    masks = regions.pixel_masks(intervals, wavelength, folder / DOCUMENT)
    if masks_hash(masks) != document["regions"]["pixels_sha256"]:
        raise UserError(f"{folder / DOCUMENT}: the regions do not give the pixels trained on; train the model anew")
    config = validate(document["config"], str(folder / DOCUMENT))
    maker = fast.build if config.train.preset == "fast" else build
    vae = maker(masks, config.train, document["seed"])
    try:
        vae.load_state_dict(tensors)
    except RuntimeError as error:
        raise UserError(f"{weights}: {str(error).splitlines()[0]} train the model anew") from None
    scales = document["scalers"]
    scaler = Scaler(*(np.array([scales[name][key] for name in OBSERVED]) for key in ("mean", "std")))
    return Model(folder, vae.to(device).eval(), wavelength, scaler, document)
