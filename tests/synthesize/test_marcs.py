"""MARCS atmospheres: the real models, grids written from c3k, edges and holes, and what Turbospectrum makes of them."""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from marcs_writer import on_marcs_depths, write
from test_marcs_grid import ispec_grid

from halochem import config
from halochem.config import Config, Spectrum, Synthesis
from halochem.doctor import checks
from halochem.errors import UserError
from halochem.synthesize import engines
from halochem.synthesize.atmospheres.c3k import C3K
from halochem.synthesize.atmospheres.marcs import Marcs
from halochem.synthesize.instrument import response
from halochem.synthesize.turbospectrum import Star, run_star, synthesis_grid

REFERENCE = Path(os.environ.get("HALOCHEM_REFERENCE_DATA") or Path(__file__).parents[3] / "shared" / "data") / "marcs"
real = pytest.mark.skipif(not REFERENCE.is_dir(), reason=f"no {REFERENCE} (set $HALOCHEM_REFERENCE_DATA)")
WINDOW = (5140.0, 5210.0)
STAR = (5500.0, 4.0, -1.0, 0.2)


@pytest.fixture(scope="module")
def c3k(installation):
    return C3K(installation.c3k)


def write_grid(folder: Path, c3k: C3K, *axes, mass=0.0) -> Path:
    """A model at every place of a grid; teff, logg, feh, alpha_fe."""
    folder.mkdir(exist_ok=True)
    for number, labels in enumerate(itertools.product(*axes)):
        write(folder, labels, c3k(*labels), mass=mass, name=f"{number}.mod")
    return folder


@pytest.fixture(scope="module")
def cell(tmp_path_factory, c3k) -> Marcs:
    """500 K x 0.5 x 0.5 x 0.4 around STAR."""
    axes = ((5250.0, 5750.0), (3.75, 4.25), (-1.25, -0.75), (0.0, 0.4))
    return Marcs(write_grid(tmp_path_factory.mktemp("cell"), c3k, *axes))


def on_depths(structure) -> dict[str, np.ndarray]:
    """Log columns at log tau -4 to 1, where lines and continuum form."""
    depth = np.linspace(-4, 1, 26)
    names = ("temperature", "gas_pressure", "electron_density", "column_mass", "rosseland")
    return {name: np.interp(depth, structure.log_tau, np.log(getattr(structure, name))) for name in names}


# --- real models ----------------------------------------------------------------------------------------


@real
@pytest.mark.parametrize("labels", [(5777, 4.44, 0, 0), (5000, 3.0, 0, 0), (6000, 1.0, 0, 0)])
def test_real_model_comes_back_as_it_is(labels):
    structure = Marcs(REFERENCE)(*labels)
    structure.check()
    assert (structure.out_of_grid, structure.note) == (False, "")
    assert len(structure.temperature) == 53  # of 56, down to log tau = 1.5
    assert structure.spherical == (labels[1] == 1.0)


@real
def test_real_sun_in_numbers():
    """Electron density from the file's pressure: 2.1166e-2 / (1.380649e-16 x 4066.8)."""
    sun = Marcs(REFERENCE)(5777, 4.44, 0, 0)
    assert sun.temperature[0] == pytest.approx(4066.8)
    assert sun.gas_pressure[0] == pytest.approx(266.99)
    assert sun.electron_density[0] == pytest.approx(3.7697e10, rel=1e-4)
    assert sun.column_mass[0] == pytest.approx(9.747804e-3)
    assert sun.rosseland[0] == pytest.approx(1.8399e-3)


# --- interpolation --------------------------------------------------------------------------------------


def test_corner_is_the_file(cell, c3k):
    labels = (5250.0, 4.25, -0.75, 0.4)
    structure, expected = cell(*labels), on_marcs_depths(c3k(*labels))
    assert structure.temperature == pytest.approx(expected["temperature"][: len(structure.temperature)], abs=0.06)
    assert structure.gas_pressure == pytest.approx(expected["gas_pressure"][: len(structure.temperature)], rel=1e-4)


