"""requirements.lock covers pyproject.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def locked() -> dict[str, Requirement]:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if not line.startswith("#")]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def test_every_line_is_one_exact_version():
    for requirement in locked().values():
        specifiers = list(requirement.specifier)
        assert [s.operator for s in specifiers] == ["=="], requirement
        assert "+" not in specifiers[0].version, f"{requirement}: a local version exists on some machines only"


def test_every_dependency_is_locked_at_a_version_it_admits():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [project["build-system"]["requires"], project["project"]["dependencies"]]
    groups += project["project"]["optional-dependencies"].values()
    for text in (text for group in groups for text in group):
        wanted = Requirement(text)
        pinned = locked().get(canonicalize_name(wanted.name))
        assert pinned is not None, f"{wanted} is not in requirements.lock: `make lock`"
        version = next(iter(pinned.specifier)).version
        assert wanted.specifier.contains(version), f"{pinned} is not {wanted}: `make lock`"
