"""Files whole or not at all: on a full disk, after a killed writer, and beside another writer."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import h5py
import numpy as np
import pytest

from halochem.errors import UserError
from halochem.whole_file import ABANDONED, NO_ROOM, atomic, create_hdf5

# What each kind of file is written with; `limit` bytes is what a file may have.
WRITERS = {
    "hdf5": """
        from halochem.whole_file import create_hdf5
        with create_hdf5(path) as file:
            for name in "abcd":
                file.create_dataset(name, data=np.random.rand(100, 300), chunks=(10, 300), compression="gzip")
    """,
    "tensors": """
        import torch
        from safetensors.torch import save
        from halochem.whole_file import atomic
        with atomic(path) as temporary:
            temporary.write_bytes(save({"a": torch.rand(100000)}))
    """,
    "arrays": """
        from halochem.whole_file import atomic
        with atomic(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, a=np.random.rand(100000))
    """,
    "parquet": """
        import pyarrow as pa, pyarrow.parquet as pq
        from halochem.whole_file import atomic
        with atomic(path) as temporary:
            pq.write_table(pa.table({"a": np.random.rand(100000)}), temporary)
    """,
}
HEAD = """
import resource, sys
from pathlib import Path
import numpy as np
from halochem.errors import UserError
path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
{body}
except UserError as error:
    sys.exit(f"{{error}}")
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("limit", [0, 10_000, 100_000])
def test_no_room(tmp_path, kind, limit):
    """In a process of its own, which HDF5 alone would end by a segmentation fault."""
    path = tmp_path / "file"
    path.write_text("before")
    script = HEAD.format(body=textwrap.indent(textwrap.dedent(WRITERS[kind]), "    "))
    result = subprocess.run(
        [sys.executable, "-c", script, str(path), str(limit)], capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 1, result.stderr
    words = "cannot be written (File too large); nothing of it is kept: make room and run it again"
    assert result.stderr == f"{path}: {words}\n"
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["file"]


def test_hdf5_file_is_as_h5py_writes_it(tmp_path):
    data = np.random.default_rng(1).random((50, 40)).astype(np.float32)
    with create_hdf5(tmp_path / "ours") as file:
        file.attrs["name"] = "value"
        file.create_dataset("a", data=data, chunks=(8, 40), compression="gzip", shuffle=True, fletcher32=True)
        file["a"][10] = 0
    data[10] = 0
    with h5py.File(tmp_path / "ours") as file:
        assert file.attrs["name"] == "value"
        assert np.array_equal(file["a"][:], data)


def test_fault_of_the_body_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), create_hdf5(tmp_path / "file") as file:
        file["a"] = 1 / 0
    assert not os.listdir(tmp_path)


def abandoned(folder: Path, host: str, process: int) -> Path:
    path = folder / f".file.{host}-{process}-abc_1.part"
    path.write_text("half")
    return path


def test_what_a_killed_writer_left_is_removed(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    host = socket.gethostname()
    dead = abandoned(tmp_path, host, gone.pid)
    old = abandoned(tmp_path, "elsewhere-7", gone.pid)
    os.utime(old, (0, old.stat().st_mtime - ABANDONED - 1))
    alive = [abandoned(tmp_path, "elsewhere-8", gone.pid), abandoned(tmp_path, host, os.getpid())]
    other = tmp_path / f".file2.{host}-{gone.pid}-abc_1.part"
    other.write_text("of another file")
    with atomic(tmp_path / "file") as temporary:
        temporary.write_text("whole")
    assert not dead.exists()
    assert not old.exists()
    assert all(path.exists() for path in (*alive, other))
    assert (tmp_path / "file").read_text() == "whole"


def test_other_errors_are_as_they_were(tmp_path):
    with pytest.raises(FileNotFoundError, match="none"), atomic(tmp_path / "file"):
        (tmp_path / "none").read_text()
    (tmp_path / "text").write_text("")
    with pytest.raises(FileExistsError, match="text"), atomic(tmp_path / "text" / "file"):
        pass
    error = OSError(next(iter(NO_ROOM)), "no room")
    with pytest.raises(UserError, match="cannot be written"), atomic(tmp_path / "file"):
        raise error
