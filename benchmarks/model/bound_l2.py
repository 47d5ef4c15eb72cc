"""What bounds the reconstruction: the relative L2 error of preset fast where nothing, or less, is in its way.

    python benchmarks/model/bound_l2.py --model results/models/halo-1 --catalog results/catalogs/halo-1.h5 [--write]

Means over held-out stars, of all and of the classes, against noise-free flux on the decoders' pixels: of the model; of
what components leave out, those of the observed and those of noise-free spectra; and of networks that were told what no
survey tells: noise-free flux, or the five numbers that a fit of noise-free scores finds, or both, or the true labels.
Ten minutes of one core. --write puts docs/benchmarks/bound_l2.md in place.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from halochem import files, seeds, split
from halochem.errors import UserError
from halochem.evaluate.classes import CLASSES
from halochem.files import STAR_LABELS
from halochem.train import components, model_files, optimise
from halochem.train.fast import DECODER_HIDDEN, polynomials
from halochem.train.layers import mlp

ROOT = Path(__file__).resolve().parents[2]
COUNT = 128  # components of noise-free flux, which leave out a seventh of what any network here does
WIDE = (256, 384, 384)
EPOCHS, BATCH, RATES = 40, 256, (3e-3, 0.02)
BLOCK = 2048
PAGE = """# What bounds the reconstruction

`python benchmarks/model/bound_l2.py --model results/models/halo-1 --catalog results/catalogs/halo-1.h5 --write`:
relative L² against noise-free flux on the decoders' pixels, mean over held-out stars.
"""


class Experiment:
    """A catalog, its model, and the errors of any reconstruction of the held-out stars."""

    def __init__(self, model: Path, catalog: Path):
        self.model = model_files.load(model)
        self.vae = self.model.vae.eval()
        self.catalog = files.read_catalog(catalog)
        is_train = split.is_train(self.catalog.seed, len(self.catalog.status), self.model.train.train_fraction)
        self.train, self.test = (np.flatnonzero(rows & self.catalog.usable) for rows in (is_train, ~is_train))
        self.pixels = self.vae.pixels.numpy()
        self.clean = torch.from_numpy(self.catalog.flux_clean[np.ix_(self.test, self.pixels)])
        self.offset = self.vae.components.mean.detach()
        labels = pd.DataFrame({name: np.asarray(self.catalog.labels[name])[self.test] for name in STAR_LABELS})
        self.members = {name: torch.from_numpy(each.member(labels)) for name, each in CLASSES.items()}

    def errors(self, reconstruction: torch.Tensor) -> dict[str, float]:
        """Mean relative L2 of each class, for (n, d)."""
        error = (reconstruction - self.clean).norm(dim=1) / self.clean.norm(dim=1)
        return {name: error[rows].mean().item() for name, rows in self.members.items()}

    @torch.no_grad()
    def settle(self, flux: np.ndarray, rows: np.ndarray) -> torch.Tensor:
        """The five numbers of some stars, (n, 5)."""
        blocks = (torch.from_numpy(flux[some]) for some in np.array_split(rows, -(-len(rows) // BLOCK)))
        return torch.cat([self.vae.settle(self.vae.scores(block))[0] for block in blocks])

    def projected(self, basis: torch.Tensor) -> torch.Tensor:
        """Noise-free flux of the held-out stars through `basis` (p, k): (n, d)."""
        scores = (torch.from_numpy(self.catalog.flux_clean[self.test]) - self.offset) @ basis
        return scores @ basis[self.pixels].T + self.offset[self.pixels]

    def basis(self, flux: np.ndarray, count: int) -> torch.Tensor:
        """Principal components of the training stars."""
        found = components.Components(flux.shape[1], count)
        components.fit(found, flux[self.train], None, 1.0, self.catalog.seed)
        return found.basis

    def learnt(self, x: tuple[torch.Tensor, torch.Tensor], flux: np.ndarray, basis, hidden) -> torch.Tensor:
        """What a network makes of x (training and held-out stars, 5) after learning `flux`'s scores: (n, d)."""
        targets = (torch.from_numpy(flux[self.train]) - self.offset) @ basis
        spread, noise = targets.std(dim=0), self.vae.components.noise
        inputs, asked = (polynomials(part) for part in x)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeds.torch_seed(self.catalog.seed, "bound_l2"))
            net = mlp(inputs.shape[1], *hidden, basis.shape[1])
            moves, n_batches = optimise.optimisers([net], muon=True), -(-len(inputs) // BATCH)
            for epoch in range(EPOCHS):
                for k, rows in enumerate(torch.randperm(len(inputs)).tensor_split(n_batches)):
                    optimise.set_rates(moves, epoch * n_batches + k, EPOCHS * n_batches, RATES)
                    chi2 = (((net(inputs[rows]) * spread - targets[rows]) / noise) ** 2).mean(dim=1)
                    optimise.descend(moves, (1 + chi2).sqrt().mean())
        with torch.no_grad():
            return (net(asked) * spread) @ basis[self.pixels].T + self.offset[self.pixels]

    def rows(self) -> Iterator[tuple[str, dict[str, float]]]:
        """Each experiment's title and errors."""
        observed, clean = self.catalog.flux, self.catalog.flux_clean
        x = [self.settle(observed, rows) for rows in (self.train, self.test)]
        with torch.no_grad():
            yield "preset fast", self.errors(torch.cat([self.vae.decode(block) for block in x[1].split(BLOCK)]))
        for flux, of in ((observed, "observed"), (clean, "noise-free")):
            for count in (96, 256):
                yield f"{count} components of {of} spectra alone", self.errors(self.projected(self.basis(flux, count)))
        best = self.basis(clean, COUNT)
        free = [self.settle(clean, rows) for rows in (self.train, self.test)]
        true = np.column_stack([np.asarray(self.catalog.labels[name]) for name in (*STAR_LABELS[2:], *STAR_LABELS[:2])])
        true = torch.from_numpy((true - true.mean(axis=0)) / true.std(axis=0)).float()
        for title, given, flux, hidden in (
            ("a network: numbers and flux as observed", x, observed, DECODER_HIDDEN),
            ("numbers as observed, noise-free flux", x, clean, DECODER_HIDDEN),
            ("noise-free numbers and flux", free, clean, DECODER_HIDDEN),
            ("noise-free numbers and flux, " + "-".join(map(str, WIDE)), free, clean, WIDE),
            ("true labels in place of numbers, noise-free flux", (true[self.train], true[self.test]), clean, WIDE),
        ):
            yield title, self.errors(self.learnt(given, flux, best, hidden))


def main() -> None:
    """Measure and print; write the page where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=ROOT / "results" / "models" / "halo-1")
    parser.add_argument("--catalog", type=Path, default=ROOT / "results" / "catalogs" / "halo-1.h5")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/bound_l2.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    experiment = Experiment(options.model, options.catalog)
    heads = [f"{CLASSES[name].title} ({int(rows.sum())})" for name, rows in experiment.members.items()]
    lines = ["| | " + " | ".join(heads) + " |", "| --- " * (len(heads) + 1) + "|"]
    for title, errors in experiment.rows():
        lines.append(f"| {title} | " + " | ".join(f"{error:.4f}" for error in errors.values()) + " |")
        print(lines[-1], flush=True)
    if options.write:
        page = ROOT / "docs" / "benchmarks" / "bound_l2.md"
        page.write_text(f"{PAGE}\n" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"halochem: {error}")
