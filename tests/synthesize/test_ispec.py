"""Engine ispec: the plan of pieces, refusals by one line, and a real iSpec where there is one ($ISPEC_DIR)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from test_ispec_location import make_ispec

from halochem import config
from halochem.errors import UserError
from halochem.synthesize import chunk, engines, ispec, ispec_input
from halochem.synthesize.instrument import response
from halochem.synthesize.ispec_pool import Closed
from halochem.synthesize.turbospectrum import Star
from halochem.wavelengths import pixel_grid

# --- pieces -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "step", "margin"),
    [
        (4000.0, 10400.0, 0.025, 80.0),
        (4000.0, 10400.0, 0.05, 20.0),
        (5150.0, 5250.0, 0.03, 25.0),
        (4200, 9200, 0.2, 400),
    ],
)
def test_what_is_kept_of_the_pieces_joins_and_no_piece_is_cut_by_ispec(first, last, step, margin):
    pieces = ispec.plan(first, last, step, margin)
    kept = [piece.wavelength[piece.keep] for piece in pieces]
    assert all(piece.wavelength[-1] - piece.first < 1000.0 for piece in pieces)
    joined = np.diff(np.concatenate(kept))
    assert joined.min() > 0.0
    assert joined.max() < 2.1 * max(piece.step for piece in pieces)
    assert kept[0][0] < first - 0.9 * margin
    assert kept[-1][-1] > last + 0.9 * margin


def test_every_kept_point_is_a_margin_away_from_its_pieces_ends():
    """Inside; at the two ends of all, the pixels' range is."""
    margin = 80.0
    pieces = ispec.plan(4000.0, 10400.0, 0.025, margin)
    assert len(pieces) == 8
    for number, piece in enumerate(pieces):
        kept = piece.wavelength[piece.keep]
        low = kept[0] if number else 4000.0
        high = kept[-1] if number < 7 else 10400.0
        assert low - piece.first > margin - 0.1
        assert piece.wavelength[-1] - high > margin - 0.1


def test_first_and_last_points_are_never_kept():
    """iSpec returns 1e-10 there."""
    for wanted in ((4000.0, 10400.0), (5150.0, 5250.0)):
        pieces = ispec.plan(*wanted, 0.025, 80.0)
        assert pieces[0].keep.start >= 2
        assert pieces[-1].keep.stop <= pieces[-1].count - 2


def test_steps_grow_with_wavelength_and_are_whole_in_ispecs_digits():
    pieces = ispec.plan(4000.0, 10400.0, 0.025, 80.0)
    for piece in pieces:
        geometric = 0.025 * piece.first / 3920.0
        assert 0.99 * geometric < piece.step <= geometric + 1e-9
        # In nm, with the digits that iSpec is given: constant to the last of them, or its smallest difference is less.
        steps = np.diff(np.round(piece.first / 10 + piece.step / 10 * np.arange(piece.count), 6))
        assert np.ptp(steps) < 1e-9


def test_spectrograph_takes_the_joined_pieces_as_it_takes_one_run():
    """A curved spectrum through both; the steps differ from piece to piece."""
    pixels = pixel_grid(config.Spectrum(wavelength=(4900.0, 7000.0)))

    def flux(wavelength):
        return 1 - 0.5 * np.exp(-0.5 * ((wavelength - 5939.0) / 8.0) ** 2)

    pieces = ispec.plan(4900.0, 7000.0, 0.05, 40.0)
    joined = np.concatenate([piece.wavelength[piece.keep] for piece in pieces])
    fine = np.arange(4850.0, 7050.0, 0.01)
    expected = response(fine, pixels, 2200.0) @ flux(fine)
    assert expected.min() < 0.6
    assert response(joined, pixels, 2200.0) @ flux(joined) == pytest.approx(expected, abs=2e-6)


# --- refusals ---------------------------------------------------------------------------------------------


def settings(**synthesis) -> config.Config:
    return config.validate({"synthesis": {"engine": "ispec"} | synthesis}, "test")


