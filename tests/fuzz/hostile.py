"""Hostile files: valid ones, mutated; and what a reader must make of them within a deadline."""

from __future__ import annotations

import faulthandler
import gzip
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from halochem.errors import UserError

# All tests together. HALOCHEM_FUZZ_CASES=100000 digs deeper; HALOCHEM_FUZZ_RANDOM=1 takes other cases each time.
TOTAL = 10_000
CASES = int(os.environ.get("HALOCHEM_FUZZ_CASES", TOTAL))
RANDOM = bool(os.environ.get("HALOCHEM_FUZZ_RANDOM"))
# Seconds of computing that a case may take, and of the clock where it hangs out of Python's reach.
DEADLINE, KILLED_AFTER = 5.0, 120.0

NUMBERS = (
    *("nan", "inf", "-inf", "1e400", "-1e308", "1e-320", "0", "-0", "-1", "1e9", "999999999999999999999", "9" * 5000),
    *("0x10", "1_000", "1e", "--1", "1.2.3", "", "１２", "²", "1:30:00", "True", "null", "1,5", "5000.5e3"),
)
WORDS = (
    *(
        "\x00",
        "\u202e",
        "é",
        "\ud7ff",
        "😀",
        "'",
        '"',
        "%s",
        "{}",
        "{seed}",
        "$(id)",
        "`id`",
        ";",
        "../../etc/passwd",
        "~",
    ),
    *("~nobody-at-all/x", "!!python/object/apply:os.system [id]", "&a", "*a", "<<", "---", "- ", ": ", "#", "\t", "\r"),
    *("\n\n", "A" * 3000, "(" * 300, "[" * 300, "'Fe 1'", "/dev/zero", "http://localhost/x", "\x85", "\xff"),
)


# Out of Python's reach only the end of the process helps: it tells where first.
faulthandler.register(signal.SIGALRM, chain=True)


def cases(share: float) -> settings:
    """Settings of a test that has this share of all cases."""
    return settings(
        max_examples=max(1, round(share * CASES)),
        deadline=None,
        database=None,
        derandomize=not RANDOM,
        suppress_health_check=list(HealthCheck),
    )


def survives(path: Path, content: bytes, read: Callable[[Path], object], refusals: tuple = (UserError,)) -> None:
    """Write the file and read it: an answer, or one line that says what is wrong, and soon."""
    # A file that is written over is flushed to the disk, a new one is not.
    path.unlink(missing_ok=True)
    path.write_bytes(content)

    def stop(*_: object) -> None:
        raise AssertionError(f"more than {DEADLINE:g} s of computing")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, KILLED_AFTER)
    signal.setitimer(signal.ITIMER_VIRTUAL, DEADLINE)
    try:
        read(path)
    except refusals as refusal:
        text = str(refusal)
        assert text, "a refusal without a word"
        assert "\n" not in text, f"more than one line: {text!r}"
        assert len(text) < 3000, f"a line of {len(text)} characters"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _token(text: bytes, pattern: bytes, place: float, new: bytes) -> bytes:
    found = list(re.finditer(pattern, text))
    if not found:
        return text + new
    match = found[int(place * len(found))]
    return text[: match.start()] + new + text[match.end() :]


@st.composite
def mutated(draw: st.DrawFn, valid: bytes, text: bool) -> bytes:
    """The bytes with one to five changes; `text`: also of numbers, words and rows."""
    content = valid
    kinds = ["flip", "cut", "drop", "repeat", "insert"]
    if text:
        kinds += ["number", "number", "number", "word", "word", "row", "rows", "gzip"]
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=5)):
        place = draw(st.floats(0, 1, exclude_max=True))
        at = int(place * len(content))
        if kind == "flip" and content:
            content = content[:at] + bytes([content[at] ^ draw(st.integers(1, 255))]) + content[at + 1 :]
        elif kind == "cut":
            content = content[:at]
        elif kind == "drop":
            content = content[:at] + content[at + draw(st.integers(1, 200)) :]
        elif kind == "repeat":
            part = content[at : at + draw(st.integers(1, 200))]
            content = content[:at] + part * draw(st.sampled_from([2, 3, 1000])) + content[at:]
        elif kind == "insert":
            content = content[:at] + draw(st.binary(max_size=30)) + content[at:]
        elif kind == "number":
            content = _token(
                content, rb"[-+]?\d[\d.]*(?:[eE][-+]?\d+)?", place, draw(st.sampled_from(NUMBERS)).encode()
            )
        elif kind == "word":
            new = draw(st.sampled_from(WORDS)).encode("utf-8", "surrogatepass")
            content = _token(content, rb"[A-Za-z_]+", place, new)
        elif kind == "row":
            rows = content.split(b"\n")
            del rows[int(place * len(rows))]
            content = b"\n".join(rows)
        elif kind == "rows":
            rows = content.split(b"\n")
            rows.insert(int(place * len(rows)), rows[draw(st.integers(0, len(rows) - 1))])
            content = b"\n".join(rows)
        elif kind == "gzip":
            content = gzip.compress(content, 1, mtime=0)
    return content[: 2**20]
