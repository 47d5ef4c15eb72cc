"""The c3k network against simple physics, its coverage, and the refusal of anything but arrays."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from halochem import seeds
from halochem.errors import UserError
from halochem.synthesize.atmospheres import c3k
from halochem.synthesize.atmospheres.c3k import C3K, nearest_covered

BOLTZMANN = 1.380649e-16  # erg/K
SUN = (5777.0, 4.44, 0.0, 0.0)
STARS = [SUN, (5000.0, 2.8, -1.2, 0.3), (3500.0, 4.5, -1.0, 0.2), (4000.0, 3.0, -0.5, 0.0), (6500.0, 4.2, -2.2, 0.4)]


@pytest.fixture(scope="module")
def atmospheres(installation):
    return C3K(installation.c3k)


def optical_depth(structure) -> np.ndarray:
    """Rosseland optical depth of each layer, by the trapezoid rule in column mass."""
    mass, opacity = structure.column_mass, structure.rosseland
    between = 0.5 * np.diff(mass) * (opacity[1:] + opacity[:-1])
    return np.concatenate([[mass[0] * opacity[0]], between]).cumsum()


def temperature_at(structure, tau: float) -> float:
    return float(np.exp(np.interp(np.log(tau), np.log(optical_depth(structure)), np.log(structure.temperature))))


@pytest.mark.parametrize("star", STARS)
def test_temperature_at_unit_depth_is_eddingtons(atmospheres, star):
    """T^4 = 3/4 Teff^4 (tau + 2/3); blanketing warms these layers by some per cent."""
    expected = star[0] * (0.75 * (1.0 + 2.0 / 3.0)) ** 0.25
    found = temperature_at(atmospheres(*star), 1.0)
    assert found == pytest.approx(expected, rel=0.05 if star == SUN else 0.08)
    assert found > 0.99 * expected


def test_surface_of_the_sun(atmospheres):
    """Opacity at unit depth near 0.8 cm2/g, column mass near 4 g/cm2, and an outer boundary near 0.65 Teff."""
    sun = atmospheres(*SUN)
    layer = np.searchsorted(optical_depth(sun), 1.0)
    assert 2.5 < sun.column_mass[layer] < 6
    assert 0.4 < sun.rosseland[layer] < 1.2
    assert 3500 < sun.temperature[0] < 4300


@pytest.mark.parametrize("star", STARS)
def test_hydrostatic_equilibrium(atmospheres, star):
    """P = g m, but for the little that radiation and turbulence carry and the error of the fit."""
    structure = atmospheres(*star)
    ratio = structure.gas_pressure / (10 ** star[1] * structure.column_mass)
    assert ratio == pytest.approx(np.ones(len(ratio)), abs=0.2)
    assert ratio[optical_depth(structure) > 1e-4] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("star", STARS)
def test_electrons_are_a_small_part_of_the_gas_outside_the_hot_interior(atmospheres, star):
    structure = atmospheres(*star)
    share = structure.electron_density * BOLTZMANN * structure.temperature / structure.gas_pressure
    assert share.max() < 0.55  # a proton an electron at most
    outside = optical_depth(structure) < 1
    assert share[outside].max() < 2e-3
    assert share[outside].min() > 1e-8


def test_hotter_star_is_hotter_and_denser_dwarf_is_denser(atmospheres):
    cool, hot = (temperature_at(atmospheres(teff, 4.4, -1.0, 0.2), 1.0) for teff in (4500.0, 6500.0))
    assert hot / cool == pytest.approx(6500 / 4500, rel=0.08)
    giant, dwarf = (atmospheres(5000.0, logg, -1.0, 0.2) for logg in (2.5, 4.5))
    layer = [np.searchsorted(optical_depth(one), 1.0) for one in (giant, dwarf)]
    assert dwarf.gas_pressure[layer[1]] > 3 * giant.gas_pressure[layer[0]]


def test_all_of_300_stars_over_the_halo_range_pass_the_check(atmospheres):
    low, high = np.array([3000, 2.5, -3.1, -0.3]), np.array([7000, 6.0, 0.2, 0.67])
    for labels in low + (high - low) * seeds.uniform_table(1, "test/structures", range(300), 4):
        structure = atmospheres(*labels)
        structure.check()
        assert len(structure.column_mass) >= 80 - c3k.MAX_DROPPED_LAYERS


# --- coverage -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "taken", "note"),
    [
        ((6000, 6.0, -1, 0.2), (6000, 5.0, -1, 0.2), "logg 5 for 6"),
        ((4000, 6.0, -1, 0.2), (4000, 5.5, -1, 0.2), "logg 5.5 for 6"),
        ((4250, 5.5, -1, 0.2), (4250, 5.5, -1, 0.2), ""),
        ((4251, 5.5, -1, 0.2), (4251, 5.0, -1, 0.2), "logg 5 for 5.5"),
        ((5000, 3.0, -1, 0.65), (5000, 3.0, -1, 0.6), "alpha_fe 0.6 for 0.65"),
        ((5000, 3.0, -1, -0.3), (5000, 3.0, -1, -0.2), "alpha_fe -0.2 for -0.3"),
        ((2000, 3.0, -5, 0.0), (2500, 3.0, -4, 0.0), "teff 2500 for 2000, feh -4 for -5"),
        ((5000, 3.0, -1, 0.2), (5000, 3.0, -1, 0.2), ""),
    ],
)
def test_labels_outside_the_coverage_are_moved_to_its_nearest_edge(atmospheres, asked, taken, note):
    labels, said = nearest_covered(*asked)
    assert labels.tolist() == list(taken)
    assert said == note
    structure, at_edge = atmospheres(*asked), atmospheres(*taken)
    assert structure.out_of_grid == bool(note)
    assert structure.note == note
    assert np.array_equal(structure.temperature, at_edge.temperature)


def test_missing_network_says_how_to_get_it(tmp_path):
    with pytest.raises(UserError, match="halochem synthesize --prepare"):
        C3K(tmp_path / "c3k.npz")


# --- the pickle -----------------------------------------------------------------------------------------


def network(columns: int = 8) -> list[dict]:
    """A small one in the layout of the package's file: five neurons, 80 layers."""
    rng = np.random.Generator(np.random.Philox(1))
    shapes = {"w_array_0": (5, 4), "w_array_1": (5, 5), "w_array_2": (80, 5)}
    shapes |= {"b_array_0": (5,), "b_array_1": (5,), "b_array_2": (80,)}
    limits = {"x_min": np.array([2500, -1, -4, -0.2]), "x_max": np.array([8000, 5.5, 1.5, 0.6])}
    return [{name: rng.normal(size=shape) for name, shape in shapes.items()} | limits for _ in range(columns)]


