"""Spectra a second in training: preset fast beside the published architecture, in one run, and the device's share.

    python benchmarks/model/throughput.py [--rounds 3] [--out docs/benchmarks/throughput.md]

Both train by `halochem train`'s own loop on the same made-up spectra of the published size (what a step costs does not
depend on what is in them), one after the other, several rounds; time counts from the end of the first epoch to that of
the last. On a CPU the rate for each second of processor time is given too, which other work on the machine spoils less.
Floating-point operations are counted by PyTorch, and the device's peak is the rate of a product of large matrices just
before.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from halochem import config, files, seeds
from halochem.train import data, history, loop, straightening
from halochem.wavelengths import pixel_grid

LAYERS = 8  # random spectra that all stars are sums of
SIZE = {"cpu": 2048, "cuda": 8192}  # of the matrices whose product gives the peak
# scheme -> settings of train, stars and epochs on a CPU, the same on a GPU
FAST = {"preset": "fast", "max_learning_rate": 3e-3, "adversary_weight": [{"from_epoch": 0, "value": 3.0}]}
SCHEMES = {
    "fast": (FAST, (2048, 20), (28_000, 40)),
    "published": ({"preset": "paper", "batch_size": 64}, (64, 3), (28_000, 4)),
}
TITLES = {"fast": "preset `fast`", "published": "published architecture (`preset: paper`, `encoder: conv`)"}


def catalog(n: int) -> files.Catalog:
    """`n` stars that are no stars: random sums of random spectra, with noise, on the published pixels."""
    wavelength = pixel_grid(config.Spectrum())
    generator = np.random.Generator(np.random.Philox(seeds.torch_seed(1, "benchmark/throughput")))
    strengths = generator.random((n, LAYERS), np.float32)
    flux = 1 - strengths @ (0.1 * generator.random((LAYERS, len(wavelength)), np.float32) ** 4)
    flux += 0.02 * generator.standard_normal(flux.shape, np.float32)
    labels = pd.DataFrame({"teff_obs": 3000 + 4000 * strengths[:, 0], "logg_obs": 2.5 + 3.5 * strengths[:, 1]})
    sigma = np.full((n, 1), 0.02, np.float32)
    return files.Catalog(
        Path("made up"), wavelength, flux, sigma, labels, np.zeros(n, np.uint8), attributes={"seed": 1}
    )


def settings(values: dict, epochs: int) -> config.Config:
    """A scheme's configuration, all stars but a few for training."""
    train = {"epochs": epochs, "validation_fraction": 0.0, "train_fraction": 0.999, "checkpoint_every": 10**6}
    return config.validate({"train": train | values}, "throughput")


def ends_of_epochs(stars: files.Catalog, values: dict, epochs: int) -> tuple[list[tuple[float, float]], int]:
    """When each epoch ended, in seconds of the clock and of the processor, and how many spectra an epoch is."""
    ends, append, learn, lost = [], history.History.append, straightening.learn_answers, np.zeros(2)

    def now() -> np.ndarray:
        return np.array([time.perf_counter(), time.process_time()])

    def marked(self: history.History, line: str) -> None:
        append(self, line)
        ends.append(tuple(now() - lost))

    def timed(*arguments: Any) -> straightening.Answers:
        """What a training spends once, however many its stars."""
        start = now()
        found = learn(*arguments)
        lost[:] += now() - start
        return found

    history.History.append, straightening.learn_answers = marked, timed
    try:
        with tempfile.TemporaryDirectory() as folder:
            loop.fit(stars, settings(values, epochs), Path(folder))
    finally:
        history.History.append, straightening.learn_answers = append, learn
    return ends, len(data.select(stars, settings(values, epochs).train)[0])


def rates_of(stars: files.Catalog, values: dict, epochs: int) -> tuple[float, float]:
    """Spectra a second, of the clock and of the processor."""
    ends, n = ends_of_epochs(stars, values, epochs)
    clock, processor = (last - first for first, last in zip(ends[0], ends[-1], strict=True))
    return n * (epochs - 1) / clock, n * (epochs - 1) / processor