def test_error_of_the_structure_at_the_centre_of_a_cell(cell, c3k, tmp_path):
    """Truth through a file too, for one sums up the same optical depths then."""
    mixed, truth = (on_depths(grid(*STAR)) for grid in (cell, Marcs(write_grid(tmp_path, c3k, *([x] for x in STAR)))))
    largest = {name: np.abs(mixed[name] - truth[name]).max() for name in truth}
    assert largest["temperature"] < 0.008
    assert largest["gas_pressure"] < 0.08
    assert largest["electron_density"] < 0.10
    # Or nothing was interpolated: the nearest corner is ten times as far.
    nearest = on_depths(cell(5250, 3.75, -1.25, 0.0))
    assert np.abs(nearest["temperature"] - truth["temperature"]).max() > 5 * largest["temperature"]


def test_pressures_are_mixed_in_the_log_and_temperature_in_units_of_teff(tmp_path, c3k):
    ends = [(5000.0, 4.0, -1.0, 0.2), (6000.0, 4.0, -1.0, 0.2)]
    grid = Marcs(write_grid(tmp_path, c3k, (5000.0, 6000.0), (4.0,), (-1.0,), (0.2,)))
    (low, high), middle = (grid(*labels) for labels in ends), grid(5250.0, 4.0, -1.0, 0.2)
    n = min(len(s.temperature) for s in (low, high, middle))
    assert middle.gas_pressure[:n] == pytest.approx(low.gas_pressure[:n] ** 0.75 * high.gas_pressure[:n] ** 0.25)
    shares = 0.75 * low.temperature[:n] / 5000 + 0.25 * high.temperature[:n] / 6000
    assert middle.temperature[:n] == pytest.approx(5250 * shares)


def test_layers_are_matched_in_optical_depth(tmp_path, c3k):
    """Models with other layers, as some of the site's: every second one left out of one of two."""
    folder = write_grid(tmp_path, c3k, (5250.0, 5750.0), (4.0,), (-1.0,), (0.2,))
    whole = Marcs(folder)(*STAR)
    path = folder / "1.mod"
    rows = path.read_text().splitlines()
    head, first, middle, second = rows[:25], rows[25:81], rows[81:82], rows[82:]
    head[22] = "  28 Number of depth points"
    path.write_text("\n".join([*head, *first[::2], *middle, *second[::2]]) + "\n")
    sparse = Marcs(folder)(*STAR)
    assert len(sparse.temperature) >= len(whole.temperature) - 2
    n = len(sparse.temperature) - 1
    assert sparse.temperature[:n] == pytest.approx(whole.temperature[:n], rel=0.004)
    assert sparse.gas_pressure[:n] == pytest.approx(whole.gas_pressure[:n], rel=0.01)


def test_ispec_grid_gives_nearly_the_same(tmp_path, cell, c3k):
    points = itertools.product((5250.0, 5750.0), (3.75, 4.25), (-1.25, -0.75), (0.0, 0.4))
    ispec_grid(tmp_path, [(labels, c3k(*labels)) for labels in points])
    ours, theirs = on_depths(cell(*STAR)), on_depths(Marcs(tmp_path)(*STAR))
    assert theirs["temperature"] == pytest.approx(ours["temperature"], abs=0.002)
    assert theirs["gas_pressure"] == pytest.approx(ours["gas_pressure"], abs=0.01)


# --- edges, holes, alpha --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "note"),
    [
        (STAR, ""),
        ((5500.0, 6.0, -1.0, 0.2), "logg 4.25 for 6"),
        ((7000.0, 4.0, -3.0, 0.2), "teff 5750 for 7000, feh -1.25 for -3"),
    ],
)
def test_outside_the_grid_its_nearest_edge(cell, asked, note):
    structure = cell(*asked)
    assert (structure.note, structure.out_of_grid) == (note, bool(note))
    structure.check()


def test_alpha_beyond_the_grid(cell):
    structure = cell(5500.0, 4.0, -1.0, 0.45)
    assert structure.out_of_grid
    assert re.fullmatch(r"feh -0.96 for -1, alpha_fe 0.4 for 0.45", structure.note)


