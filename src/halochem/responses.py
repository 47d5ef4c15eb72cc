"""How a spectrum answers to each abundance: derivatives of the flux by the engine, for stars all over the halo.

What preset `fast` of the training knows of spectroscopy: it says in which pixels, and how, iron, carbon and the
alpha elements show at a given Teff and log g. It holds no star of any catalog: points are spread over the range of Teff
and log g, with abundances from the published moments of the halo (Signor et al. 2025, A&A 704, A279, Sect. 3).

    python -m halochem.responses [--emulator DIR] [--out FILE]

makes resources/responses.npz from the shipped emulator, or another from one of your own.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from halochem import files, seeds
from halochem.errors import UserError
from halochem.sample.halo import PUBLISHED_MEAN, PUBLISHED_SIGMA
from halochem.untrusted import MB, check_zip, one_line

ELEMENTS = ("feh", "c_fe", "alpha_fe")
MOMENTS = {name: (PUBLISHED_MEAN[name], PUBLISHED_SIGMA[name]) for name in ELEMENTS}  # [dex]
GRID_TOLERANCE = 1e-6
SIZE_LIMIT = 1024 * MB
POINTS, COMPONENTS = 6144, 96  # some 130 points in each cell of filters.py; 1e-4 of the squares left out


@dataclass(frozen=True)
class Responses:
    """Derivatives at n points: k coefficients of a basis over p pixels."""

    teff: np.ndarray  # (n,) [K]
    logg: np.ndarray  # (n,) [dex]
    abundances: np.ndarray  # (n, 3) [dex], in the order of ELEMENTS
    coefficients: np.ndarray  # (3, n, k), in the order of ELEMENTS; change of flux per standard deviation of MOMENTS
    basis: np.ndarray  # (k, p)
    wavelength: np.ndarray  # (p,) Å, air

    def project(self, vectors: np.ndarray) -> np.ndarray:
        """The responses (3, n, m) along m orthonormal `vectors` (p, m)."""
        return self.coefficients @ (self.basis @ vectors)

    def check_grid(self, wavelength: np.ndarray, path: Path | str) -> None:
        """Refuse spectra of another grid; `path` is the responses' file."""
        same = wavelength.shape == self.wavelength.shape
        if not same or not np.allclose(wavelength, self.wavelength, rtol=GRID_TOLERANCE, atol=0):
            raise UserError(
                f"{path}: responses on {len(self.wavelength)} pixels over {self.wavelength[0]:.1f}-"
                f"{self.wavelength[-1]:.1f} Å, but the spectra have {len(wavelength)} over {wavelength[0]:.1f}-"
                f"{wavelength[-1]:.1f} Å; make them with an emulator of this grid (python -m halochem.responses "
                "--emulator DIR), or set train.preset: paper"
            )


