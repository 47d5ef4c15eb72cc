"""Files that someone else made: how large they may be, and what may be in them, before anything is made of them.

A reader that goes through here ends in a UserError for what is too large, packed to burst, nested without end, or
points out of itself.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import math
import reprlib
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import h5py
import yaml

from halochem.errors import UserError

MB = 2**20
# First bytes of packed files, and what unpacks them as it reads.
PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
# Far above any file of ours: the published configuration has 6 kB, and a megabyte takes seconds to parse.
YAML_LIMIT, YAML_DEPTH = MB // 4, 20
HDF5_OBJECTS, HDF5_DEPTH = 1000, 8
# gzip packs 1032 bytes into one at most: a dataset that claims more than that of what is stored is not there.
HDF5_PACKING, HDF5_FREE, HDF5_BLOCK = 1100, MB, 256 * MB
HDF5_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}


def short(value: object) -> str:
    """A value as Python writes it, cut where it is long: for messages."""
    brief = reprlib.Repr()
    brief.maxlevel, brief.maxstring, brief.maxother, brief.maxlist, brief.maxdict, brief.maxlong = 3, 80, 80, 6, 6, 40
    return brief.repr(value)


def one_line(error: object, length: int = 200) -> str:
    """What another library says, for the end of a line of ours."""
    return " ".join(str(error).split())[:length] or type(error).__name__


def check_size(path: Path, limit: int) -> None:
    """Raise UserError unless `path` is a plain file (or a link to one) of at most `limit` bytes."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"{path}: not a plain file")
    if status.st_size > limit:
        raise UserError(f"{path}: {status.st_size} bytes, more than the {limit} that such a file may have")


def read_bytes(path: Path, limit: int) -> bytes:
    """The bytes of a file, unpacked where it is gzipped: at most `limit`. Raises UserError for more, or for damage."""
    check_size(path, limit)
    try:
        content = path.read_bytes()
        if content[:2] != b"\x1f\x8b":
            return content
        with gzip.open(io.BytesIO(content)) as file:
            content = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: the gzip file is damaged ({one_line(error)}); fetch it again") from None
    if len(content) > limit:
        raise UserError(f"{path}: unpacks to more than the {limit} bytes that such a file may have")
    return content


def check_unpacked(path: Path, limit: int) -> None:
    """Raise UserError for a file of more than `limit` bytes, as it is or unpacked by what its first bytes tell."""
    check_size(path, limit)
    try:
        with open(path, "rb") as file:
            start = file.read(6)
        for mark, opener in PACKED.items():
            if start.startswith(mark):
                with opener(path, "rb") as file:
                    _count(file, path, limit)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise UserError(f"{path}: damaged or not readable ({one_line(error)}); fetch it again") from None
    if start.startswith(b"PK"):
        check_zip(path, limit)


def _count(file: IO[bytes], path: Path, limit: int) -> None:
    read = 0
    while part := file.read(MB):
        read += len(part)
        if read > limit:
            raise UserError(f"{path}: unpacks to more than the {limit} bytes that such a file may have")


def check_zip(path: Path, limit: int) -> None:
    """Raise UserError where the members of a zip file (.npz) unpack to more than `limit` bytes, or it is none."""
    check_size(path, limit)
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(member.file_size for member in archive.infolist())
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not a readable zip file ({one_line(error)})") from None
    if total > limit:
        raise UserError(f"{path}: unpacks to {total} bytes, more than the {limit} that such a file may have")


# --- YAML -----------------------------------------------------------------------------------------------


# PyYAML's wheels have the parser in C, ten times as fast; a PyYAML built without it has not.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _PlainLoader(_Loader):  # type: ignore[misc, valid-type]
    """Plain values, no key twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        mapping = super().construct_mapping(node, deep=True)
        keys = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in keys:
                words = f"the key {short(key)} is there twice"
                raise yaml.constructor.ConstructorError(None, None, words, key_node.start_mark)
            keys.add(key)
        return mapping


def _check_yaml(text: str) -> None:
    """Raise YAMLError for aliases, of which a few stand for gigabytes, and for deep nesting."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="aliases (*name) are not taken: write it out", problem_mark=event.start_mark
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > YAML_DEPTH:
            raise yaml.MarkedYAMLError(problem=f"nested more than {YAML_DEPTH} deep", problem_mark=event.start_mark)


def read_yaml(path: Path) -> Any:
    """The plain values of a YAML file. Raises UserError, one line that says where, for all else."""
    check_size(path, YAML_LIMIT)
    try:
        text = path.read_text(encoding="utf-8")
        _check_yaml(text)
        return yaml.load(text, Loader=_PlainLoader)
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {one_line(error)}") from None
    # What PyYAML makes of `!!int ""`, `2001-99-99`, a number of 5000 digits, bytes that are no text.
    except (ValueError, ArithmeticError, LookupError, AttributeError, TypeError, RecursionError) as error:
        raise UserError(f"{path}: not valid YAML: {one_line(error)}") from None


# --- HDF5 -----------------------------------------------------------------------------------------------


def check_hdf5(file: h5py.File, path: Path | str) -> None:
    """Raise UserError unless the file is all there in itself.

    Refused: links to other files, data kept in others or pieced together from them, filters that are loaded from
    elsewhere, more data than what is stored can unpack to, blocks of more than HDF5_BLOCK bytes, endless groups.
    """
    for number, (name, item) in enumerate(_objects(file, path, 0), 1):
        if number > HDF5_OBJECTS:
            raise UserError(f"{path}: more than {HDF5_OBJECTS} objects in it; expected the layout of docs/files.md")
        if isinstance(item, h5py.Dataset):
            _check_dataset(item, f"{path}: {name}")


def _objects(group: h5py.Group, path: Path | str, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > HDF5_DEPTH:
        raise UserError(f"{path}: groups more than {HDF5_DEPTH} deep; expected the layout of docs/files.md")
    for name in group:
        where = f"{group.name.rstrip('/')}/{name}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise UserError(f"{path}: {where} is a link to elsewhere, expected data; copy what it names into the file")
        item = group[name]
        yield where, item
        if isinstance(item, h5py.Group):
            yield from _objects(item, path, depth + 1)


def _check_dataset(data: h5py.Dataset, where: str) -> None:
    if data.is_virtual or data.external:
        raise UserError(f"{where}: its data are in another file; copy them into this one")
    plan = data.id.get_create_plist()
    filters = [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]
    foreign = [number for number in filters if number not in HDF5_FILTERS]
    if foreign:
        known = ", ".join(HDF5_FILTERS.values())
        raise UserError(f"{where}: packed by the filter {foreign[0]}; expected {known}: pack it anew (h5repack)")
    if data.dtype.kind not in "biufSO" or (data.dtype.hasobject and h5py.check_string_dtype(data.dtype) is None):
        raise UserError(f"{where}: holds {short(data.dtype)}, expected numbers or text")
    if data.chunks is not None and math.prod(data.chunks) * data.dtype.itemsize > HDF5_BLOCK:
        raise UserError(f"{where}: stored in blocks of more than {HDF5_BLOCK // MB} MB; pack it anew (h5repack)")
    claimed, stored = math.prod(data.shape or (0,)) * data.dtype.itemsize, data.id.get_storage_size()
    if claimed > HDF5_PACKING * stored + HDF5_FREE:
        raise UserError(f"{where}: claims {claimed} bytes, but holds {stored}; make the file anew")
