"""The three decoders, and the selective gradient flow between them and the latents.

Signor et al. 2025 (A&A 704, A279), Sect. 2.3 and 2.4. n stars, d pixels of a decoder.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from halochem.train.encoder import N_AUXILIARY

HIDDEN = (32, 64, 128)
LATENTS = ("z_m", "z_c", "z_alpha")  # columns of z, in this order everywhere
# decoder (the names of regions.DECODERS) -> columns of z that it reads, and the one that it teaches
READS = {"iron": (0, 1), "carbon": (0, 1), "alpha": (0, 1, 2)}
TEACHES = {"iron": 0, "carbon": 1, "alpha": 2}


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
    """All three: z (n, 3) and w (n, 2) -> flux on the decoders' pixels.

    With `selective` gradient flow each decoder reads the other elements' latents but cannot change them; w is
    never detached, so that every decoder teaches it the atmosphere.
    """

    def __init__(self, n_pixels: dict[str, int], selective: bool):
        super().__init__()
        self.selective = selective
        self.each = nn.ModuleDict({name: Decoder(len(READS[name]) + N_AUXILIARY, n_pixels[name]) for name in READS})

    def inputs(self, name: str, z: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """What decoder `name` sees: its latents, detached where it may not teach them, and w."""
        own = TEACHES[name]
        columns = [z[:, i : i + 1].detach() if self.selective and i != own else z[:, i : i + 1] for i in READS[name]]
        return torch.cat([*columns, w], dim=1)

    def forward(self, z: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """z (n, 3), w (n, 2) -> flux (n, sum of d), the decoders one after another in the order of READS."""
        return torch.cat([self.each[name](self.inputs(name, z, w)) for name in READS], dim=1)
