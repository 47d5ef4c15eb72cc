"""Which stars to compute directly: the training and the test design, such that any beginning of it is a good one.

Every TEST_EVERYth row is a test star, drawn as the sample stage draws (own stream, never trained on). The others
take turns, in the proportions of PARTS, between the halo's own density, the same raised to a low power (so that its
tails are well covered) and the whole box. Each part runs through its own Sobol sequence, shifted at random, so that
its first n points are evenly spread for every n.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import qmc

from halochem import seeds
from halochem.config import Sample
from halochem.files import LABELS, STAR_LABELS
from halochem.sample.density import ABUNDANCES, AbundanceDensity, GridDensity
from halochem.sample.draw import DECIMALS, DECIMALS_DEX, draw_labels
from halochem.sample.halo import halo_density
from halochem.synthesize.emulator.domain import LOGG_HIGHEST_STRUCTURE, box
from halochem.synthesize.emulator.model import Emulator

TRAIN, TEST = "train", "test"
PREFIX = {TRAIN: "emulator-train-", TEST: "emulator-test-"}
TEST_EVERY = 9
TEST_STARS = 400
STREAM = "emulator design"
CANDIDATES = 20


@dataclass(frozen=True)
class Part:
    """A share of the training design."""

    name: str
    share: float  # of the training stars
    power: float  # of the halo density: 1 the halo, 0 flat over its box
    cool: float  # Teff = lowest + range x u^cool: 1 uniform, above 1 more cool stars, whose spectra are harder
    logg_max: float  # dex


PARTS = (
    Part("halo", 0.45, 1.0, 1.0, 5.8),
    Part("tails", 0.42, 0.3, 1.4, LOGG_HIGHEST_STRUCTURE + 0.1),
    Part("box", 0.13, 0.0, 1.2, LOGG_HIGHEST_STRUCTURE + 0.1),
)


def design(n: int, seed: int, first: int = 0) -> pd.DataFrame:
    """Rows `first` to `first + n` of the design of a seed: the columns of files.LABELS, test stars among them."""
    rows = np.arange(first, first + n)
    test = _is_test(rows)
    frames = []
    if test.any():
        numbers = rows[test] // TEST_EVERY
        frame = draw_labels(Sample(), halo_density(Sample()), seed, numbers.tolist(), stream="emulator test")
        frames.append(frame.assign(star_id=[f"{PREFIX[TEST]}{seed}-{k:05d}" for k in numbers], row=rows[test]))
    train = rows[~test]
    numbers = train - np.minimum(train // TEST_EVERY, TEST_STARS)
    frame = train_points(numbers, seed)
    frame.insert(0, "star_id", [f"{PREFIX[TRAIN]}{seed}-{k:05d}" for k in numbers])
    frames.append(frame.assign(snr=Sample().snr.mean, row=train))
    table = pd.concat(frames).sort_values("row").reset_index(drop=True)
    return table[list(LABELS)]


def where_wrong(n: int, seed: int, emulator: Emulator) -> pd.DataFrame:
    """`n` training stars for a further round: drawn from the design of `seed`, most where the emulator is unsure.

    How unsure is the spread of its networks; a star is taken with a probability in proportion to that over the
    pixels, squared, of CANDIDATES a star asked for. Give each round a seed of its own, so that star_id stay unique.
    """
    candidates = train_points(np.arange(CANDIDATES * n), seed)
    labels = candidates.to_numpy(float)
    each = np.stack([emulator.coefficients(labels, range(m, m + 1)) for m in range(emulator.n_members)])
    weight = each.var(axis=0).sum(axis=1) + 1e-12
    # A race that the i-th wins with probability in proportion to its weight: keys u^(1/w), without replacement.
    keys = np.log(seeds.uniforms(seed, f"{STREAM} where wrong", 0, len(weight))) / weight
    chosen = np.argsort(-keys, kind="stable")[:n]
    frame = candidates.iloc[chosen].reset_index(drop=True)
    frame.insert(0, "star_id", [f"{PREFIX[TRAIN]}{seed}-{k:05d}" for k in chosen])
    return frame.assign(snr=Sample().snr.mean)[list(LABELS)]


def _is_test(rows: np.ndarray) -> np.ndarray:
    return (rows % TEST_EVERY == TEST_EVERY - 1) & (rows // TEST_EVERY < TEST_STARS)


def train_points(numbers: np.ndarray, seed: int) -> pd.DataFrame:
    """Labels of the training stars of these numbers, one row each: the columns of files.STAR_LABELS."""
    part, place = turns(int(numbers.max()) + 1)
    result = np.empty((len(numbers), len(STAR_LABELS)))
    for index, kind in enumerate(PARTS):
        mine = part[numbers] == index
        result[mine] = _of_part(kind, place[numbers[mine]], seed)
    rounded = {
        name: np.round(column, DECIMALS.get(name, DECIMALS_DEX))
        for name, column in zip(STAR_LABELS, result.T, strict=True)
    }
    return pd.DataFrame(rounded)


def turns(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Which part each of the first n training stars belongs to, and its place in that part's sequence."""
    shares = np.array([part.share for part in PARTS])
    taken = np.zeros(len(PARTS), int)
    part, place = np.empty(n, int), np.empty(n, int)
    for star in range(n):
        part[star] = np.argmax(shares * (star + 1) - taken)  # the one furthest behind its share
        place[star] = taken[part[star]]
        taken[part[star]] += 1
    return part, place


def _of_part(part: Part, places: np.ndarray, seed: int) -> np.ndarray:
    """Labels (n, 5) at these places of a part's sequence."""
    if not len(places):
        return np.empty((0, len(STAR_LABELS)))
    sobol = qmc.Sobol(len(STAR_LABELS), scramble=False, bits=30)
    points = sobol.random_base2(int(places.max() + 1).bit_length())[1 + places]  # the first is the corner
    u = (points + seeds.uniforms(seed, f"{STREAM} {part.name}", 0, len(STAR_LABELS))) % 1.0
    limits = box()
    teff = limits["teff"][0] + (limits["teff"][1] - limits["teff"][0]) * u[:, 0] ** part.cool
    logg = limits["logg"][0] + (part.logg_max - limits["logg"][0]) * u[:, 1]
    return np.column_stack([teff, logg, _tempered(part.power).draw(u[:, 2 : 2 + len(ABUNDANCES)])])


def _tempered(power: float) -> AbundanceDensity:
    density = halo_density(Sample())
    p, q = (GridDensity.of(grid.feh_edges, grid.y_edges, grid.mass**power) for grid in (density.p, density.q))
    return AbundanceDensity(p, q)
