"""A chunk of stars: the job of the synthesis. Each star ends with a status, and a killed job goes on where it was."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import signal
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import h5py
import numpy as np
import pandas as pd

from halochem import progress
from halochem.errors import UserError
from halochem.files import (
    LABELS,
    SCHEMA_VERSION,
    STAR_LABELS,
    STATUS_FAILED,
    STATUS_MEANING,
    STATUS_OK,
    STATUS_RETRIED,
    atomic,
)
from halochem.synthesize.turbospectrum import Disturbed, Star, SynthesisFailed
from halochem.whole_file import create_hdf5

log = logging.getLogger("halochem")

# Rows of a stored block: with shuffled bytes several compress better and faster than one.
BLOCK_ROWS = 16
# Runs of one star that are killed, or meet a full disk, before the job gives up: such a star has not failed.
DISTURBED_MOST = 3


@dataclass(frozen=True)
class Spectrum:
    """One star's clean spectrum on the pixels, and how it came to be."""

    flux: np.ndarray  # (p,) float32, continuum = 1; NaN for a failed star
    status: int  # of files.STATUS_*
    reason: str  # why the first try, or both, failed; "" when all went well
    out_of_grid: bool  # atmosphere taken at the nearest edge of its grid
    note: str  # which label was clipped to which edge


@dataclass(frozen=True)
class Spectra:
    """Clean spectra of n stars; what `Spectrum` is to one."""

    flux: np.ndarray  # (n, p) float32
    status: np.ndarray  # (n,) uint8
    reason: list[str]
    out_of_grid: np.ndarray  # (n,) bool
    note: list[str]


class ManyAtOnce(Protocol):
    """An engine that is fast only when it does many stars at once."""

    def synthesize_many(self, labels: pd.DataFrame) -> Spectra:
        """All stars of a label table (its index: their rows). Raises UserError for a star that it cannot do."""


# star, safe (the second try) -> flux on the pixels, whether out of the grid, note. Raises SynthesisFailed, Disturbed.
Synthesiser = Callable[[Star, bool], tuple[np.ndarray, bool, str]]


def compute(star: Star, synthesiser: Synthesiser, n_pixels: int) -> Spectrum:
    """One star, tried once more with the safe setting if the first try fails, then recorded as failed.

    What is disturbed from outside is no try. Raises UserError where that goes on: the star's spectrum is not known.
    """
    reasons = []
    for safe in (False, True):
        try:
            flux, out_of_grid, note = _undisturbed(star, safe, synthesiser)
        except SynthesisFailed as failure:
            reasons.append(str(failure))
            continue
        status = STATUS_RETRIED if safe else STATUS_OK
        return Spectrum(flux.astype(np.float32), status, "; ".join(reasons), out_of_grid, note)
    reason = reasons[0] if reasons[0] == reasons[1] else f"{reasons[0]}; then, safe setting: {reasons[1]}"
    return Spectrum(np.full(n_pixels, np.nan, np.float32), STATUS_FAILED, reason, False, "")


def _undisturbed(star: Star, safe: bool, synthesiser: Synthesiser) -> tuple[np.ndarray, bool, str]:
    for left in reversed(range(DISTURBED_MOST)):
        try:
            return synthesiser(star, safe)
        except Disturbed as disturbance:
            log.warning("%s: %s", star, disturbance)
            if not left:
                raise UserError(f"{disturbance}, {DISTURBED_MOST} times for {star}; the stars done are kept") from None
    raise AssertionError


def rows_of_chunk(n_stars: int, chunk_size: int, chunk: int) -> range:
    """The rows of the label table that chunk number `chunk` (from 0) holds. Raises UserError past the last."""
    chunks = -(-n_stars // chunk_size)
    if not 0 <= chunk < chunks:
        raise UserError(f"--chunk {chunk}: {n_stars} stars at {chunk_size} a chunk make chunks 0 to {chunks - 1}")
    return range(chunk * chunk_size, min((chunk + 1) * chunk_size, n_stars))


def run(
    labels: pd.DataFrame,
    rows: range,
    synthesiser: Synthesiser,
    wavelength: np.ndarray,
    settings: dict[str, str],
    out: Path,
    jobs: int = 1,
) -> None:
    """Compute the stars in `rows` of `labels` and write them to `out` (HDF5), `jobs` of them at a time.

    Finished stars are kept beside `out` until all are done, so that a killed run resumes; `settings` (what the
    spectra depend on beside the labels) becomes the file's attributes, and stars kept under others are not used.
    """
    kept = out.with_name(out.name + ".partial")
    kept.mkdir(parents=True, exist_ok=True)
    key = json.dumps(settings, sort_keys=True)
    stars = {row: _star(labels, row) for row in rows}
    files = {row: kept / f"{row}-{_digest(key, star)}.npz" for row, star in stars.items()}
    # In memory from here on: another run of this chunk, as a killed Snakemake leaves behind, may clear the folder.
    done = {row: spectrum for row in rows if (spectrum := _load(files[row])) is not None}
    todo = [row for row in rows if row not in done]
    if done:
        log.info("%d of %d stars were done before", len(done), len(rows))

    def work(row: int) -> None:
        done[row] = compute(stars[row], synthesiser, len(wavelength))
        with suppress(FileNotFoundError):  # the folder was cleared meanwhile
            _keep(files[row], done[row])

    with _terminable(), ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(work, row) for row in todo]
        try:
            for future in progress.track(as_completed(futures), len(todo), "stars"):
                future.result()
        except BaseException:
            # iSpec runs out of reach of Ctrl-C; the star at work there would be waited for.
            getattr(synthesiser, "close", lambda: None)()
            pool.shutdown(cancel_futures=True)
            raise
    spectra = _stack([done[row] for row in rows])
    _write(out, labels.iloc[rows.start : rows.stop], spectra, wavelength, settings, rows.start)
    shutil.rmtree(kept, ignore_errors=True)


