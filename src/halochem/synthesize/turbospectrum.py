"""One star through Turbospectrum: babsma (continuous opacity), then bsyn (lines and flux)."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from halochem.synthesize import composition
from halochem.synthesize.atmospheres.structure import Structure
from halochem.synthesize.lines import native_list
from halochem.whole_file import is_alive

# Signals that come from outside, as a machine out of memory sends them; the others are the program's own faults.
OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGXCPU}
SCRATCH_LEAST = 2**20  # bytes; with less left than this, a run may have lost some of what it wrote
# Flux above the continuum or below nothing means that the structure or the run is broken: see `check_flux`.
FLUX_MAX, FLUX_MIN = 1.02, 0.0


class SynthesisFailed(Exception):
    """A run that gave no usable spectrum; the message is the reason, for the star's row."""


class Disturbed(Exception):
    """A run that something other than the star put an end to: the same run may go well another time."""


@dataclass(frozen=True)
class Star:
    """What a spectrum depends on."""

    teff: float  # K
    logg: float  # dex, cgs
    feh: float  # dex
    c_fe: float  # dex
    alpha_fe: float  # dex


@dataclass(frozen=True)
class Engine:
    """A compiled Turbospectrum and its data folder."""

    babsma: Path
    bsyn: Path
    data: Path
    # The native build's own ways (fortran/):
    binary_lists: bool = False
    binary_spectrum: bool = False
    continuum_step: float = 0.0  # Å, least spacing of the wavelengths at which babsma computes


def scratch_parent() -> Path | None:
    """Memory for the scratch files where the system has enough (/dev/shm), else the usual temporary folder.

    A star needs some 30 MB; containers often have 64 MB in all, which several stars at a time would overrun.
    """
    shared = Path("/dev/shm")
    roomy = shared.is_dir() and shutil.disk_usage(shared).free > (os.cpu_count() or 1) * 128 * 2**20
    return shared if roomy and os.access(shared, os.W_OK) else None


def scratch_prefix() -> str:
    """How the scratch folders of this process begin: host and process, so that others can tell which are live."""
    return f"halochem-{socket.gethostname()}-{os.getpid()}-"


def remove_stale_scratch() -> None:
    """Remove the scratch folders of processes of this host that were killed before they could do it."""
    host = re.escape(socket.gethostname())
    for folder in Path(scratch_parent() or tempfile.gettempdir()).glob("halochem-*"):
        owner = re.fullmatch(rf"halochem-{host}-(\d+)-\w+", folder.name)
        if owner and not is_alive(int(owner[1])):
            shutil.rmtree(folder, ignore_errors=True)


