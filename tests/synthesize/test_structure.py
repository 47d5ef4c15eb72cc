"""What makes a structure fit for use, and the file that Turbospectrum reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from halochem.synthesize.atmospheres.structure import BadStructure, Structure


@pytest.fixture
def structure():
    """A grey atmosphere of 60 layers, Teff 5000 K, log g 4, opacity 0.5 cm2/g."""
    tau = np.logspace(-6, 2, 60)
    mass = tau / 0.5
    temperature = 5000 * (0.75 * (tau + 2 / 3)) ** 0.25
    pressure = 1e4 * mass
    return Structure(mass, temperature, pressure, 1e-4 * pressure / (1.38e-16 * temperature), np.full(60, 0.5))


def changed(structure: Structure, name: str, layer: int, factor: float) -> Structure:
    values = getattr(structure, name).copy()
    values[layer] *= factor
    return replace(structure, **{name: values})


def test_grey_atmosphere_passes(structure):
    structure.check()


@pytest.mark.parametrize("name", ["column_mass", "temperature", "gas_pressure", "electron_density", "rosseland"])
@pytest.mark.parametrize("factor", [np.nan, np.inf, 0.0, -1.0])
def test_every_value_must_be_finite_and_positive(structure, name, factor):
    with pytest.raises(BadStructure, match="not finite and positive"):
        changed(structure, name, 30, factor).check()


@pytest.mark.parametrize(
    ("name", "words"), [("column_mass", "column mass does not rise"), ("gas_pressure", "gas pressure does not rise")]
)
def test_mass_and_pressure_must_rise_inwards(structure, name, words):
    values = getattr(structure, name)
    for layer in (1, 30, 59):
        with pytest.raises(BadStructure, match=words):
            changed(structure, name, layer, 0.999 * values[layer - 1] / values[layer]).check()
        with pytest.raises(BadStructure, match=words):
            changed(structure, name, layer, values[layer - 1] / values[layer]).check()


@pytest.mark.parametrize("layer", [0, 5, 19])
def test_hot_surface_is_refused(structure, layer):
    """As a network invents it beyond its models."""
    with pytest.raises(BadStructure, match="temperature rises towards the surface"):
        changed(structure, "temperature", layer, 1.5).check()


def test_wiggle_of_one_per_cent_passes(structure):
    changed(structure, "temperature", 0, 1.01).check()


def test_temperature_may_fall_inwards_below_the_surface(structure):
    """Convection makes shallow dips there; only the surface is judged."""
    changed(structure, "temperature", 40, 0.9).check()


def test_file_is_a_kurucz_model_to_the_letter(tmp_path):
    structure = Structure(
        np.array([1.23456789e-3, 4.10587686]),
        np.array([3691.0, 6108.25]),
        np.array([33.4, 1.1307e5]),
        np.array([1.5e10, 6.25e13]),
        np.array([3.4e-4, 0.7872]),
    )
    structure.write_kurucz(tmp_path / "model", 5777.0, 4.44)
    assert (tmp_path / "model").read_text() == (
        "TEFF    5777.  GRAVITY  4.4400 LTE\n"
        "READ DECK6  2 RHOX,T,P,XNE,ABROSS\n"
        " 1.23456789E-03   3691.00  3.3400E+01  1.5000E+10  3.4000E-04\n"
        " 4.10587686E+00   6108.25  1.1307E+05  6.2500E+13  7.8720E-01\n"
    )


def test_columns_stay_apart_at_any_size(structure, tmp_path):
    extreme = replace(structure, temperature=structure.temperature * 20, electron_density=structure.rosseland * 1e-30)
    extreme.write_kurucz(tmp_path / "model", 12_345.6, -0.5)
    rows = (tmp_path / "model").read_text().splitlines()
    assert len(rows) == 62
    table = np.array([[float(word) for word in row.split()] for row in rows[2:]])
    assert table.shape == (60, 5)
    assert table[:, 1] == pytest.approx(extreme.temperature, abs=0.006)
    assert table[:, 2] == pytest.approx(extreme.gas_pressure, rel=1e-4)


# --- fewer layers ---------------------------------------------------------------------------------------


def test_optical_depth_of_a_constant_opacity_is_opacity_times_mass(structure):
    assert 10**structure.log_tau == pytest.approx(0.5 * structure.column_mass)


def test_thinned_structure_keeps_each_second_layer_outside_and_each_one_where_lines_form(structure):
    thin = structure.thinned(outer=-3.0, inner=1.5)
    before, after = structure.log_tau, thin.log_tau
    kept = np.isin(structure.column_mass, thin.column_mass)
    assert kept[(before >= -3) & (before <= 1.5)].all()
    assert not kept[before > 1.5].any()
    outside = kept[: np.searchsorted(before, -3.0)]
    assert not (outside[1:] & outside[:-1]).any()
    assert abs(outside.sum() - len(outside) / 2) <= 0.5
    assert np.diff(after).max() < 2.01 * np.diff(before).max()
    thin.check()


def test_thinning_keeps_the_columns_in_step_and_the_notes(structure):
    thin = replace(structure, out_of_grid=True, note="logg 5 for 6").thinned(-3.0, 1.5)
    layers = np.searchsorted(structure.column_mass, thin.column_mass)
    for name in ("temperature", "gas_pressure", "electron_density", "rosseland"):
        assert np.array_equal(getattr(thin, name), getattr(structure, name)[layers])
    assert (thin.out_of_grid, thin.note) == (True, "logg 5 for 6")