def the_line(action) -> str:
    with pytest.raises(UserError) as caught:
        action()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"line_list": "/tmp"}, "synthesis.line_list: has no effect with engine: ispec"),
        ({"build": "reference"}, "synthesis.build: has no effect"),
        ({"marcs_dir": "/tmp"}, "synthesis.marcs_dir: has no effect"),
        ({"marcs_dir": "/tmp", "atmospheres": "marcs"}, "synthesis.atmospheres: has no effect"),
        ({"step": 0.005}, "synthesis.step 0.005: iSpec knows no step below 0.01"),
        ({"margin": 450.0}, "synthesis.margin 450: expected at most 400"),
    ],
)
def test_key_that_ispec_would_pass_over_is_refused(keys, expected):
    assert expected in the_line(lambda: engines.check_settings(settings(**keys)))


def make_input(folder: Path) -> Path:
    """An input folder laid out as iSpec's, with two grids."""
    data = folder / "input"
    for name in (
        *("atmospheres/MARCS.GES/parameters.tsv", "atmospheres/ATLAS9.Castelli/parameters.tsv"),
        *("linelists/transitions/VALD.300_1100nm/atomic_lines.tsv", "isotopes/SPECTRUM.lst"),
        "linelists/turbospectrum/molecules/CN_300-1100.bsyn",
    ):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text("a\n")
    solar = data / "abundances" / "Grevesse.2007" / "stdatom.dat"
    solar.parent.mkdir(parents=True)
    rows = [f"{z} {-0.036 if z == 1 else -3.65 if z == 6 else -5.0} 1 0 0 0 0 3" for z in range(1, 100)]
    solar.write_text("head\n" + "\n".join(rows) + "\n")
    return data


def test_default_names_are_found_and_described(tmp_path):
    make_input(make_ispec(tmp_path))
    wanted = settings(ispec_dir=str(tmp_path))
    engines.check_settings(wanted)
    inputs = ispec_input.find_inputs(wanted.synthesis)
    said = ispec_input.description(inputs)
    assert said["engine"] == f"ispec {tmp_path.name}"
    assert (said["atmospheres"], said["line_list"]) == ("MARCS.GES", "VALD.300_1100nm")
    assert said["solar_composition"] == "Grevesse.2007"
    assert len(said["line_list_sha256"]) == 64
    inputs.molecules[0].write_text("b\n")
    assert ispec_input.description(inputs)["line_list_hash"] != said["line_list_hash"]


def test_solar_abundances_are_those_relative_to_hydrogen(tmp_path):
    make_input(tmp_path)
    solar = ispec_input.solar_abundances(tmp_path / "input/abundances/Grevesse.2007/stdatom.dat")
    assert solar[1] == pytest.approx(12.0)
    assert solar[6] == pytest.approx(8.386)
    assert len(solar) == 92


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"ispec_atmospheres": "MARCS"}, "synthesis.ispec_atmospheres: MARCS: no parameters.tsv of that name"),
        ({"ispec_atmospheres": "MARCS.x"}, "there are ATLAS9.Castelli, MARCS.GES"),
        ({"ispec_atmospheres": "../x"}, "synthesis.ispec_atmospheres: string should match pattern"),
        ({"ispec_line_list": "GES"}, "there are VALD.300_1100nm"),
        ({"ispec_abundances": "Asplund.2009"}, "there are Grevesse.2007"),
        ({"ispec_python": "/nowhere/python"}, "/nowhere/python: no such program (synthesis.ispec_python)"),
    ],
)
def test_name_that_is_not_in_the_input_folder_is_refused_with_those_that_are(tmp_path, keys, expected):
    make_input(make_ispec(tmp_path))
    assert expected in the_line(lambda: engines.check_settings(settings(ispec_dir=str(tmp_path), **keys)))


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("", "iSpec's input folder is missing"),
        ("isotopes/SPECTRUM.lst", "iSpec's table of isotopes is missing"),
        ("linelists/turbospectrum/molecules/CN_300-1100.bsyn", "would go on without molecules"),
    ],
)
def test_incomplete_input_folder_is_refused(tmp_path, missing, expected):
    data = make_input(make_ispec(tmp_path))
    if missing:
        (data / missing).unlink()
    else:
        data.rename(tmp_path / "elsewhere")
    assert expected in the_line(lambda: engines.check_settings(settings(ispec_dir=str(tmp_path))))


