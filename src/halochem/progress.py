"""Progress: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

log = logging.getLogger("halochem")
Item = TypeVar("Item")


def track(items: Iterable[Item], total: int, what: str, every_seconds: float = 30.0) -> Iterator[Item]:
    """Pass `items` on, showing how far they are: a bar where stderr is a terminal, else a line now and then."""
    if sys.stderr.isatty():
        yield from tqdm(items, total=total, desc=what, unit="", leave=False)
        return
    start = last = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if done == total or now - last >= every_seconds:
            last = now
            log.info("%s: %d of %d, %.0f s", what, done, total, now - start)
