"""Where the hostile files lie: in memory, where there is such a folder, for a disk would take most of the time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """An empty folder of this module."""
    with tempfile.TemporaryDirectory(prefix="halochem-fuzz-", dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)
