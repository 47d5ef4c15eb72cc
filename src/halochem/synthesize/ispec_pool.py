"""Processes that run iSpec, kept from star to star, ended when they take too long, started anew when they die."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from halochem.errors import UserError
from halochem.synthesize.turbospectrum import SynthesisFailed, remove_stale_scratch, scratch_parent, scratch_prefix

SCRIPT = Path(__file__).with_name("ispec_worker.py")
# Compiling iSpec's three modules and reading a list of some 100 000 lines take half a minute to two minutes.
START_LIMIT = 900.0


class WorkerDied(SynthesisFailed):
    """A worker that ended in the middle of a star: another one may do it."""


def interpreter(configured: Path | None) -> Path:
    """The Python that runs iSpec: synthesis.ispec_python, else $ISPEC_PYTHON, else this one. Raises UserError."""
    named = configured or os.environ.get("ISPEC_PYTHON")
    if not named:
        return Path(sys.executable)
    path = Path(named).expanduser().absolute()  # not resolved: a virtual environment's python is a link
    if not os.access(path, os.X_OK) or path.is_dir():
        origin = "synthesis.ispec_python" if configured else "$ISPEC_PYTHON"
        raise UserError(f"{path}: no such program ({origin}); set it to the Python that has iSpec's packages")
    return path


def check_interpreter(python: Path) -> str:
    """The version of an interpreter that has what iSpec imports; raises UserError for one that has not."""
    try:
        run = subprocess.run(
            [python, SCRIPT, "--versions"], capture_output=True, text=True, timeout=60, check=True, cwd="/"
        )
        answer = json.loads(run.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise UserError(f"{python}: cannot be run as a Python ({type(error).__name__}); {_help()}") from None
    if answer["fault"]:
        raise UserError(f"{python}: {answer['fault']}; {_help()}")
    return answer["python"]


def _help() -> str:
    return "set synthesis.ispec_python or $ISPEC_PYTHON to one that has iSpec's packages (docs/ispec.md)"


class Closed(Exception):
    """The pool was closed while a star was computed."""


class Worker:
    """One process that runs iSpec, in a session and a folder of its own."""

    def __init__(self, command: list[str], settings: dict[str, Any], shared: Path) -> None:
        """Start it and wait until it is ready. Raises UserError with what is wrong with the user's iSpec."""
        self._shared = shared
        self._private = Path(tempfile.mkdtemp(dir=shared, prefix="worker-"))
        self._said = bytearray()
        with open(self._private / "stderr", "wb") as stderr:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                # A group that can be ended whole, with the bsyn in it, and that Ctrl-C does not reach.
                start_new_session=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                cwd=self._private,
            )
        self.end = weakref.finalize(self, _end, self._process, self._private)
        try:
            answer = self._ask({**settings, "shared": str(shared), "private": str(self._private)}, START_LIMIT)
        except SynthesisFailed as failure:
            self.end()
            raise UserError(f"iSpec could not be started: {failure}") from None
        if "fault" in answer:
            self.end()
            raise UserError(f"{command[0]}: {answer['fault']}; {_help()}")
        self.ready = answer["ready"]

    def run(self, star: dict[str, float], time_limit: float) -> tuple[np.ndarray, str]:
        """Flux of all pieces, one after the other (float64, shape (n,)), and the note on the atmosphere.

        Raises SynthesisFailed with the reason, after ending the worker where a piece is past `time_limit` [s] or the
        worker dead.
        """
        out = self._private / "flux.npy"
        answer = self._ask({"star": star, "out": str(out)}, time_limit)
        if "failed" in answer:
            raise SynthesisFailed(answer["failed"])
        flux = np.load(out, allow_pickle=False)
        out.unlink()
        return flux, answer["note"]

    @property
    def alive(self) -> bool:
        """Whether it can be given another star."""
        return self.end.alive and self._process.poll() is None

    def _ask(self, message: dict[str, Any], time_limit: float) -> dict[str, Any]:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has died: the answer says so
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        while True:
            row = self._read_row(time.monotonic() + time_limit)
            if row is None:
                self.end()
                raise SynthesisFailed(f"iSpec: ended after {time_limit:g} s")
            if not row:
                reason = self._last_words()
                self.end()
                raise WorkerDied(f"iSpec: its process ended: {reason}")
            answer = json.loads(row)
            if "piece" not in answer:  # which begins the time of the next
                return answer

    def _read_row(self, deadline: float) -> bytes | None:
        """The next row that the worker writes; b"" if it has ended, None past the deadline."""
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        while b"\n" not in self._said:
            poll = select.poll()  # unlike select.select, takes any file number
            poll.register(handle, select.POLLIN | select.POLLHUP)
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                return None
            read = os.read(handle, 65536)
            if not read:
                return b""
            self._said += read
        row, _, rest = bytes(self._said).partition(b"\n")
        self._said = bytearray(rest)
        return row

    def _last_words(self) -> str:
        status = self._process.wait()
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        rows = (self._private / "stderr").read_text(encoding="utf-8", errors="replace").split("\n")
        return f"{how}: {next((row.strip() for row in reversed(rows) if row.strip()), 'no output')[:120]}"


def _end(process: subprocess.Popen, private: Path) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    # The pipes close with the last reference to the process: another thread may still read from one.
    # A grandchild that was writing may be a moment behind.
    for _ in range(20):
        shutil.rmtree(private, ignore_errors=True)
        if not private.exists():
            return
        time.sleep(0.05)


class Pool:
    """As many workers as there are callers at a time. What all of them share is made once, in one folder."""

    def __init__(self, command: list[str], settings: dict[str, Any]) -> None:
        """`command` runs ispec_worker.py. The first worker is started at once: raises UserError if it cannot be."""
        self._command, self._settings = command, settings
        remove_stale_scratch()
        self._shared = Path(tempfile.mkdtemp(prefix=scratch_prefix(), dir=scratch_parent()))
        self._remove = weakref.finalize(self, shutil.rmtree, self._shared, ignore_errors=True)
        self._closed = False
        self._all: weakref.WeakSet[Worker] = weakref.WeakSet()
        # The first compiles and converts; those after it find that done, but must not meet it half done.
        self._starting = threading.Lock()
        self._idle: queue.LifoQueue[Worker] = queue.LifoQueue()
        try:
            first = self._start()
        except BaseException:
            self.close()
            raise
        self.ready = first.ready
        self._idle.put(first)

    def _start(self) -> Worker:
        with self._starting:
            if self._closed:
                raise Closed
            worker = Worker(self._command, self._settings, self._shared)
            self._all.add(worker)
            return worker

    def run(self, star: dict[str, float], time_limit: float) -> tuple[np.ndarray, str]:
        """One star by a worker that is free, or by a new one; from any thread. Raises SynthesisFailed."""
        try:
            worker = self._idle.get_nowait()
        except queue.Empty:
            worker = self._new()
        if not worker.alive:
            worker.end()
            worker = self._new()
        try:
            return worker.run(star, time_limit)
        except (SynthesisFailed, OSError):  # the worker's folder may be gone, too
            if self._closed:  # no fault of the star, which must not be recorded as failed
                raise Closed from None
            raise
        finally:
            if worker.alive:
                self._idle.put(worker)

    def close(self) -> None:
        """End all workers, also those at work, and remove their folder."""
        self._closed = True
        for worker in list(self._all):
            worker.end()
        self._remove()

    def _new(self) -> Worker:
        try:
            return self._start()
        except UserError as error:  # the first one started: this is no fault of the configuration
            raise WorkerDied(str(error)) from None
