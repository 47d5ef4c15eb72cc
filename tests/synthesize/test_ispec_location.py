"""iSpec, PyPI's namesake and a half-built iSpec, as folders; and the one line for each."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from halochem.errors import UserError
from halochem.synthesize.ispec_location import BINARIES, SIGNATURE, find_ispec, importable

# Module names in the wheel of PyPI's ispec 0.0.18.
NAMESAKE = (
    *("_modidx", "agg", "ann", "dec", "dun", "enums", "kws", "preps", "rnk", "sattr", "set", "sig", "src"),
    *("tests", "types", "utils", "val"),
)


@pytest.fixture(autouse=True)
def no_ispec_of_this_machine(monkeypatch):
    monkeypatch.delenv("ISPEC_DIR", raising=False)
    monkeypatch.delitem(sys.modules, "ispec", raising=False)


def make_ispec(folder: Path, built: bool = True) -> Path:
    """A folder laid out as iSpec's, whose import would fail loudly."""
    for name in ("__init__.py", *SIGNATURE):
        path = folder / "ispec" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("raise RuntimeError('iSpec must not be imported to be found')\n")
    if built:
        binaries = folder / "synthesizer" / "turbospectrum" / "bin"
        binaries.mkdir(parents=True)
        for name in BINARIES:
            (binaries / name).write_text("#!/bin/sh\n")
            (binaries / name).chmod(0o755)
    return folder


def make_namesake(site: Path) -> Path:
    """A site folder with PyPI's ispec as pip lays it out."""
    package = site / "ispec"
    package.mkdir(parents=True)
    for name in ("__init__", *NAMESAKE):
        (package / f"{name}.py").write_text("raise RuntimeError('must not be imported')\n")
    return site


def the_line(config_dir: Path | None) -> str:
    with pytest.raises(UserError) as caught:
        find_ispec(config_dir)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_configured_folder_is_found_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("ISPEC_DIR", str(make_ispec(tmp_path / "other")))
    mine = make_ispec(tmp_path / "mine")
    assert find_ispec(mine) == mine
    assert find_ispec(None) == tmp_path / "other"


def test_importable_ispec_is_found_without_importing_it(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(make_ispec(tmp_path / "iSpec"))
    assert find_ispec(None) == tmp_path / "iSpec"
    assert "ispec" not in sys.modules


def test_namesake_is_refused_by_name(tmp_path, monkeypatch):
    site = make_namesake(tmp_path / "site-packages")
    monkeypatch.syspath_prepend(site)
    line = the_line(None)
    assert str(site / "ispec") in line
    assert "PyPI's `ispec`" in line
    assert "pip uninstall ispec" in line
    assert "ispec" not in sys.modules


def test_namesake_does_not_hide_the_configured_ispec(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(make_namesake(tmp_path / "site-packages"))
    assert find_ispec(make_ispec(tmp_path / "iSpec")) == tmp_path / "iSpec"


def test_folder_without_built_turbospectrum(tmp_path):
    folder = make_ispec(tmp_path / "iSpec", built=False)
    line = the_line(folder)
    assert "babsma_lu is missing" in line
    assert f"make turbospectrum` in {folder}" in line


def test_folder_that_is_not_ispec(tmp_path):
    assert "ispec/synth/turbospectrum.py is missing" in the_line(tmp_path)
    assert "no such folder (synthesis.ispec_dir)" in the_line(tmp_path / "nowhere")


def test_nothing_found(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    assert importable() is None
    assert the_line(None).startswith("iSpec is not found")