def run_star(
    engine: Engine,
    star: Star,
    structure: Structure,
    line_lists: list[Path],
    wavelength: tuple[float, float],
    step: float,
    time_limit: float,
) -> np.ndarray:
    """Synthesise one star. Returns its continuum-normalised flux, float64, shape (n,), on `synthesis_grid`.

    `step` [Å] is that at the first wavelength; nothing is convolved yet. Raises SynthesisFailed with the reason, or
    Disturbed; a run past `time_limit` seconds is ended. No file is left behind.
    """
    with _scratch() as work:
        (work / "DATA").symlink_to(engine.data.resolve())
        if structure.spherical:
            structure.write_marcs(work / "model")
        else:
            structure.write_kurucz(work / "model", star.teff, star.logg)
        coarse = max(step, engine.continuum_step)
        common = _common_input(star, wavelength, coarse, structure.spherical)
        _run(engine.babsma, work, common + _babsma_input(star), time_limit)
        _check_equilibrium(work / f"{engine.babsma.name}.log")
        lists = [native_list.heads_of(path) if engine.binary_lists else path for path in line_lists]
        common = _common_input(star, wavelength, step, structure.spherical)
        _run(engine.bsyn, work, common + _bsyn_input(lists, structure.spherical), time_limit)
        return _read_spectrum(work / "spectrum", work / f"{engine.bsyn.name}.log", engine.binary_spectrum)


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for one star. Whatever came out of a full one is not to be trusted: raises Disturbed."""
    with tempfile.TemporaryDirectory(prefix=scratch_prefix(), dir=scratch_parent()) as folder:
        fault: Exception | None = None
        try:
            yield Path(folder)
        except (SynthesisFailed, OSError) as error:
            fault = error
        if shutil.disk_usage(folder).free < SCRATCH_LEAST:
            raise Disturbed(f"no space left in {Path(folder).parent}, where its scratch files lie") from None
        if fault is not None:
            raise fault


def _common_input(star: Star, wavelength: tuple[float, float], step: float, spherical: bool) -> list[str]:
    elements = composition.abundances(star.feh, star.c_fe, star.alpha_fe)
    return [
        # To the last digit, or a step of 1/32 Å would give another number of points than the caller counts.
        f"'LAMBDA_MIN:' '{float(wavelength[0])!r}'",
        f"'LAMBDA_MAX:' '{float(wavelength[1])!r}'",
        f"'LAMBDA_STEP:' '{float(step)!r}'",
        "'MODELINPUT:' 'model'",
        f"'MARCS-FILE:' '.{str(spherical).lower()}.'",
        "'MODELOPAC:' 'opacity'",
        f"'METALLICITY:' '{star.feh:.4f}'",
        f"'ALPHA/Fe:' '{star.alpha_fe:.4f}'",
        "'HELIUM:' '0.0'",
        "'R-PROCESS:' '0.0'",
        "'S-PROCESS:' '0.0'",
        f"'INDIVIDUAL ABUNDANCES:' '{len(elements)}'",
        *(f"{number} {value:.4f}" for number, value in elements.items()),
    ]


def _babsma_input(star: Star) -> list[str]:
    return ["'XIFIX:' 'T'", f"{composition.microturbulence(star.teff, star.logg):.4f}"]


def _bsyn_input(line_lists: list[Path], spherical: bool) -> list[str]:
    titanium = composition.TITANIUM_FRACTIONS
    return [
        "'INTENSITY/FLUX:' 'Flux'",
        "'COS(THETA):' '1.00'",
        "'ABFIND:' '.false.'",
        "'RESULTFILE:' 'spectrum'",
        f"'ISOTOPES:' '{len(titanium)}'",
        *(f"22.{mass:03d} {fraction:.4f}" for mass, fraction in titanium.items()),
        f"'NFILES:' '{len(line_lists) + 1}'",
        "DATA/Hlinedata",
        *(str(path.resolve()) for path in line_lists),
        # The five rows that follow SPHERICAL are read whether or not it is true.
        f"'SPHERICAL:' '{'T' if spherical else 'F'}'",
        "30",
        "300.00",
        "15",
        "1.30",
    ]


def _run(program: Path, work: Path, rows: list[str], time_limit: float) -> None:
    log = work / f"{program.name}.log"
    with open(log, "w", encoding="ascii", errors="replace") as output:
        try:
            run = subprocess.run(
                [program.resolve()],
                cwd=work,
                input=("\n".join(rows) + "\n").encode(),
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=time_limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SynthesisFailed(f"{program.name}: ended after {time_limit:g} s") from None
        except OSError as error:
            raise Disturbed(f"{program}: cannot be run ({error.strerror})") from None
    if -run.returncode in OUTSIDE:
        raise Disturbed(f"{program.name}: killed from outside (signal {-run.returncode})")
    if run.returncode:
        end = f"signal {-run.returncode}" if run.returncode < 0 else f"exit status {run.returncode}"
        raise SynthesisFailed(f"{program.name}: {end}: {_last_words(log)}")


def _check_equilibrium(log: Path) -> None:
    """babsma ends as if all were well where its molecular equilibrium diverges (cool giants with C/O near 1)."""
    text = log.read_text(encoding="ascii", errors="replace")
    fault = re.search(r"eqmol not converged.*\n\s*T=\s*([\d.]+)", text)
    if fault:
        raise SynthesisFailed(f"babsma: no molecular equilibrium at {float(fault[1]):.0f} K (met with C/O near 1)")


def _last_words(log: Path) -> str:
    rows = [row.strip() for row in log.read_text(encoding="ascii", errors="replace").splitlines() if row.strip()]
    telling = [row for row in rows if "stop" in row.lower() or "error" in row.lower()]
    return (telling or rows or ["no output"])[-1][:120]


def synthesis_grid(first: float, step: float, n_points: int, geometric: bool) -> np.ndarray:
    """The wavelengths [Å] at which a run computes: float64, shape (n_points,).

    Turbospectrum prints them too roughly to integrate over. `geometric`: the steps of the native build, which grow
    in proportion to the wavelength from `step` at `first`; else constant ones.
    """
    steps = np.arange(n_points) * step
    return first * np.exp(steps / first) if geometric else first + steps


def _read_spectrum(path: Path, log: Path, binary: bool) -> np.ndarray:
    if not path.is_file() or not path.stat().st_size:
        raise SynthesisFailed(f"bsyn: no spectrum written: {_last_words(log)}")
    if binary:
        return np.fromfile(path, np.float32).astype(float)
    try:
        return pd.read_csv(path, sep=r"\s+", header=None, usecols=[1], dtype=float).to_numpy()[:, 0]
    except (ValueError, pd.errors.ParserError):
        raise SynthesisFailed("bsyn: the spectrum holds something that is no number") from None


def check_flux(flux: np.ndarray) -> None:
    """Raise SynthesisFailed unless a normalised flux is finite and within 0 and 1.02."""
    if not np.isfinite(flux).all():
        raise SynthesisFailed("flux is not finite")
    if flux.max() > FLUX_MAX or flux.min() < FLUX_MIN:
        raise SynthesisFailed(f"flux from {flux.min():.3f} to {flux.max():.3f}, expected 0 to {FLUX_MAX}")
