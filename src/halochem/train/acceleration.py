"""How the machine is used. On a GPU: bfloat16 in the encoder, and compiled code, which a CPU does only if asked.

On a CPU: one thread for preset fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from halochem.config import Train
from halochem.errors import UserError
from halochem.train.fast import FastVae
from halochem.train.vae import Vae


def mixed_precision(train: Train, device: torch.device) -> bool:
    """Whether the encoder is to use bfloat16. Of use for the convolutions only."""
    if train.mixed_precision == "auto":
        return train.encoder == "conv" and device.type == "cuda" and torch.cuda.is_bf16_supported()
    return train.mixed_precision == "on"


def compiled(train: Train, device: torch.device) -> bool:
    """Whether the model is to be compiled: on a GPU this takes Triton, which comes with PyTorch for CUDA on Linux."""
    from torch.utils._triton import has_triton

    if train.compile == "on" and device.type == "cuda" and not has_triton():
        raise UserError("train.compile: on, but there is no working Triton for this GPU; set it to auto or off")
    return train.compile == "on" or (train.compile == "auto" and device.type == "cuda" and has_triton())


def apply(model: Vae, train: Train, device: torch.device) -> str:
    """Set the model up for training on `device`; weights and their names stay. Returns what was done, in words."""
    done = []
    if mixed_precision(train, device):
        model.precision = torch.bfloat16
        done.append("bfloat16")
    if compiled(train, device):
        model.compile()
        done.append("compiled")
    return f" ({', '.join(done)})" if done else ""


@contextmanager
def one_thread() -> Iterator[None]:
    """Preset fast gains nothing by more: its matrices are small. With one, the sums are the same on any number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def threads_for(model: Vae | FastVae) -> AbstractContextManager[None]:
    """One thread for preset fast, of which many that wait for a busy processor are slower by ten times; else all."""
    return one_thread() if isinstance(model, FastVae) else nullcontext()