@contextmanager
def _terminable() -> Iterator[None]:
    """A scheduler's TERM ends the work as an interrupt does: the stars at hand are finished, no file is left over."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def run_at_once(
    labels: pd.DataFrame,
    rows: range,
    engine: ManyAtOnce,
    wavelength: np.ndarray,
    settings: dict[str, str],
    out: Path,
) -> None:
    """What `run` does, by an engine that takes all stars of the chunk at once; nothing is kept for a second run."""
    mine = labels.iloc[rows.start : rows.stop]
    _write(out, mine, engine.synthesize_many(mine), wavelength, settings, rows.start)


def _stack(spectra: list[Spectrum]) -> Spectra:
    return Spectra(
        np.stack([spectrum.flux for spectrum in spectra]),
        np.array([spectrum.status for spectrum in spectra], np.uint8),
        [spectrum.reason for spectrum in spectra],
        np.array([spectrum.out_of_grid for spectrum in spectra], bool),
        [spectrum.note for spectrum in spectra],
    )


def _star(labels: pd.DataFrame, row: int) -> Star:
    values = labels.iloc[row]
    return Star(*(float(values[name]) for name in STAR_LABELS))


def _digest(key: str, star: Star) -> str:
    return hashlib.sha256(f"{key}{star}".encode()).hexdigest()[:16]


def _keep(path: Path, spectrum: Spectrum) -> None:
    with atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez(
            file,
            flux=spectrum.flux,
            status=spectrum.status,
            reason=np.array(spectrum.reason),
            out_of_grid=spectrum.out_of_grid,
            note=np.array(spectrum.note),
        )


def _load(path: Path) -> Spectrum | None:
    """A star kept by `_keep`; None where there is none, or a damaged one, which is computed again."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return Spectrum(
                file["flux"],
                int(file["status"]),
                str(file["reason"]),
                bool(file["out_of_grid"]),
                str(file["note"]),
            )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        log.warning("%s: damaged (%s); computed again", path, error)
        return None


def _write(
    out: Path,
    labels: pd.DataFrame,
    spectra: Spectra,
    wavelength: np.ndarray,
    settings: dict[str, str],
    first_row: int,
) -> None:
    text = h5py.string_dtype("utf-8")
    with create_hdf5(out) as file:
        file.attrs.update({"schema_version": SCHEMA_VERSION, **settings, "first_row": str(first_row)})
        file.create_dataset("wavelength", data=wavelength, fletcher32=True).attrs["unit"] = "Angstrom (air)"
        flux = file.create_dataset(
            "flux",
            data=spectra.flux,
            chunks=(min(BLOCK_ROWS, len(labels)), len(wavelength)),
            compression="gzip",
            compression_opts=1,
            shuffle=True,
            fletcher32=True,
        )
        flux.attrs["unit"] = "continuum = 1"
        columns = {
            "star_id": labels["star_id"].to_numpy(object).astype(bytes),
            **{f"labels/{name}": labels[name].to_numpy(float) for name in STAR_LABELS},
            "status": spectra.status,
            "out_of_grid": spectra.out_of_grid,
        }
        for name, data in columns.items():
            file.create_dataset(name, data=data, fletcher32=True)
        for name in STAR_LABELS:
            file["labels"][name].attrs["unit"] = LABELS[name][0]
        file["status"].attrs["meaning"] = STATUS_MEANING
        file.create_dataset("status_reason", data=spectra.reason, dtype=text)
        file.create_dataset("atmosphere_note", data=spectra.note, dtype=text)
    failed, retried = ((spectra.status == status).sum() for status in (STATUS_FAILED, STATUS_RETRIED))
    log.info("%s: %d stars, %d by the second try, %d failed", out, len(labels), retried, failed)