def test_hole_is_reported_and_not_out_of_the_grid(tmp_path, c3k):
    folder = write_grid(tmp_path, c3k, (5250.0, 5500.0, 5750.0), (4.0,), (-1.0,), (0.2,))
    (folder / "1.mod").unlink()
    write(folder, (5500.0, 4.5, -1.0, 0.2), c3k(5500.0, 4.5, -1.0, 0.2), name="other.mod")
    structure = Marcs(folder)(*STAR)
    assert structure.note == "hole in the grid, teff 5250 to 5750"
    assert not structure.out_of_grid


@pytest.fixture(scope="module")
def tied(tmp_path_factory, c3k) -> Marcs:
    """Alpha follows [Fe/H], as in the standard composition."""
    folder = tmp_path_factory.mktemp("tied")
    for number, (teff, feh) in enumerate(itertools.product((5000.0, 5250.0), (-1.0, -0.75, -0.5, -0.25, 0.0))):
        labels = (teff, 4.5, feh, round(-0.4 * feh, 2))
        write(folder, labels, c3k(*labels), name=f"{number}.mod")
    return Marcs(folder)


def test_star_on_the_relation(tied):
    structure = tied(5100, 4.5, -0.6, 0.24)
    assert (structure.note, structure.out_of_grid) == ("", False)


@pytest.mark.parametrize(("alpha_fe", "far"), [(0.3, False), (0.18, False), (0.4, True), (0.0, True), (-0.1, True)])
def test_star_off_the_relation_gets_a_metallicity_that_makes_up_for_alpha(tied, alpha_fe, far):
    structure = tied(5100, 4.5, -0.6, alpha_fe)
    assert structure.out_of_grid == far
    feh, alpha = (float(re.search(rf"{name} (\S+) for", structure.note)[1]) for name in ("feh", "alpha_fe"))
    assert alpha == pytest.approx(-0.4 * feh, abs=0.006)
    assert np.sign(feh + 0.6) == np.sign(alpha_fe - 0.24)
    shift = np.log10(0.5 + 0.5 * 10**alpha_fe) - np.log10(0.5 + 0.5 * 10**alpha)
    assert feh == pytest.approx(-0.6 + shift, abs=0.012)


# --- flux -----------------------------------------------------------------------------------------------


def flux_of(installation, labels, structure, build="native") -> np.ndarray:
    teff, logg, feh, alpha_fe = labels
    lists = [installation.line_lists[name] for name in ("atoms", "molecules")]
    span = (WINDOW[0] - 20, WINDOW[1] + 20)
    flux = run_star(installation.builds[build], Star(teff, logg, feh, 0.0, alpha_fe), structure, lists, span, 0.03, 120)
    wavelength = synthesis_grid(span[0], 0.03, len(flux), geometric=build == "native")
    return response(wavelength, np.arange(*WINDOW, 1.0), 2200.0) @ flux


@pytest.mark.parametrize("labels", [(5500.0, 4.0, -1.0, 0.2), (5000.0, 3.0, -2.0, 0.4)])
def test_flux_at_the_centre_of_a_cell(installation, c3k, tmp_path, labels):
    """iSpec's median error there is 0.0016 (docs/atmospheres.md has more cells)."""
    teff, logg, feh, alpha_fe = labels
    axes = ((teff - 250, teff + 250), (logg - 0.25, logg + 0.25), (feh - 0.25, feh + 0.25), (alpha_fe,))
    mixed = Marcs(write_grid(tmp_path / "cell", c3k, *axes))(*labels)
    truth = Marcs(write_grid(tmp_path / "star", c3k, *([value] for value in labels)))(*labels)
    error = np.abs(flux_of(installation, labels, mixed) - flux_of(installation, labels, truth))
    assert np.median(error) < 0.0016
    assert error.max() < 0.008


def test_metallicity_that_makes_up_for_alpha_helps(installation, c3k):
    """A structure of 0.2 dex more alpha: electrons from metals by its own [Fe/H], or by one 0.12 dex lower."""
    labels = (5000.0, 4.5, -0.5, 0.2)
    truth, plain, shifted = (
        flux_of(installation, labels, c3k(5000, 4.5, feh, a)) for feh, a in ((-0.5, 0.2), (-0.5, 0.4), (-0.633, 0.4))
    )
    plain, shifted = (np.sqrt(np.mean((flux - truth) ** 2)) for flux in (plain, shifted))
    assert shifted < 0.4 * plain


# --- spherical layers -----------------------------------------------------------------------------------


