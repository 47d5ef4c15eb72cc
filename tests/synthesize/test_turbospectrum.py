"""Turbospectrum itself on short ranges, and what becomes of a run that fails."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from halochem.synthesize import turbospectrum
from halochem.synthesize.atmospheres.c3k import C3K
from halochem.synthesize.lines import native_list
from halochem.synthesize.lines.moog import convert
from halochem.synthesize.lines.species import from_moog
from halochem.synthesize.turbospectrum import (
    Disturbed,
    Engine,
    Star,
    SynthesisFailed,
    check_flux,
    run_star,
    scratch_parent,
    synthesis_grid,
)

SUN = Star(5777.0, 4.44, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def solar_structure(installation):
    structure = C3K(installation.c3k)(SUN.teff, SUN.logg, SUN.feh, SUN.alpha_fe)
    structure.check()
    return structure


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """An empty folder for scratch files; the test sees what is left in it."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("halochem.synthesize.turbospectrum.scratch_parent", lambda: folder)
    return folder


# --- real runs ------------------------------------------------------------------------------------------

# Weak Fe I lines all alike (excitation 4.5 eV, log gf -1.2), alone in the list, over a range where steps of constant
# velocity and of constant wavelength part by thousands of points.
LINES = np.array([5010.0, 5123.4, 5250.0, 5377.77, 5490.0])


@pytest.mark.parametrize("build", ["native", pytest.param("reference", marks=pytest.mark.slow)])
def test_lines_stand_where_the_list_has_them(installation, solar_structure, scratch, tmp_path, build):
    """By their centres of gravity; this holds the native build's steps of constant velocity to their formula too."""
    lines = convert(from_moog("26.0"), LINES, np.full(5, 4.5), np.full(5, -1.2))
    native_list.write([lines], tmp_path / "five", "five lines")
    first, last, step = 5000.0, 5500.0, 0.03
    engine = installation.builds[build]
    flux = run_star(engine, SUN, solar_structure, [tmp_path / "five"], (first, last), step, 300)
    wavelength = synthesis_grid(first, step, len(flux), geometric=build == "native")
    assert wavelength[-1] == pytest.approx(last, abs=0.04)
    depth = 1 - flux
    for line in LINES:
        near = np.abs(wavelength - line) < 1.0
        width = np.trapezoid(depth[near], wavelength[near])
        centre = np.trapezoid((depth * wavelength)[near], wavelength[near]) / width
        assert centre == pytest.approx(line, abs=0.003)
        assert 0.01 < width < 0.15  # Å of equivalent width
        assert depth[near].max() > 0.1
    away = np.min(np.abs(wavelength[:, None] - LINES), axis=1) > 3
    assert np.abs(depth[away]).max() < 0.01  # of hydrogen's far wings, and nothing else
    assert not list(scratch.iterdir())


@pytest.mark.slow
def test_program_that_stops_says_why(installation, solar_structure, scratch, tmp_path):
    """Turbospectrum's own last words become the star's reason."""
    (tmp_path / "broken").write_text("'  26.000             ' 1 2\n'Fe I'\n no line at all\n")
    with pytest.raises(SynthesisFailed, match=r"bsyn_lu: (exit status \d+|signal \d+): .{5,120}$"):
        run_star(
            installation.builds["native"], SUN, solar_structure, [tmp_path / "broken"], (5000.0, 5010.0), 0.03, 300
        )
    assert not list(scratch.iterdir())


@pytest.mark.slow
def test_star_without_molecular_equilibrium_says_so(installation, scratch, tmp_path):
    """A halo star with C/O = 0.97 that babsma gives up, ending as if all were well."""
    star = Star(3192.529, 2.843439, -0.46935, 0.561057, 0.313148)
    structure = C3K(installation.c3k)(star.teff, star.logg, star.feh, star.alpha_fe)
    lines = convert(from_moog("26.0"), LINES, np.full(5, 4.5), np.full(5, -1.2))
    native_list.write([lines], tmp_path / "five", "five lines")
    with pytest.raises(SynthesisFailed, match="babsma: no molecular equilibrium at 1864 K"):
        run_star(installation.builds["native"], star, structure, [tmp_path / "five"], (5000.0, 5010.0), 0.03, 300)
    assert not list(scratch.iterdir())


