"""The decoders, one an element, and the selective gradient flow between them and the latents.

Signor et al. 2025 (A&A 704, A279), Sect. 2.3 and 2.4. n stars, d pixels of a decoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from halochem.config import PUBLISHED_ELEMENTS, Element
from halochem.train.encoder import N_AUXILIARY

HIDDEN = (32, 64, 128)


def reads(elements: Sequence[Element]) -> dict[str, tuple[int, ...]]:
    """decoder -> the columns of z that it reads: its own, and those that its element names."""
    own = teaches(elements)
    return {e.name: tuple(sorted({own[e.name], *(own[name] for name in e.reads)})) for e in elements}


def teaches(elements: Sequence[Element]) -> dict[str, int]:
    """decoder -> the column of z that is its own."""
    return {element.name: k for k, element in enumerate(elements)}


# Of the published elements.
LATENTS = tuple(element.latent for element in PUBLISHED_ELEMENTS)  # columns of z, in this order everywhere
READS, TEACHES = reads(PUBLISHED_ELEMENTS), teaches(PUBLISHED_ELEMENTS)


class Activation(nn.Module):
    """Eq. 8, after Alsing et al. 2020 (ApJS 249, 5): a(x) = [gamma + (1 - gamma) / (1 + exp(-beta x))] x.

    gamma and beta are learnt for each unit and start from N(0, 1), as in Alsing et al.
    """

    def __init__(self, size: int):
        super().__init__()
        self.beta = nn.Parameter(torch.randn(size))
        self.gamma = nn.Parameter(torch.randn(size))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, size) -> (n, size)."""
        return (self.gamma + (1 - self.gamma) * torch.sigmoid(self.beta * x)) * x


class Decoder(nn.Module):
    """One decoder: (n, number of inputs) -> flux (n, d). The network models flux - 1, the absorption."""

    def __init__(self, n_inputs: int, n_pixels: int):
        super().__init__()
        sizes = (n_inputs, *HIDDEN, n_pixels)
        layers: list[nn.Module] = []
        for size_in, size_out in pairwise(sizes):
            layers += [nn.Linear(size_in, size_out), Activation(size_out)]
        self.mlp = nn.Sequential(*layers)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Latents and w (n, number of inputs) -> flux (n, d), continuum 1."""
        return 1 + self.mlp(inputs)


class Decoders(nn.Module):
    """All of them: z (n, 3) and w (n, 2) -> flux on the decoders' pixels, `n_pixels` of each.

    With `selective` gradient flow each decoder reads the other elements' latents but cannot change them; w is
    never detached, so that every decoder teaches it the atmosphere.
    """

    def __init__(self, n_pixels: dict[str, int], selective: bool, elements: Sequence[Element] = PUBLISHED_ELEMENTS):
        super().__init__()
        self.selective = selective
        self.reads, self.teaches = reads(elements), teaches(elements)
        self.each = nn.ModuleDict(
            {name: Decoder(len(seen) + N_AUXILIARY, n_pixels[name]) for name, seen in self.reads.items()}
        )

    def inputs(self, name: str, z: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """What decoder `name` sees: its latents, detached where it may not teach them, and w."""
        own = self.teaches[name]
        columns = [
            z[:, i : i + 1].detach() if self.selective and i != own else z[:, i : i + 1] for i in self.reads[name]
        ]
        return torch.cat([*columns, w], dim=1)

    def forward(self, z: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """z (n, 3), w (n, 2) -> flux (n, sum of d), the decoders one after another, in the order of the elements."""
        return torch.cat([self.each[name](self.inputs(name, z, w)) for name in self.reads], dim=1)
