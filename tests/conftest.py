"""What the tests of several stages share: the repository's root, and Turbospectrum built by the real preparation."""

from __future__ import annotations

from pathlib import Path

import pytest

from halochem.errors import UserError
from halochem.synthesize import build
from halochem.synthesize.build import Installation

ROOT = Path(__file__).parents[1]
ENGINE_JSON = ROOT / "resources" / "turbospectrum" / "engine.json"


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def engine_json() -> Path:
    """engine.json of this checkout; what it describes is fetched and built if it is not there (two minutes)."""
    try:
        build.load(ENGINE_JSON)
    except UserError:
        resources = ROOT / "resources"
        build.prepare_all(
            resources / "linelists" / "manifest.yaml",
            sources_folder=resources / "sources",
            linelists=resources / "linelists" / "prepared",
            atmospheres=resources / "atmospheres",
            out=ENGINE_JSON,
        )
    return ENGINE_JSON


@pytest.fixture(scope="session")
def installation(engine_json: Path) -> Installation:
    """Turbospectrum, its line lists and atmospheres. Real: nothing stands in for it anywhere in these tests."""
    return build.load(engine_json)


@pytest.fixture(scope="session")
def toy_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of a toy run of seed 1 (tests/toy_results.py). Copy it before changing anything."""
    import toy_results as toy

    folder = tmp_path_factory.mktemp("toy")
    toy.make(folder)
    return folder