# --- programs that are not Turbospectrum: what becomes of their failures ---------------------------------


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def failure(solar_structure, scratch, tmp_path):
    """The reason that a star gets from these two programs; nothing may be left in the scratch folder."""

    def failure(babsma: Path, bsyn: Path, time_limit: float = 60.0, expected=SynthesisFailed) -> str:
        engine = Engine(babsma, bsyn, tmp_path)
        with pytest.raises(expected) as caught:
            run_star(engine, SUN, solar_structure, [], (5000.0, 5010.0), 0.03, time_limit)
        assert not list(scratch.iterdir())
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return failure


FALSE, TRUE = (Path(shutil.which(name) or "") for name in ("false", "true"))


def test_exit_status_of_either_program(failure):
    assert failure(FALSE, TRUE) == "false: exit status 1: no output"
    assert failure(TRUE, FALSE) == "false: exit status 1: no output"


def test_last_telling_row_of_the_log(failure, tmp_path):
    program = script(tmp_path / "babsma_lu", "echo reading; echo ' ERROR in model'; echo done; exit 3")
    assert failure(program, TRUE) == "babsma_lu: exit status 3: ERROR in model"
    long = script(tmp_path / "bsyn_lu", f"echo {'x' * 500} >&2; exit 4")
    assert failure(TRUE, long) == f"bsyn_lu: exit status 4: {'x' * 120}"


def test_crash(failure, tmp_path):
    assert failure(TRUE, script(tmp_path / "bsyn_lu", "kill -SEGV $$")) == "bsyn_lu: signal 11: no output"


def test_run_past_the_time_limit_is_ended(failure, tmp_path):
    pid = tmp_path / "pid"
    slow = script(tmp_path / "babsma_lu", f"echo $$ > {pid}; exec sleep 60")
    assert failure(slow, TRUE, time_limit=0.5) == "babsma_lu: ended after 0.5 s"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_program_that_is_missing_or_no_program(failure, tmp_path):
    """No fault of the star, which must not be recorded as failed."""
    reason = failure(tmp_path / "none", TRUE, expected=Disturbed)
    assert reason == f"{tmp_path}/none: cannot be run (No such file or directory)"
    (tmp_path / "text").write_text("hello")
    assert "text: cannot be run" in failure(tmp_path / "text", TRUE, expected=Disturbed)


@pytest.mark.parametrize("name", ["KILL", "TERM", "INT"])
def test_program_killed_from_outside(failure, tmp_path, name):
    killed = script(tmp_path / "bsyn_lu", f"kill -{name} $$")
    number = getattr(signal, f"SIG{name}").value
    assert failure(TRUE, killed, expected=Disturbed) == f"bsyn_lu: killed from outside (signal {number})"


def test_program_that_writes_no_spectrum(failure, tmp_path):
    assert failure(TRUE, TRUE) == "bsyn: no spectrum written: no output"
    assert failure(TRUE, script(tmp_path / "bsyn_lu", "touch spectrum")).startswith("bsyn: no spectrum written")


def test_spectrum_of_something_else_than_numbers(failure, tmp_path):
    stars = script(tmp_path / "bsyn_lu", "echo '5000.00 *********' > spectrum")
    assert failure(TRUE, stars) == "bsyn: the spectrum holds something that is no number"
    short = script(tmp_path / "bsyn_lu", "echo '5000.00' > spectrum")
    assert failure(TRUE, short) == "bsyn: the spectrum holds something that is no number"