@real
def test_spherical_layers_of_a_supergiant(installation):
    """Around 1 % of its lines are lost to the wide atmosphere; with a hundred times the radius, nothing is."""
    labels = (6000.0, 1.0, 0.0, 0.0)
    spherical = Marcs(REFERENCE)(*labels)
    flat = flux_of(installation, labels, replace(spherical, radius=None), "reference")
    wide = flux_of(installation, labels, spherical, "reference")
    huge = flux_of(installation, labels, replace(spherical, radius=100 * spherical.radius), "reference")
    assert np.sqrt(np.mean((wide - flat) ** 2)) > 0.002
    assert 0.0 < np.mean(wide - flat) < 0.02
    # What remains comes from the depth scale: the model's at 5000 Å here, Turbospectrum's own in plane layers.
    assert np.abs(huge - flat).max() < 0.002


def test_spherical_only_where_all_models_are_and_gravity_is_low(tmp_path, c3k):
    folder = write_grid(tmp_path, c3k, (5000.0,), (2.0, 2.5), (-1.0,), (0.2,), mass=1.0)
    write(folder, (5000.0, 3.0, -1.0, 0.2), c3k(5000.0, 3.0, -1.0, 0.2), name="p.mod")
    grid = Marcs(folder)
    assert [grid(5000.0, logg, -1.0, 0.2).spherical for logg in (2.0, 2.25, 2.5, 2.75, 3.0)] == [True, True] + [
        False
    ] * 3
    assert grid(5000.0, 2.25, -1.0, 0.2).radius == pytest.approx(np.sqrt(6.674e-8 * 1.989e33 / 10**2.25), rel=1e-3)


def test_written_spherical_model_needs_a_radius(c3k, tmp_path):
    with pytest.raises(ValueError, match="no radius"):
        c3k(*STAR).write_marcs(tmp_path / "model")


# --- configuration and engine ---------------------------------------------------------------------------


def test_marcs_needs_its_folder(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("synthesis: {atmospheres: marcs}\n")
    with pytest.raises(UserError, match="marcs needs marcs_dir") as caught:
        config.load(path)
    assert "\n" not in str(caught.value)


def test_folder_that_is_not_there_is_refused_before_the_first_job(tmp_path):
    settings = Config(synthesis=Synthesis(atmospheres="marcs", marcs_dir=tmp_path / "nonesuch"))
    with pytest.raises(UserError, match=r"synthesis\.marcs_dir: .*nonesuch: no such folder"):
        engines.check_settings(settings)


def test_engine_with_marcs(engine_json, cell, c3k):
    """Flux near that with c3k, and the grid in the attributes."""
    spectrum = Spectrum(wavelength=(5150.0, 5200.0))
    fluxes = {}
    for name in ("marcs", "c3k"):
        folder = cell.grid._folder if name == "marcs" else None
        settings = Config(
            spectrum=spectrum, synthesis=Synthesis(atmospheres=name, marcs_dir=folder, margin=20.0, step=0.03)
        )
        engine = engines.make(settings, engine_json)
        fluxes[name], out_of_grid, note = engine(Star(5500.0, 4.0, -1.0, 0.0, 0.2), False)
        assert (out_of_grid, note) == (False, "")
        assert engine.settings["atmospheres"] == name
        assert ("marcs_hash" in engine.settings) == (name == "marcs")
        if name == "marcs":
            assert "16 of 16 models" in engine.settings["marcs_grid"]
            assert engine.settings["geometry"].startswith("plane-parallel")
    assert np.abs(fluxes["marcs"] - fluxes["c3k"]).max() < 0.006
    assert fluxes["marcs"].min() < 0.9


def test_doctor(tmp_path, cell):
    def finding(**settings):
        return checks.marcs(Config(synthesis=Synthesis(**settings)))

    assert finding().mark == checks.OPTIONAL
    found = finding(atmospheres="marcs", marcs_dir=cell.grid._folder)
    assert found.mark == checks.OK
    assert "16 of 16 models" in found.text
    assert finding(atmospheres="marcs", marcs_dir=tmp_path).mark == checks.NEEDED
    assert finding(marcs_dir=tmp_path).mark == checks.OPTIONAL
