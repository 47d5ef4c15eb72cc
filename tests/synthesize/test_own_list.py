"""A user's own lines among the prepared ones: what gives way, what stays, what is kept, and what the flux shows."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import vald_extracts as extracts
from vald_extracts import LONG_STELLAR, NOT_SCALED, SCALED, SHORT_ALL, SHORT_STELLAR, reference

from halochem.config import Config, validate
from halochem.errors import UserError
from halochem.files import sha256
from halochem.synthesize import engines
from halochem.synthesize.build import Installation
from halochem.synthesize.lines import bsyn_list, own_list
from halochem.synthesize.lines.bsyn_list import Lines
from halochem.synthesize.lines.species import Species
from halochem.synthesize.turbospectrum import Star

FE, NI, CN, CH, FEH = (
    Species((26,), (0,)),
    Species((28,), (0,)),
    Species((6, 7), (12, 14)),
    Species((1, 6), (0, 12)),
    Species((1, 26), (0, 0)),
)
TIO_46, TIO_48, TIO = Species((8, 22), (16, 46)), Species((8, 22), (0, 48)), Species((8, 22), (0, 0))


def lines(species: Species, *wavelength: float, log_gf: float = -1.0) -> Lines:
    n = len(wavelength)
    damping = 0.0 if species.is_molecule else 2.5
    values = (np.full(n, value) for value in (1.0, log_gf, damping, 1.0, 1e8))
    return Lines(species, np.array(wavelength), *values, np.full(n, "xx"))


PREPARED = {
    "atoms": [lines(FE, 4000, 4999, 5002, 5004, 6000), lines(NI, 5000.5, 5002, 5003)],
    "molecules": [lines(CN, 4000, 5001, 5002), lines(CH, 5001)],
    "cool": [lines(TIO_46, 5000, 7000), lines(FEH, 5002)],
}


def content(lists) -> dict[str, list[float]]:
    return {part.species.name: np.round(part.wavelength, 3).tolist() for part in lists}


# --- what gives way ---------------------------------------------------------------------------------------


def test_all_atoms_give_way_between_the_first_and_the_last_of_the_users():
    changed = own_list.combine([lines(FE, 5001, 5003)], PREPARED.__getitem__)
    assert list(changed) == ["atoms"]
    assert content(changed["atoms"]) == {FE.name: [4000, 4999, 5001, 5003, 5004, 6000], NI.name: [5000.5]}


def test_first_and_last_line_are_not_there_twice_for_a_digit_rounded_otherwise():
    changed = own_list.combine([lines(FE, 4999.004, 5003.996)], PREPARED.__getitem__)
    assert content(changed["atoms"]) == {FE.name: [4000, 4999.004, 5003.996, 6000], NI.name: []}


def test_molecule_gives_way_to_itself_alone_whatever_its_isotopes():
    changed = own_list.combine([lines(Species((6, 7), (0, 0)), 5000, 5001.5)], PREPARED.__getitem__)
    assert list(changed) == ["molecules"]
    assert content(changed["molecules"]) == {CH.name: [5001], "CN": [5000, 5001.5], CN.name: [4000, 5002]}


def test_titanium_oxide_joins_the_list_of_cool_stars_with_its_isotopes_fractions_in_log_gf():
    """log10 0.7372 = -0.1324: the run's own fractions, which stand for a list without 48TiO, must not touch it."""
    changed = own_list.combine([lines(TIO_48, 4990, 5010)], PREPARED.__getitem__)
    assert list(changed) == ["cool"]
    assert content(changed["cool"]) == {FEH.name: [5002], TIO_46.name: [7000], TIO.name: [4990, 5010]}
    own = next(part for part in changed["cool"] if part.species == TIO)
    assert own.log_gf == pytest.approx(-1.1324, abs=1e-4)


def test_lines_beyond_the_synthesis_are_no_reason_to_change_anything():
    assert own_list.combine([lines(FE, 2000, 3000)], PREPARED.__getitem__) == {}


# --- several files ----------------------------------------------------------------------------------------


def test_folder_of_overlapping_files_counts_no_line_twice(tmp_path):
    first = extracts.write(tmp_path, SHORT_ALL + SCALED, "a.vald")
    rows = SHORT_ALL.splitlines(keepends=True)
    rows.append(rows[3].replace("5003.25840", "5009.00000"))
    second = extracts.write(tmp_path, "".join(rows) + NOT_SCALED, "b.vald")
    third = tmp_path / "c.bsyn"
    bsyn_list.write([lines(NI, 5002.5)], third, "by hand")
    found = content(own_list.read([first, second, third]))
    assert found == {"CN": [4999.613], FE.name: [5001.863, 5007.603], NI.name: [5002.5]}


# --- what is kept -----------------------------------------------------------------------------------------


