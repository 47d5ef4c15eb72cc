"""Files that are there whole or not at all, whatever the disk says and whenever the writer is killed."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import h5py

from halochem.errors import UserError

# HDF5 1.10 and later: the file's own structure has checksums too, so that damage is seen, where in older formats it
# may pass unnoticed or send the reader astray.
HDF5_FORMAT = ("v110", "v110")

# The disk is full, a quota is used up, or the file is larger than `ulimit -f`.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# Seconds for which nothing writes to a temporary file of a process that lives.
ABANDONED = 86_400.0


@contextlib.contextmanager
def atomic(path: Path | str) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and vanishes otherwise.

    What a killed process left of an earlier try is removed. Raises UserError where there is no room on the disk.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        prefix = f".{path.name}.{socket.gethostname()}-{os.getpid()}-"
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=".part")
    except OSError as error:
        raise _in_words(error, path) from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise _in_words(error, path) from None
    finally:
        temporary.unlink(missing_ok=True)


def _in_words(error: OSError, path: Path) -> Exception:
    if error.errno not in NO_ROOM:
        return error
    reason = os.strerror(error.errno)
    return UserError(f"{path}: cannot be written ({reason}); nothing of it is kept: make room and run it again")


def _remove_abandoned(path: Path) -> None:
    """Remove temporary files for `path` whose process was killed: of this host, or untouched for a day."""
    start = f".{path.name}."
    for entry in os.scandir(path.parent):
        if not (entry.name.startswith(start) and entry.name.endswith(".part")):
            continue
        host, _, process = entry.name[len(start) :].rsplit("-", 1)[0].rpartition("-")
        with contextlib.suppress(OSError):
            dead = host == socket.gethostname() and process.isdigit() and not is_alive(int(process))
            if dead or time.time() - entry.stat().st_mtime > ABANDONED:
                os.unlink(entry.path)


def is_alive(process: int) -> bool:
    """Whether there is a process of this number on this host."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# --- HDF5 -----------------------------------------------------------------------------------------------


class _Sink(io.FileIO):
    """A file that keeps its first error instead of raising it, and from then on writes nothing.

    HDF5 does not survive a disk that fills up while it writes: to close its file fails, and the process then ends by a
    segmentation fault (seen with h5py 3.16 on a full tmpfs, and under `ulimit -f`). It has to believe that all is well.
    """

    error: OSError | None = None

    def write(self, data) -> int:
        view = memoryview(data).cast("B")
        done = 0
        while self.error is None and done < len(view):
            try:
                done += super().write(view[done:])
            except OSError as error:
                self.error = error
        return len(view)

    def truncate(self, size=None) -> int:
        if self.error is None:
            try:
                return super().truncate(size)
            except OSError as error:
                self.error = error
        return size


@contextlib.contextmanager
def create_hdf5(path: Path | str) -> Iterator[h5py.File]:
    """A new HDF5 file, in its place when the block ends well. Raises UserError where the disk has no room for it."""
    with atomic(path) as temporary, _Sink(temporary, "w+b") as sink:
        try:
            with h5py.File(sink, "w", libver=HDF5_FORMAT) as file:
                yield file
        finally:
            if sink.error is not None:  # and whatever HDF5 makes of what it reads back
                raise sink.error