def operations(values: dict) -> float:
    """Floating-point operations a spectrum in training, forwards and backwards, averaged over the stages.

    From two trainings of the same few stars, of which one has twice the epochs of the other.
    """
    # Enough stars for whole batches: what Muon computes in a step does not depend on their number.
    stars, counted = catalog(600 if values["preset"] == "fast" else 8), []
    # Of 40 epochs each stage has its share, and of 80 twice as many.
    for epochs in (40, 80) if values["preset"] == "fast" else (1, 2):
        with FlopCounterMode(display=False) as counter:
            _, n = ends_of_epochs(stars, values | {"device": "cpu"}, epochs)
        counted.append((counter.get_total_flops(), epochs * n))
    return (counted[1][0] - counted[0][0]) / (counted[1][1] - counted[0][1])


def peak(device: torch.device) -> tuple[float, str]:
    """Operations a second of a product of large matrices, the best of three, and its number format."""
    kind = torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32
    size = SIZE[device.type]
    a = torch.randn(size, size, device=device, dtype=kind)
    rates = []
    for _ in range(4):
        start = time.perf_counter()
        b = a @ a
        b[0, 0].item()  # waits for the device
        rates.append(2 * size**3 / (time.perf_counter() - start))
    return max(rates[1:]), str(kind).removeprefix("torch.")


def measure(rounds: int, share: float = 1.0) -> dict:
    """Rates of each round by scheme, and what they are to be seen against."""
    device = data.choose_device("auto")
    usual = {name: scheme[1 if device.type == "cpu" else 2] for name, scheme in SCHEMES.items()}
    sizes = {name: (round(share * n), epochs) for name, (n, epochs) in usual.items()}
    stars = {name: catalog(n) for name, (n, _) in sizes.items()}
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in SCHEMES}
    top, kind = peak(device)
    for _ in range(rounds):
        for name, (values, *_) in SCHEMES.items():
            rates[name].append(rates_of(stars[name], values, sizes[name][1]))
    return {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else _processor(),
        "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0],
        "sizes": sizes,
        "rates": rates,
        "operations": {name: operations(values) for name, (values, *_) in SCHEMES.items()},
        "peak": (top, kind),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def page(found: dict) -> str:
    """docs/benchmarks/throughput.md."""
    clock = {name: [rate for rate, _ in pairs] for name, pairs in found["rates"].items()}
    middle = {name: statistics.median(values) for name, values in clock.items()}
    own = {name: statistics.median(rate for _, rate in pairs) for name, pairs in found["rates"].items()}
    top, kind = found["peak"]
    lines = [
        "# Training throughput",
        "",
        "Generated by `python benchmarks/model/throughput.py` (part of `make bench`): training by `halochem train`'s",
        "own loop on made-up spectra of 4150 pixels, two schemes by turns in one run. Median of the rounds and range.",
        "",
        f"{found['device']}, {found['threads']} threads, load {found['load']:.1f} at the end (of which the run "
        f"itself makes about {found['threads']}).",
        "",
        "| | spectra/s | range | ratio | per processor second | ratio | operations a spectrum | share of peak |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, values in clock.items():
        flops = found["operations"][name]
        cells = (
            TITLES[name],
            _rate(middle[name]),
            f"{_rate(min(values))} to {_rate(max(values))}",
            f"{middle[name] / middle['published']:.0f}",
            _rate(own[name]),
            f"{own[name] / own['published']:.0f}",
            f"{flops / 1e6:.2f} million" if flops < 1e9 else f"{flops / 1e9:.2f} billion",
            f"{middle[name] * flops / top:.0%}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    each = ", ".join(f"{TITLES[name]} {n} stars for {epochs} epochs" for name, (n, epochs) in found["sizes"].items())
    lines += [
        "",
        f"Peak: {top / 1e9:.0f} GFLOP/s, the product of two large matrices of {kind} on the same device just before.",
        f"Each round: {each}. Spectra/s is over all stages of preset fast, each as long as its share of the",
        "epochs; what is made once, components, filters and the learnt table of derivatives, is not in it.",
    ]
    return "\n".join(lines) + "\n"


def _rate(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{round(value, 1 - int(math.log10(value))):.0f}"


def main() -> None:
    """Measure, print the page and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stars", type=float, default=1.0, metavar="SHARE", help="of the usual stars (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/throughput.md"), help="(%(default)s)")
    options = parser.parse_args()
    text = page(measure(options.rounds, options.stars))
    print(text, end="")
    options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
