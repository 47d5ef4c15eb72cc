"""Data sets of an HDF5 file, read by rows where they may be larger than memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from halochem.errors import UserError
from halochem.untrusted import one_line

# What h5py raises for a damaged file: any of them, whichever byte it is.
FAULTS = (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError, ArithmeticError, MemoryError)
LONGEST_NAME, TEXT_ROWS = 1000, 4096


def damaged(path: Path, error: BaseException) -> UserError:
    """The fault of a catalog that cannot be read to its end."""
    return UserError(f"{path}: damaged ({one_line(error)}); delete it and run `halochem observe`")


class OnDisk:
    """Rows of a data set, read when they are asked for: by a slice, a number, or an array of numbers."""

    def __init__(self, data: h5py.Dataset, path: Path) -> None:
        """`path`: of the file, for messages."""
        self._data, self._path = data, path
        self.shape, self.dtype = data.shape, data.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        try:
            if isinstance(rows, np.ndarray):
                return np.array([self._data[row] for row in rows], self.dtype).reshape(-1, *self.shape[1:])
            return self._data[rows]
        except FAULTS as error:
            raise damaged(self._path, error) from None


def column(data: h5py.Dataset) -> np.ndarray:
    """One value a star, (n,). Raises ValueError for a data set of another shape and for endless texts."""
    if data.ndim != 1:
        raise ValueError(f"{data.name} has {data.ndim} dimensions")
    if data.dtype.kind not in "SO":
        return data[:]
    # Text of any length may stand for more than fits in memory: some rows at a time, each of a name's length.
    parts = []
    for start in range(0, len(data), TEXT_ROWS):
        values = [bytes(value) for value in data[start : start + TEXT_ROWS]]
        if max(map(len, values)) > LONGEST_NAME:
            raise ValueError(f"{data.name} holds a text of more than {LONGEST_NAME} bytes")
        parts.append(np.array([value.decode() for value in values]))
    return np.concatenate(parts) if parts else np.empty(0, str)