def test_programs_get_their_input_and_the_data(solar_structure, scratch, tmp_path):
    """What the programs are told: range and step to the last digit, abundances, isotopes, lists by absolute path."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "Hlinedata").write_text("here")
    keep = tmp_path / "kept"
    keep.mkdir()
    babsma = script(tmp_path / "babsma_lu", f"cat > {keep}/babsma; cp model {keep}; cat DATA/Hlinedata > {keep}/data")
    bsyn = script(tmp_path / "bsyn_lu", f"cat > {keep}/bsyn; echo '5000.0 0.5 1' > spectrum")
    star = Star(5000.0, 3.0, -1.5, 1.0, 0.4)
    flux = run_star(
        Engine(babsma, bsyn, tmp_path / "data"), star, solar_structure, [tmp_path / "l"], (4321.1, 4400.0), 1 / 32, 9
    )
    assert flux.tolist() == [0.5]
    told = {name: (keep / name).read_text().splitlines() for name in ("babsma", "bsyn")}
    for rows in told.values():
        assert rows[:3] == ["'LAMBDA_MIN:' '4321.1'", "'LAMBDA_MAX:' '4400.0'", "'LAMBDA_STEP:' '0.03125'"]
        count = rows.index("'INDIVIDUAL ABUNDANCES:' '83'")
        abundances = dict(row.split() for row in rows[count + 1 : count + 84])
        assert (abundances["1"], abundances["2"]) == ("12.0000", "10.9300")
        assert (abundances["6"], abundances["12"], abundances["26"]) == ("7.9300", "6.5000", "6.0000")
    assert told["babsma"][-2] == "'XIFIX:' 'T'"
    assert float(told["babsma"][-1]) == pytest.approx(1.115)  # km/s, worked in test_composition.py
    assert told["bsyn"].index("22.047 0.4430") > told["bsyn"].index("'ISOTOPES:' '4'")
    lists = told["bsyn"].index("'NFILES:' '2'")
    assert told["bsyn"][lists + 1 : lists + 3] == ["DATA/Hlinedata", str(tmp_path / "l")]
    assert (keep / "model").read_text().startswith("TEFF    5000.  GRAVITY  3.0000 LTE\n")
    assert (keep / "data").read_text() == "here"
    assert not list(scratch.iterdir())


def test_scratch_folder_is_in_memory_or_the_usual_one():
    parent = scratch_parent()
    assert parent is None or (parent == Path("/dev/shm") and os.access(parent, os.W_OK))
    with tempfile.TemporaryDirectory(prefix="halochem-", dir=parent) as folder:
        assert Path(folder).is_dir()


def test_scratch_of_a_killed_process_is_removed_and_that_of_a_live_one_is_not(monkeypatch, tmp_path):
    monkeypatch.setattr(turbospectrum, "scratch_parent", lambda: tmp_path)
    ended = subprocess.Popen(["true"])
    ended.wait()
    mine = turbospectrum.scratch_prefix()
    dead = mine.replace(f"-{os.getpid()}-", f"-{ended.pid}-")
    elsewhere = f"halochem-another.host-{ended.pid}-"
    for prefix in (mine, dead, elsewhere):
        (tmp_path / f"{prefix}abc").mkdir()
        (tmp_path / f"{prefix}abc" / "model").touch()
    turbospectrum.remove_stale_scratch()
    assert {path.name for path in tmp_path.iterdir()} == {f"{mine}abc", f"{elsewhere}abc"}


# --- the flux and its grid ------------------------------------------------------------------------------


def test_grids_by_hand():
    assert synthesis_grid(4000.0, 0.5, 4, geometric=False).tolist() == [4000.0, 4000.5, 4001.0, 4001.5]
    grid = synthesis_grid(4000.0, 0.04, 3, geometric=True)
    assert grid == pytest.approx([4000.0, 4000.0400002, 4000.0800008], abs=1e-9)  # 4000 exp(1e-5), exp(2e-5)
    velocity = np.diff(np.log(synthesis_grid(4000.0, 0.03, 200_000, geometric=True)))
    assert velocity == pytest.approx(0.03 / 4000.0, rel=1e-6)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.nan, "flux is not finite"),
        (np.inf, "flux is not finite"),
        (1.021, r"flux from 0\.500 to 1\.021, expected 0 to 1\.02"),
        (-0.001, r"flux from -0\.001 to 0\.500"),
    ],
)
def test_impossible_flux_is_refused(value, words):
    flux = np.full(100, 0.5)
    flux[50] = value
    with pytest.raises(SynthesisFailed, match=words):
        check_flux(flux)


def test_possible_flux_passes():
    check_flux(np.array([0.0, 0.5, 1.0, 1.02]))
