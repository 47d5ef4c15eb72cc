"""Corrections of single lines whose listed strength the observed Sun contradicts (corrections.yaml beside this)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from halochem.errors import UserError
from halochem.synthesize.lines.bsyn_list import Lines
from halochem.untrusted import one_line, read_yaml

TABLE = Path(__file__).with_name("corrections.yaml")
KEYS = {"species", "wavelength", "excitation", "old", "new", "observed", "before", "after"}
LEAVE_OUT = "leave out"
# Half of the last digit of the source list, and a little for the binary fraction.
SAME = 0.00051


def load(path: Path = TABLE) -> list[dict[str, Any]]:
    """The entries of a table of corrections.

    Each has `species` ("Fe I"), `wavelength` [Å, air], `excitation` [eV] and `old` (log gf), which name one line;
    `new` (log gf, or "leave out"); and the evidence, equivalent widths in mÅ within 0.15 Å of the line:
    `observed`, and synthetic `before` and `after`. Raises UserError, naming the file and the entry.
    """
    try:
        entries = read_yaml(path)
    except (OSError, UserError) as error:
        raise UserError(f"{path}: unreadable ({one_line(error)}); restore it from git") from None
    if not isinstance(entries, list):
        raise UserError(f"{path}: expected a list of corrections; restore it from git")
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict) or set(entry) != KEYS:
            raise UserError(f"{path}, entry {number}: expected the keys {', '.join(sorted(KEYS))}; restore it from git")
        for key in sorted(KEYS - {"species"}):
            if not isinstance(entry[key], (int, float)) and not (key == "new" and entry[key] == LEAVE_OUT):
                raise UserError(f"{path}, entry {number}: {key}: expected a number, got {entry[key]!r}")
    return entries


def apply(lists: list[Lines], entries: list[dict[str, Any]]) -> list[Lines]:
    """The lists with each entry's line given its new log gf or left out; the arrays of `lists` stay as they are.

    Raises UserError, naming the entry, when it matches no line or more than one: the list is then not the one that
    the corrections were made for.
    """
    changed = [lines.select(np.arange(len(lines))) for lines in lists]
    keep = [np.ones(len(lines), bool) for lines in lists]
    for number, entry in enumerate(entries, 1):
        block, i = _find(lists, entry, number)
        if entry["new"] == LEAVE_OUT:
            keep[block][i] = False
        else:
            changed[block].log_gf[i] = entry["new"]
    return [lines.select(mask) for lines, mask in zip(changed, keep, strict=True)]


def _find(lists: list[Lines], entry: dict[str, Any], number: int) -> tuple[int, int]:
    found = []
    for block, lines in enumerate(lists):
        if lines.species.name == entry["species"]:
            same = np.abs(lines.wavelength - entry["wavelength"]) < SAME
            same &= np.abs(lines.excitation - entry["excitation"]) < SAME
            same &= np.abs(lines.log_gf - entry["old"]) < SAME
            found += [(block, int(i)) for i in np.flatnonzero(same)]
    if len(found) != 1:
        raise UserError(
            f"{TABLE.name}, entry {number}: {entry['species']} {entry['wavelength']:.3f} Å, {entry['excitation']} eV, "
            f"log gf {entry['old']} matches {len(found)} lines of the list, expected one; correct the entry or the list"
        )
    return found[0]