@pytest.fixture
def tiny(tmp_path) -> Installation:
    """Prepared lists of a few lines; nothing here runs an engine."""
    folder = tmp_path / "prepared"
    paths = {name: folder / f"{name}.bsyn" for name in PREPARED}
    for name, path in paths.items():
        bsyn_list.write(PREPARED[name], path, "prepared")
    return Installation({}, paths, {name: sha256(path) for name, path in paths.items()}, folder / "c3k", {})


def test_converted_once_and_found_again(tmp_path, tiny, caplog):
    path = extracts.write(tmp_path, SHORT_STELLAR + SCALED)
    with caplog.at_level("INFO"):
        mine = own_list.install(tiny, path)
    assert (
        "2 lines of 2 species, 4999.460-5001.863 Å, in the list atoms: Fe I 1 (5001.863-5001.863 Å), La II 1"
        in caplog.text
    )
    assert content(bsyn_list.read(mine.line_lists["atoms"])) == {
        FE.name: [4000, 4999, 5001.863, 5002, 5004, 6000],
        NI.name: [5002, 5003],
        "La II": [4999.46],
    }
    assert mine.line_lists["molecules"] == tiny.line_lists["molecules"]
    assert mine.line_list_hashes["atoms"] == sha256(mine.line_lists["atoms"]) != tiny.line_list_hashes["atoms"]
    assert mine.line_list_hash != tiny.line_list_hash
    summary = json.loads((mine.line_lists["atoms"].parent / "summary.json").read_text())
    assert summary["own"]["Fe I"] == [1, 5001.863, 5001.863]
    assert summary["files"] == {"lines.vald": sha256(path)}
    caplog.clear()
    assert own_list.install(tiny, path) == mine
    assert "converting" not in caplog.text
    (tmp_path / "elsewhere").mkdir()
    assert (
        own_list.install(tiny, path.rename(tmp_path / "elsewhere" / "other-name")).line_list_hash == mine.line_list_hash
    )


def test_another_list_or_other_prepared_ones_are_converted_anew(tmp_path, tiny):
    path = extracts.write(tmp_path, SHORT_STELLAR + SCALED)
    one = own_list.install(tiny, path)
    extracts.write(tmp_path, SHORT_STELLAR.replace("0.010", "0.020") + SCALED)
    two = own_list.install(tiny, path)
    three = own_list.install(replace(tiny, line_list_hashes={**tiny.line_list_hashes, "cool": "0" * 64}), path)
    assert len({one.line_lists["atoms"], two.line_lists["atoms"], three.line_lists["atoms"]}) == 3
    assert one.line_list_hash != two.line_list_hash


def test_jobs_at_once_agree_and_leave_nothing_behind(tmp_path, tiny):
    path = extracts.write(tmp_path, SHORT_STELLAR + SCALED)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: own_list.install(tiny, path), range(6)))
    assert all(installation == found[0] for installation in found)
    own = tiny.line_lists["atoms"].parent / "own"
    assert [folder.name for folder in own.iterdir()] == [found[0].line_lists["atoms"].parent.name]


