"""A folder of MARCS models as a grid: which model lies at which labels, known without reading the layers.

What is read of each file is kept beside the models (INDEX), so that the jobs of a run open a model only when they
interpolate in it; a file whose size or time has changed is read anew.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import math
import os
import re
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from halochem import untrusted
from halochem.errors import UserError
from halochem.files import atomic, sha256
from halochem.synthesize.atmospheres import marcs_file
from halochem.synthesize.atmospheres.marcs_file import Header, Model

log = logging.getLogger("halochem")

INDEX = ".halochem-index.json"
INDEX_VERSION = 1
INDEX_LIMIT, TABLE_LIMIT = 256 * untrusted.MB, 64 * untrusted.MB  # 300 bytes a model; the largest grid has 52 000
# Where several models share their labels: microturbulence and mass nearest to these, plane-parallel from this log g.
MICROTURBULENCE, MASS, PLANE_PARALLEL_LOGG = 2.0, 1.0, 3.5
MAX_LOADED = 512  # models kept in memory, some 4 kB each

Labels = tuple[float, float, float, float]


@dataclass(frozen=True)
class Entry:
    """One file of the folder."""

    name: str  # path below the folder
    header: Header
    sha256: str


class Grid:
    """The models of one folder: a MARCS folder (.mod, .mod.gz) or one of iSpec (parameters.tsv, grid/*.fits[.gz])."""

    def __init__(self, folder: Path) -> None:
        """Index the folder. Raises UserError for an empty one, for a file that is no model and for duplicates."""
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder (synthesis.marcs_dir); set it to a folder of MARCS models")
        self._folder = folder
        self.is_ispec = (folder / "parameters.tsv").is_file()
        entries = _ispec_entries(folder) if self.is_ispec else _mod_entries(folder)
        self.n_files = len(entries)
        self._files = {labels: entry for labels, entry in _one_each(entries, folder).items()}
        digests = sorted(f"{entry.header.labels} {entry.sha256}" for entry in self._files.values())
        self.sha256 = hashlib.sha256("\n".join(digests).encode()).hexdigest()
        self._load = lru_cache(MAX_LOADED)(self._read)

    @property
    def labels(self) -> frozenset[Labels]:
        """teff, logg, feh and alpha_fe of every model."""
        return frozenset(self._files)

    @property
    def description(self) -> str:
        """For a file's attributes and for people: name, number of models, ranges."""
        kind = "iSpec grid" if self.is_ispec else "MARCS"
        low, high = (tuple(map(limit, zip(*self._files, strict=True))) for limit in (min, max))
        ranges = zip(("teff", "logg", "feh", "alpha_fe"), low, high, strict=True)
        text = ", ".join(f"{name} {a + 0:g} to {b + 0:g}" for name, a, b in ranges)
        return f"{kind} {self._folder.resolve().name}: {len(self._files)} of {self.n_files} models, {text}"

    def header(self, labels: Labels) -> Header:
        """What the model at some labels is."""
        return self._files[labels].header

    def model(self, labels: Labels) -> Model:
        """The layers of the model at some labels. Raises UserError if its file is damaged."""
        return self._load(labels)

    def _read(self, labels: Labels) -> Model:
        path = self._folder / self._files[labels].name
        return marcs_file.read_ispec(path) if self.is_ispec else marcs_file.read_mod(path)


def _one_each(entries: list[Entry], folder: Path) -> dict[Labels, Entry]:
    """The model for each place of the grid. Raises UserError where two files hold the same one."""
    seen: dict[Header, Entry] = {}
    for entry in entries:
        if entry.header in seen:
            other = seen[entry.header].name
            raise UserError(f"{folder / entry.name}: same labels, geometry and mass as {other}; remove one of the two")
        seen[entry.header] = entry
    chosen: dict[Labels, Entry] = {}
    for entry in sorted(entries, key=_rank):
        chosen.setdefault(entry.header.labels, entry)
    return chosen


def _rank(entry: Entry) -> tuple:
    header = entry.header
    wanted = header.logg < PLANE_PARALLEL_LOGG
    return (
        abs(header.c_fe) > 0.02,  # models of CN-cycled stars come after the standard ones
        header.spherical != wanted,
        abs(header.microturbulence - MICROTURBULENCE),
        abs(header.mass - MASS) if header.spherical else 0.0,
        entry.name,
    )


# --- a folder of .mod files -----------------------------------------------------------------------------


def _mod_entries(folder: Path) -> list[Entry]:
    files = _files(folder, (".mod", ".mod.gz"))
    if not files:
        raise UserError(
            f"{folder}: no MARCS model in it; expected .mod files (names as the MARCS site gives them), or "
            "parameters.tsv and grid/*.fits of iSpec"
        )
    known = _read_index(folder)
    entries, index = [], {}
    for name, stamp in files.items():
        if name in known and known[name]["stamp"] == stamp and "header" in known[name]:
            index[name] = known[name]
            entries.append(Entry(name, Header(**known[name]["header"]), known[name]["sha256"]))
            continue
        header = marcs_file.read_header(marcs_file.rows_of(folder / name), folder / name)
        digest = sha256(folder / name)
        entries.append(Entry(name, header, digest))
        index[name] = {"stamp": stamp, "sha256": digest, "header": asdict(header)}
    _write_index(folder, index, known)
    return entries


def _files(folder: Path, suffixes: tuple[str, ...]) -> dict[str, list[int]]:
    """Path below the folder -> size and time of change, for all files of these suffixes, in order of name."""
    found: dict[str, list[int]] = {}
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.endswith(suffixes) and not name.startswith("."):
                path = Path(parent, name)
                status = path.stat()
                found[str(path.relative_to(folder))] = [status.st_size, status.st_mtime_ns]
    return found


def _read_index(folder: Path) -> dict[str, dict]:
    try:
        index = json.loads(untrusted.read_bytes(folder / INDEX, INDEX_LIMIT))
        return index["files"] if index["version"] == INDEX_VERSION and _whole(index["files"]) else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, UserError):
        return {}  # nothing kept, or by another version: all files are read


def _whole(index: dict[str, dict]) -> bool:
    """Whether an index is one of ours: it came with the folder, from whoever made that."""
    for entry in index.values():
        header = entry.get("header")
        if header is not None:
            values = asdict(Header(**header)).values()
            if not all(isinstance(value, bool | int | float) and math.isfinite(value) for value in values):
                return False
        if not isinstance(entry["stamp"], list) or not re.fullmatch(r"[0-9a-f]{64}", entry["sha256"]):
            return False
    return True


def _write_index(folder: Path, index: dict[str, dict], known: dict[str, dict]) -> None:
    if index == known:
        return
    try:
        with atomic(folder / INDEX) as temporary:
            temporary.write_text(json.dumps({"version": INDEX_VERSION, "files": index}), encoding="utf-8")
    except OSError as error:
        log.info("%s: its index cannot be kept (%s); every job reads all headers", folder, error.strerror)


# --- an iSpec grid --------------------------------------------------------------------------------------


def _ispec_entries(folder: Path) -> list[Entry]:
    path = folder / "parameters.tsv"
    try:
        table = pd.read_csv(io.BytesIO(untrusted.read_bytes(path, TABLE_LIMIT)), sep="\t")
    except (OSError, ValueError, ArithmeticError, LookupError) as error:
        raise UserError(f"{path}: not a readable table ({untrusted.one_line(error)}); fetch the grid again") from None
    names = {name.removeprefix("fixed_").lower(): name for name in table.columns}
    missing = [name for name in ("teff", "logg", "mh", "filename") if name not in names]
    if missing:
        raise UserError(f"{path}: column {missing[0]} is missing; expected teff, logg, MH, alpha and filename")
    if table.empty:
        raise UserError(f"{path}: no model in it; fetch the grid again")
    files = _files(folder, (".fits", ".fits.gz"))
    known = _read_index(folder)
    entries, index = [], {}
    for row in range(len(table)):
        values = {name: table[column].iloc[row] for name, column in names.items()}
        name = os.path.normpath(str(values["filename"]))  # iSpec's tables may write ./grid/…
        if name not in files:
            raise UserError(f"{path}: row {row + 2}: no file {name} in {folder}; fetch the grid again")
        same = name in known and known[name]["stamp"] == files[name]
        digest = known[name]["sha256"] if same else sha256(folder / name)
        entries.append(Entry(name, _ispec_header(values, path, row), digest))
        index[name] = {"stamp": files[name], "sha256": digest}
    _write_index(folder, index, known)
    return entries


def _ispec_header(values: dict, path: Path, row: int) -> Header:
    try:
        teff, logg, feh = (float(values[name]) for name in ("teff", "logg", "mh"))
        # A grid without the column is of standard composition (Gustafsson et al. 2008, section 2).
        alpha_fe = float(values["alpha"]) if "alpha" in values else round(min(max(-0.4 * feh, 0.0), 0.4), 3)
    except (ValueError, TypeError):
        raise UserError(f"{path}: row {row + 2}: expected numbers for teff, logg, MH and alpha") from None
    if not all(abs(value) < 1e5 for value in (teff, logg, feh, alpha_fe)):
        raise UserError(f"{path}: row {row + 2}: expected numbers for teff, logg, MH and alpha")
    return Header(teff, logg, feh, alpha_fe)
