"""Named random streams.

A number drawn anywhere in halochem is a function of (seed, stream name, star, position) and of nothing else:
not of the chunk size, the number of cores, the order of work, or the machine. Philox is counter-based, so the
stream of one star is reached without drawing those before it; only raw 64-bit words are taken from NumPy
(stable across its versions), and the transform to floats is done here.
"""

from __future__ import annotations

import hashlib

import numpy as np
from scipy.special import ndtri

_DOUBLE_STEP = 2.0**-53


def stream_key(stream: str) -> int:
    """The 64-bit key of a stream's name: the first eight bytes of its SHA-256."""
    return int.from_bytes(hashlib.sha256(stream.encode()).digest()[:8], "little")


def uniforms(seed: int, stream: str, star: int, count: int) -> np.ndarray:
    """`count` independent draws from U(0, 1), end points excluded, for one star of one stream.

    Returns a float64 array of shape (count,). A longer draw starts with the shorter one.
    """
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    philox = np.random.Philox(
        counter=np.array([0, 0, star, 0], np.uint64), key=np.array([seed, stream_key(stream)], np.uint64)
    )
    return ((philox.random_raw(count) >> np.uint64(11)).astype(np.float64) + 0.5) * _DOUBLE_STEP


def normals(seed: int, stream: str, star: int, count: int) -> np.ndarray:
    """`count` independent draws from N(0, 1) for one star of one stream; float64, shape (count,)."""
    return ndtri(uniforms(seed, stream, star, count))


def uniform_table(seed: int, stream: str, stars: range | np.ndarray, count: int) -> np.ndarray:
    """`uniforms` for several stars: float64, shape (len(stars), count)."""
    table = np.empty((len(stars), count))
    for row, star in enumerate(stars):
        table[row] = uniforms(seed, stream, int(star), count)
    return table


def torch_seed(seed: int, stream: str) -> int:
    """A seed for a torch.Generator, derived from the stream's name: 63 bits."""
    digest = hashlib.sha256(f"{seed}/{stream}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1