def one_line(installation: Installation, path: Path) -> str:
    with pytest.raises(UserError) as caught:
        own_list.install(installation, path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_kept_list_that_was_damaged_is_not_used(tmp_path, tiny):
    path = extracts.write(tmp_path, SHORT_STELLAR + SCALED)
    kept = own_list.install(tiny, path).line_lists["atoms"]
    kept.write_bytes(kept.read_bytes()[:-40])
    assert f"{kept}: truncated or changed since it was prepared (SHA-256 differs); delete" in one_line(tiny, path)
    (kept.parent / "summary.json").write_text("{")
    assert "no readable summary.json" in one_line(tiny, path)


def test_faults_in_one_line(tmp_path, tiny):
    assert "no such file" in one_line(tiny, tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "no line list in this folder" in one_line(tiny, tmp_path / "empty")
    neither = extracts.write(tmp_path, "Fe 5000\n", "neither")
    assert f"{neither}, row 1: expected a species header" in one_line(tiny, neither)
    blue = extracts.write(tmp_path, SHORT_ALL.replace(" 500", " 200") + SCALED, "blue")
    assert "no line within 3800-10600 Å" in one_line(tiny, blue)
    water = tmp_path / "water.bsyn"
    bsyn_list.write([lines(Species((1, 1, 8), (1, 1, 16)), 5000)], water, "water")
    assert "Turbospectrum has no partition function" in one_line(tiny, water)
    cut = tmp_path / "cut.bsyn"
    bsyn_list.write([lines(FE, 5000, 5001)], cut, "cut")
    cut.write_text("".join(cut.read_text().splitlines(keepends=True)[:3]))
    message = one_line(tiny, cut)
    assert "the list is truncated, Fe I has 1 of its 2 lines; expected a VALD extract" in message
    assert "--prepare" not in message
    assert not list((tiny.line_lists["atoms"].parent / "own").glob(".*"))


def test_configuration_names_it_and_a_missing_one_is_refused_before_the_first_job(tmp_path):
    assert Config().synthesis.line_list is None
    config = validate({"synthesis": {"line_list": str(tmp_path / "none")}}, "test")
    with pytest.raises(UserError, match=r"synthesis\.line_list: .*none: no such file or folder"):
        engines.check_settings(config)


# --- in Turbospectrum -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine_copy(tmp_path_factory, installation, engine_json) -> Path:
    """engine.json with the built engine and prepared lists, in a folder where converted lists may be kept."""
    folder = tmp_path_factory.mktemp("engine")
    description = json.loads(engine_json.read_text())
    near = engine_json.parent.resolve()
    description["builds"] = {
        build: {name: str(near / path) for name, path in programs.items()}
        for build, programs in description["builds"].items()
    }
    description["data"] = str(near / description["data"])
    description["c3k"]["path"] = str(installation.c3k)
    for name, entry in description["line_lists"].items():
        for suffix in (".bsyn", ".heads", ".lines"):
            (folder / f"{name}{suffix}").symlink_to(installation.line_lists[name].resolve().with_suffix(suffix))
        entry["path"] = f"{name}.bsyn"
    (folder / "engine.json").write_text(json.dumps(description))
    return folder / "engine.json"


def spectrum(engine_json: Path, line_list: Path | None):
    config = validate(
        {
            "spectrum": {"wavelength": [4998.0, 5006.0], "resolution": 60000.0, "log_step": 5e-6},
            "synthesis": {"margin": 20.0, "line_list": None if line_list is None else str(line_list)},
        },
        "test",
    )
    engine = engines.make(config, engine_json)
    flux, out_of_grid, _ = engine(Star(5777.0, 4.44, 0.0, 0.0, 0.0), False)
    assert not out_of_grid
    return 4998.0 * 10 ** (5e-6 * np.arange(len(flux))), flux, engine.settings


@pytest.mark.slow
def test_real_extract_in_a_real_synthesis(tmp_path, engine_copy):
    """The Sun at R = 60 000: the user's lines, no others where they reach, and the prepared ones beyond."""
    path = reference("5000-5005.vald")
    wavelength, mine, settings = spectrum(engine_copy, path)
    _, prepared, before = spectrum(engine_copy, None)
    assert settings["line_list"] == "5000-5005.vald"
    assert "line_list" not in before
    assert settings["line_list_hash"].split("-")[1:] == before["line_list_hash"].split("-")[1:]
    assert settings["line_list_hash"] != before["line_list_hash"]

    def depth(flux, at):
        return 1 - flux[np.abs(wavelength - at) < 0.04].min()

    # Ti I and Fe I lines of the extract with VALD's own central depth (5750 K, log g 4, 1 km/s).
    for at, vald_depth in (
        (4999.503, 0.800),
        (5001.863, 0.782),
        (5002.792, 0.650),
        (5002.583, 0.564),
        (4999.112, 0.351),
    ):
        assert depth(mine, at) == pytest.approx(vald_depth, abs=0.15)
    # The prepared list is VALD's too, and has the same strengths and damping for these.
    for at in (4999.503, 5000.990, 5001.863):
        assert depth(mine, at) == pytest.approx(depth(prepared, at), abs=0.005)
    # Fe I 5002.792 is weaker here, log gf -1.580 for -1.460. As the extract's last line it must not be there twice.
    assert depth(prepared, 5002.792) - 0.05 < depth(mine, 5002.792) < depth(prepared, 5002.792)
    # Beyond it the prepared lines are there; within, those that the extract lacks are not.
    beyond = wavelength > 5004.5
    assert mine[beyond] == pytest.approx(prepared[beyond], abs=0.01)
    assert prepared[beyond].min() < 0.9
    inside = (wavelength > 4999.6) & (wavelength < 5002.5)
    assert np.abs(mine - prepared)[inside].max() > 0.03


@pytest.mark.slow
def test_scaled_and_unscaled_isotopes_give_the_same_line(tmp_path, engine_copy):
    """(58)Ni is 0.6827 of nickel in Turbospectrum: log10 = -0.166."""
    unscaled = extracts.write(tmp_path, LONG_STELLAR + NOT_SCALED, "unscaled")
    scaled = extracts.write(tmp_path, LONG_STELLAR.replace("-0.597", "-0.763") + SCALED, "scaled")
    _, one, _ = spectrum(engine_copy, unscaled)
    _, two, _ = spectrum(engine_copy, scaled)
    assert one == pytest.approx(two, abs=1e-3)  # the isotope is lighter than the mixture
    wrong = extracts.write(tmp_path, LONG_STELLAR + SCALED, "wrong")
    assert np.abs(spectrum(engine_copy, wrong)[1] - one).max() > 0.01