class LikeDill(pickle._Pickler):
    """Spells NumPy's function that makes arrays as dill spells it in the package's file."""

    def save_global(self, obj, name=None):
        if name == "_reconstruct":
            module = b"(cdill._dill\n_import_module\n(Vnumpy.core._multiarray_umath\ntR"
            self.write(b"cdill._dill\n_get_attr\n" + module + b"V_reconstruct\ntR")
        else:
            super().save_global(obj, name)


def test_arrays_are_admitted_and_evaluated(tmp_path):
    """By hand: labels scaled to -0.5 to 0.5, two leaky layers, a linear one, a power of ten."""
    with open(tmp_path / "c3k.pkl", "wb") as file:
        LikeDill(file, protocol=4).dump(network())
    c3k.convert(tmp_path / "c3k.pkl", tmp_path / "c3k.npz")
    with np.load(tmp_path / "c3k.npz", allow_pickle=False) as file:
        kinds = ("w0", "w1", "w2", "b0", "b1", "b2", "x_min", "x_max")
        assert set(file.files) == {f"{column}/{kind}" for column in c3k.COLUMNS for kind in kinds}
    values = network()[c3k.COLUMNS.index("temperature")]
    hidden = np.array([(5000 - 2500) / 5500, (3 + 1) / 6.5, (-1 + 4) / 5.5, (0.2 + 0.2) / 0.8]) - 0.5
    for layer in "01":
        hidden = values[f"w_array_{layer}"] @ hidden + values[f"b_array_{layer}"]
        hidden = np.maximum(hidden, 0.01 * hidden)
    expected = 10 ** (values["w_array_2"] @ hidden + values["b_array_2"])
    assert C3K(tmp_path / "c3k.npz")(5000, 3, -1, 0.2).temperature == pytest.approx(expected, rel=1e-4)


class Calls:
    """Pickles as a call of a function with arguments."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def attacks(marker: str) -> dict[str, bytes]:
    import os
    import subprocess

    command = f"touch {marker}"
    by_dill = (
        b"cdill._dill\n_get_attr\n(cdill._dill\n_import_module\n(S'%s'\ntRS'%s'\ntR(S'" + command.encode() + b"'\ntR."
    )
    return {
        "os.system": pickle.dumps(Calls(os.system, command)),
        "subprocess": pickle.dumps(Calls(subprocess.check_call, ["touch", marker])),
        "eval": pickle.dumps(Calls(eval, f"__import__('os').system({command!r})")),
        "within the network": pickle.dumps([{**network(1)[0], "x_min": Calls(os.system, command)}]),
        "old protocol": b"cos\nsystem\n(S'" + command.encode() + b"'\ntR.",
        "dill, another module": by_dill % (b"os", b"system"),
        "dill, another module's _reconstruct": by_dill % (b"os", b"_reconstruct"),
        "dill, another function of NumPy": by_dill % (b"numpy.testing", b"rundocs"),
        "getattr": b"cbuiltins\ngetattr\n(cnumpy\nndarray\nS'tofile'\ntR.",
        "NumPy beyond arrays": b"cnumpy\nfromfile\n(S'/etc/passwd'\ntR.",
    }


@pytest.mark.parametrize("name", list(attacks("")))
def test_pickle_with_anything_but_arrays_is_refused_and_never_run(tmp_path, name):
    marker = tmp_path / "was-run"
    (tmp_path / "c3k.pkl").write_bytes(attacks(str(marker))[name])
    with pytest.raises(UserError) as caught:
        c3k.convert(tmp_path / "c3k.pkl", tmp_path / "c3k.npz")
    assert str(caught.value).startswith(f"{tmp_path / 'c3k.pkl'}: not the expected network")
    assert "is not a NumPy array" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not marker.exists()
    assert not (tmp_path / "c3k.npz").exists()


def test_the_attacks_work_where_nothing_stops_them(tmp_path):
    """Or their refusal would prove nothing."""
    marker = tmp_path / "was-run"
    pickle.loads(attacks(str(marker))["os.system"])
    assert marker.exists()


@pytest.mark.parametrize("content", [b"", b"\x80\x02]", b"no pickle at all", pickle.dumps([1, 2]), pickle.dumps([])])
def test_pickle_of_something_else_is_refused(tmp_path, content):
    (tmp_path / "c3k.pkl").write_bytes(content)
    with pytest.raises(UserError, match="not the expected network"):
        c3k.convert(tmp_path / "c3k.pkl", tmp_path / "c3k.npz")
