"""What the native build changes in the package's source."""

from __future__ import annotations

import pytest

from halochem.synthesize import patches
from halochem.synthesize.patches import Patch


def test_replaces_one_text():
    assert Patch("b", "x").apply("abc", "f") == "axc"


def test_replaces_from_mark_to_before_mark():
    assert Patch("b", "x\n", "d").apply("abcde", "f") == "ax\nde"


@pytest.mark.parametrize(
    ("patch", "text"), [(Patch("q", ""), "abc"), (Patch("b", ""), "abcb"), (Patch("b", "", "q"), "abc")]
)
def test_source_that_is_not_the_pinned_one_stops_the_build(patch, text):
    with pytest.raises(AssertionError, match=r"f\.f: .* expected once"):
        patch.apply(text, "f.f")


def test_marks_in_the_wrong_order_stop_the_build():
    with pytest.raises(AssertionError, match="comes before"):
        Patch("c", "", "b").apply("abc", "f.f")


def test_every_replacement_is_in_the_package():
    folder = patches.__file__.rpartition("/")[0] + "/fortran"
    for name in patches.REPLACED.values():
        with open(f"{folder}/{name}", encoding="utf-8") as file:
            text = " ".join(line.strip("! ") for line in file.read().splitlines())
        assert "halochem's replacement of Turbospectrum's" in text
