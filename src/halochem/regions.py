"""Decoder regions: which pixels the decoder of each element reconstructs.

`python -m halochem.regions` (part of `make config`) derives config/regions.yaml, where no two regions overlap,
from the published table, where some do, and config/regions.released.yaml, where the authors' release leaves some.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import yaml

from halochem.config import Train
from halochem.errors import UserError
from halochem.untrusted import one_line, read_yaml, short

DECODERS = ("iron", "carbon", "alpha")  # of the published elements
LONGEST = 1e9  # Å: no number that a region may have
Intervals = list[tuple[float, float]]


def load(path: Path | str, names: Sequence[str] = DECODERS, overlap: bool = False) -> dict[str, Intervals]:
    """Regions per decoder from a YAML file: decoder -> [(first, last)], Å in air, ascending, in the order of `names`.

    The file's keys must be `names`. Overlapping regions are refused, but for those of two decoders with `overlap`.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such regions file; config/regions.yaml is the published one")
    values = read_yaml(path)
    if not isinstance(values, dict) or set(values) != set(names):
        found = one_line(", ".join(map(str, values)) if isinstance(values, dict) else type(values).__name__)
        raise UserError(f"{path}: expected the keys {', '.join(names)} (train.elements), found {found}")
    regions = {decoder: _intervals(values[decoder], f"{path}: {decoder}") for decoder in names}
    for part in [{name: regions[name]} for name in names] if overlap else [regions]:
        _refuse_overlap(part, path)
    return regions


def of(train: Train) -> dict[str, Intervals]:
    """The regions that a configuration's training section asks for."""
    names = [element.name for element in train.elements]
    return load(train.regions, names, train.reproduce.shared_pixels_summed)


def _intervals(values: object, where: str) -> Intervals:
    if not isinstance(values, list) or not values:
        raise UserError(f"{where}: expected a list of [first, last] in Å")
    intervals = []
    for row, value in enumerate(values):
        numbers = isinstance(value, list) and len(value) == 2 and all(isinstance(v, int | float) for v in value)
        if not numbers or not 0 < value[0] < value[1] < LONGEST:
            raise UserError(f"{where}, region {row + 1}: expected [first, last] in Å, ascending, got {short(value)}")
        intervals.append((float(value[0]), float(value[1])))
    return sorted(intervals)


def _refuse_overlap(regions: dict[str, Intervals], path: Path) -> None:
    every = sorted((first, last, decoder) for decoder, intervals in regions.items() for first, last in intervals)
    for (first, last, one), (next_first, next_last, other) in pairwise(every):
        if next_first < last:
            raise UserError(
                f"{path}: {one} [{first:g}, {last:g}] and {other} [{next_first:g}, {next_last:g}] overlap; "
                "a pixel belongs to one decoder, so shorten or drop one of the two"
            )


def pixel_masks(regions: dict[str, Intervals], wavelength: np.ndarray, origin: Path | str) -> dict[str, np.ndarray]:
    """Pixels of each decoder: decoder -> bool array of shape (p,). No pixel is in two of them unless regions overlap.

    A region that reaches outside the wavelengths (Å) is refused, one without a pixel too; `origin` is the file
    named in that case.
    """
    masks = {}
    for decoder, intervals in regions.items():
        mask = np.zeros(len(wavelength), bool)
        for first, last in intervals:
            if first < wavelength[0] or last > wavelength[-1]:
                raise UserError(
                    f"{origin}: {decoder} [{first:g}, {last:g}] lies outside the spectra, "
                    f"{wavelength[0]:.1f}-{wavelength[-1]:.1f} Å; shorten or drop it"
                )
            inside = (wavelength >= first) & (wavelength < last)
            if not inside.any():
                raise UserError(f"{origin}: {decoder} [{first:g}, {last:g}] holds no pixel; widen or drop it")
            mask |= inside
        masks[decoder] = mask
    return masks


# --- from the published table ---------------------------------------------------------------------------


def _subtract(intervals: Intervals, taken: Intervals) -> Intervals:
    for first, last in taken:
        pieces = [((a, min(b, first)), (max(a, last), b)) for a, b in intervals]
        intervals = [piece for pair in pieces for piece in pair if piece[0] < piece[1]]
    return intervals


def _merge(intervals: Intervals) -> Intervals:
    merged: Intervals = []
    for first, last in sorted(intervals):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def resolve(published: dict[str, Intervals], priority: list[str]) -> dict[str, Intervals]:
    """Disjoint regions: what a decoder shares with one before it in `priority` is that one's."""
    taken: Intervals = []
    resolved = {}
    for decoder in priority:
        resolved[decoder] = _subtract(_merge(published[decoder]), taken)
        taken = _merge(taken + resolved[decoder])
    return {decoder: resolved[decoder] for decoder in DECODERS}


def released(published: dict[str, Intervals], first: str) -> dict[str, Intervals]:
    """Regions as in the authors' release: what is shared with `first` is that one's, the rest is shared."""
    taken = _merge(published[first])
    return {
        decoder: taken if decoder == first else _subtract(_merge(published[decoder]), taken) for decoder in DECODERS
    }


HEAD = "# Decoder regions, Å in air, first and last wavelength: Signor et al. 2025, A&A 704, A279, Appendix D,"
RESOLVED = "# overlaps resolved. Generated from config/regions.published.yaml by `make config`."
RELEASED = """\
# with the overlaps of iron and carbon that the authors' release leaves, and sums. Generated from
# config/regions.published.yaml by `make config`; needs train.reproduce.shared_pixels_summed."""


def derived(published_path: Path) -> dict[str, str]:
    """The texts of config/regions.yaml and config/regions.released.yaml, by name."""
    table = yaml.safe_load(published_path.read_text(encoding="utf-8"))
    published = {name: [tuple(pair) for pair in pairs] for name, pairs in table["regions"].items()}
    priority = table["priority"]
    return {
        "regions.yaml": _text(RESOLVED, resolve(published, priority)),
        "regions.released.yaml": _text(RELEASED, released(published, priority[0])),
    }


def _text(comment: str, regions: dict[str, Intervals]) -> str:
    lines = [HEAD, comment]
    for decoder, intervals in regions.items():
        lines.append(f"{decoder}:")
        lines += [f"  - [{first:.9g}, {last:.9g}]" for first, last in intervals]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    folder = Path("config")
    for name, text in derived(folder / "regions.published.yaml").items():
        (folder / name).write_text(text, encoding="utf-8")
        print(folder / name)