# --- a real iSpec -----------------------------------------------------------------------------------------

real = pytest.mark.skipif(
    not (os.environ.get("ISPEC_DIR") and os.environ.get("ISPEC_PYTHON")),
    reason="$ISPEC_DIR and $ISPEC_PYTHON are not both set: no iSpec to test with (docs/ispec.md)",
)
# Of benchmarks/synthesis/ispec_input.py: the grid's boxes lie around these.
DWARF, GIANT = Star(6000.0, 4.0, -1.2, 0.3, 0.3), Star(4800.0, 2.6, -0.6, 0.0, 0.2)
OURS = {"ispec_atmospheres": "MARCS.c3k", "ispec_line_list": "halochem", "ispec_abundances": "Asplund.2009"}
RANGE = {"spectrum": {"wavelength": [5860.0, 5920.0]}}


@pytest.fixture(scope="module")
def engine():
    """With our own lists, written into iSpec's input folder by the benchmark's script."""
    if not (Path(os.environ["ISPEC_DIR"]) / "input/linelists/transitions/halochem").is_dir():
        pytest.skip("$ISPEC_DIR/input is not that of benchmarks/synthesis/ispec_input.py; run it")
    values = {**RANGE, "synthesis": {"engine": "ispec", "margin": 40.0, "time_limit": 300.0} | OURS}
    made = engines.make(config.validate(values, "test"), Path("nowhere/engine.json"))
    yield made
    made.close()


@pytest.mark.ispec
@pytest.mark.slow
@real
def test_sodium_lines_of_a_dwarf_without_a_turbospectrum_of_ours(engine):
    flux, out_of_grid, note = engine(DWARF, safe=False)
    wavelength = pixel_grid(config.validate(RANGE, "test").spectrum)
    assert (out_of_grid, note) == (False, "")
    assert flux.shape == wavelength.shape
    assert abs(wavelength[flux.argmin()] - 5893.0) < 5.0  # Na I D
    assert 0.5 < flux.min() < 0.95
    assert flux.max() > 0.99


@pytest.mark.ispec
@pytest.mark.slow
@real
def test_labels_past_the_grid_are_flagged_and_the_abundances_stay(engine):
    beyond = Star(DWARF.teff, 5.6, DWARF.feh, DWARF.c_fe, DWARF.alpha_fe)
    flux, out_of_grid, note = engine(beyond, safe=False)
    assert out_of_grid
    assert "logg" in note
    assert "for 5.6" in note or "closest model copied" in note
    assert 0.3 < flux.min() < flux.max() < 1.01


@pytest.mark.ispec
@pytest.mark.slow
@real
def test_worker_past_its_time_is_ended_and_the_next_star_gets_another(engine, monkeypatch):
    monkeypatch.setattr(engine, "_synthesis", engine._synthesis.model_copy(update={"time_limit": 0.5}))
    spectrum = chunk.compute(GIANT, engine, 1)
    assert spectrum.reason == "iSpec: ended after 0.5 s"
    monkeypatch.undo()
    flux, _, _ = engine(GIANT, safe=False)
    assert np.isfinite(flux).all()


@pytest.mark.ispec
@pytest.mark.slow
@real
def test_line_list_that_ends_within_the_pixels_is_refused():
    values = {"spectrum": {"wavelength": [9000.0, 11000.0]}, "synthesis": {"engine": "ispec"} | OURS}
    line = the_line(lambda: engines.make(config.validate(values, "test"), Path("nowhere")))
    assert "synthesis.ispec_line_list: halochem has lines from 3800 to 10600 Å only" in line


@pytest.mark.ispec
@pytest.mark.slow
@real
def test_nothing_of_the_workers_is_left_behind(engine):
    folder = engine._pool._shared
    assert folder.is_dir()
    engine.close()
    assert not folder.exists()
    with pytest.raises(Closed):
        engine(DWARF, safe=False)
