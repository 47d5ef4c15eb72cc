"""Hostile line lists: VALD extracts in their four forms, and Turbospectrum's own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hostile import cases, mutated, survives
from hypothesis import given
from hypothesis import strategies as st

from halochem.synthesize.lines import bsyn_list, native_list, own_list, vald

sys.path.append(str(Path(__file__).parents[1] / "synthesize"))
import vald_extracts as extracts

FORMS = {
    name: (getattr(extracts, name) + extracts.SCALED).encode()
    for name in ("SHORT_STELLAR", "SHORT_ALL", "LONG_ALL", "LONG_STELLAR")
}


@pytest.fixture(scope="module")
def path(folder) -> Path:
    return folder / "lines"


@pytest.fixture(scope="module")
def turbospectrum(tmp_path_factory) -> bytes:
    """All forms together as a Turbospectrum list."""
    folder = tmp_path_factory.mktemp("list")
    lists = []
    for name, content in FORMS.items():
        (folder / name).write_bytes(content)
        lists += vald.read(folder / name)
    bsyn_list.write(bsyn_list.merge(lists), folder / "list", "of the tests")
    return (folder / "list").read_bytes()


def use(path: Path) -> None:
    """Read as a user's own list, and write what Turbospectrum reads."""
    lists = own_list.read([path])
    native_list.write(lists, path.with_suffix(".bsyn"), "fuzz")
    bsyn_list.read(path.with_suffix(".bsyn"))


@cases(0.20)
@given(content=st.sampled_from(list(FORMS.values())).flatmap(lambda valid: mutated(valid, text=True)))
def test_mutated_extract(path, content):
    survives(path, content, use)


@cases(0.10)
@given(data=st.data())
def test_mutated_turbospectrum_list(path, turbospectrum, data):
    survives(path, data.draw(mutated(turbospectrum, text=True)), use)


def test_whole_ones_are_read(path, turbospectrum):
    for content in (*FORMS.values(), turbospectrum):
        path.write_bytes(content)
        use(path)