def load(path: Path | str) -> Responses:
    """Read a file of `save`. Raises UserError where it is missing or no such file."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; `python -m halochem.responses` makes it, or set train.preset: paper")
    try:
        check_zip(path, SIZE_LIMIT)
        with np.load(path, allow_pickle=False) as data:
            # float16 is what the file saves space by; everything is computed in double precision.
            arrays = {name: data[name].astype(np.float64) for name in Responses.__dataclass_fields__}
        n, p, k = len(arrays["teff"]), len(arrays["wavelength"]), len(arrays["basis"])
        shapes = {"teff": (n,), "logg": (n,), "abundances": (n, len(ELEMENTS)), "coefficients": (len(ELEMENTS), n, k),
                  "basis": (k, p), "wavelength": (p,)}  # fmt: skip
        for name, shape in shapes.items():
            if arrays[name].shape != shape:
                raise ValueError(f"{name} has the shape {arrays[name].shape}, expected {shape}")
    # The last is zipfile's; the others are NumPy's for anything that is none of its arrays.
    except (OSError, ValueError, LookupError, TypeError, RuntimeError, ArithmeticError, UserError, BadZipFile) as error:
        reason = one_line(error)
        raise UserError(f"{path}: not a file of responses ({reason}); make it anew with halochem.responses") from None
    return Responses(**arrays)


def save(responses: Responses, path: Path | str, emulator_sha256: str) -> None:
    """Write all but the grid and the atmospheres as 16-bit floats: 0.05 % of a derivative, below the engine's error.

    `emulator_sha256`: that of the weights that they were computed with.
    """
    arrays = {name: getattr(responses, name) for name in Responses.__dataclass_fields__}
    for name in ("abundances", "coefficients", "basis"):
        arrays[name] = arrays[name].astype(np.float16)
    with files.atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays, emulator_sha256=np.array(emulator_sha256))


def points(n: int, limits: dict[str, tuple[float, float]]) -> np.ndarray:
    """Labels (n, 5), the columns of files.STAR_LABELS: Teff, log g uniform in `limits`, abundances normal."""
    u = seeds.uniform_table(0, "responses/atmosphere", range(n), 2)
    z = np.array([seeds.normals(0, "responses/abundances", star, len(ELEMENTS)) for star in range(n)])
    columns = {name: low + u[:, k] * (high - low) for k, (name, (low, high)) in enumerate(list(limits.items())[:2])}
    for k, (name, (mean, sigma)) in enumerate(MOMENTS.items()):
        columns[name] = np.clip(mean + sigma * z[:, k], *limits[name])
    return np.column_stack([columns[name] for name in files.STAR_LABELS])


def measure(flux, labels: np.ndarray, limits: dict[str, tuple[float, float]], element: str) -> np.ndarray:
    """Change of the flux per standard deviation of `element` [dex], float32 (n, p), by a difference over one of them.

    `flux`: a function of labels (n, 5). At the edge of `limits` the difference is over what is left.
    """
    column, sigma = files.STAR_LABELS.index(element), MOMENTS[element][1]
    ends = []
    for sign in (1, -1):
        moved = labels.copy()
        moved[:, column] = np.clip(moved[:, column] + sign * sigma / 2, *limits[element])
        ends.append(moved)
    step = (ends[0] - ends[1])[:, column] / sigma
    return (flux(ends[0]) - flux(ends[1])) / step[:, None].astype(np.float32)


def compress(each: list[np.ndarray], labels: np.ndarray, wavelength: np.ndarray, components: int) -> Responses:
    """Derivatives (n, p) of each element in the `components` directions that hold most of their squares."""
    gram = sum(d.T.astype(np.float64) @ d for d in each)
    _, vectors = np.linalg.eigh(gram)
    basis = vectors[:, ::-1][:, :components]
    coefficients = np.array([d @ basis for d in each])
    return Responses(labels[:, 0], labels[:, 1], labels[:, 2:], coefficients, basis.T, wavelength)


def main(arguments: list[str] | None = None) -> None:
    """Make the file. Raises UserError where there is no emulator."""
    from halochem.synthesize.emulator import model

    parser = argparse.ArgumentParser(prog="python -m halochem.responses", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--emulator", type=Path, default=Path("resources/emulator"), metavar="DIR", help="(%(default)s)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("resources/responses.npz"), metavar="FILE", help="(%(default)s)"
    )
    options = parser.parse_args(arguments)
    emulator = model.load(options.emulator)
    labels = points(POINTS, emulator.limits)
    each = [measure(emulator.flux, labels, emulator.limits, name) for name in ELEMENTS]
    responses = compress(each, labels, emulator.wavelength, COMPONENTS)
    for name, d, c in zip(ELEMENTS, each, responses.coefficients, strict=True):
        print(f"{name}: {1 - (c**2).sum() / float((d.astype(np.float64) ** 2).sum()):.1e} of the squares left out")
    save(responses, options.out, emulator.document["weights_sha256"])
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"halochem: {error}")
