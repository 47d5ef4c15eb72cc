"""Checkpoints: one safetensors file that holds everything needed to go on.

Tensors: both networks and both optimisers' moments. In the file's JSON header: the epoch reached, the rows of
the history, and the identity of the training (configuration, regions, grid, catalog), against which a resumed
one is checked. Random numbers are drawn per epoch from named streams, and rates are functions of the step, so
neither a generator's nor a scheduler's state exists to be saved.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised

from halochem import files
from halochem.errors import UserError

NAME = "checkpoint.safetensors"
FORMAT = 1
# Keys of the configuration's section train that change nothing in the weights: where it runs, what it writes how often,
# how the regions' file is called.
IRRELEVANT = ("device", "checkpoint_every", "validate_every", "regions", "tensorboard")


def _optimiser_tensors(optimiser: torch.optim.Optimizer, prefix: str) -> dict[str, torch.Tensor]:
    state = optimiser.state_dict()["state"]
    return {f"{prefix}/{index}/{key}": value for index, group in state.items() for key, value in group.items()}


def _load_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, torch.Tensor], prefix: str) -> None:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(f"{prefix}/"):
            _, index, key = name.split("/")
            state.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})


def save(
    folder: Path,
    networks: dict[str, torch.nn.Module],
    optimisers: dict[str, torch.optim.Optimizer],
    identity: dict[str, Any],
    epoch: int,
    history: list[str],
) -> None:
    """Write the checkpoint after `epoch` epochs; an older one is replaced whole or not at all."""
    tensors = {f"{name}/{key}": value for name, net in networks.items() for key, value in net.state_dict().items()}
    for name, optimiser in optimisers.items():
        tensors |= _optimiser_tensors(optimiser, name)
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    header = {"format": FORMAT, "epoch": epoch, "identity": identity, "history": history}
    with files.atomic(folder / NAME) as temporary:
        # Not save_file, whose error on a full disk is none that tells it from others.
        temporary.write_bytes(serialised(tensors, metadata={"halochem": json.dumps(header)}))


def _differences(old: Any, new: Any, key: str = "") -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        names = [*old, *(name for name in new if name not in old)]
        return [
            text
            for name in names
            for text in _differences(old.get(name), new.get(name), f"{key}.{name}" if key else name)
        ]
    return [] if old == new else [f"{key} was {json.dumps(old)}, is {json.dumps(new)}"]


def load(
    folder: Path,
    networks: dict[str, torch.nn.Module],
    optimisers: dict[str, torch.optim.Optimizer],
    identity: dict[str, Any],
) -> tuple[int, list[str]]:
    """Put a checkpoint's state into the networks and optimisers; one of another training is refused.

    Returns the epoch reached and the rows of the history; (0, []) where there is no checkpoint.
    """
    path = folder / NAME
    if not path.is_file():
        return 0, []
    way_out = "take another --out, or --restart to begin anew"
    try:
        with safe_open(path, "pt") as file:
            header = json.loads((file.metadata() or {}).get("halochem", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise UserError(f"{path}: damaged ({error}); {way_out}") from None
    if header.get("format") != FORMAT:
        raise UserError(f"{path}: format {header.get('format')}, expected {FORMAT}; {way_out}")
    # Through JSON, so that tuples compare with the lists they become there.
    differences = _differences(header["identity"], json.loads(json.dumps(identity)))
    if differences:
        more = f" (and {len(differences) - 1} more)" if len(differences) > 1 else ""
        raise UserError(f"{path}: belongs to another training: {differences[0]}{more}; {way_out}")
    for name, network in networks.items():
        start = f"{name}/"
        network.load_state_dict({k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)})
    for name, optimiser in optimisers.items():
        _load_optimiser(optimiser, tensors, name)
    return int(header["epoch"]), list(header["history"])
