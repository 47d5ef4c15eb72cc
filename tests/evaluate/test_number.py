"""How numbers are printed and stored."""

from __future__ import annotations

import json
import math

import pytest

from halochem.evaluate.number import Number, text, undefined


@pytest.mark.parametrize(
    ("value", "spec", "error", "shown"),
    [
        (0.916, ".2f", 0.008, "0.92 ± 0.01"),
        (-0.44, ".2f", None, "−0.44"),
        (None, ".2f", None, "–"),
        (4.12e-5, ".1e", 3.1e-6, "(4.1 ± 0.3) × 10⁻⁵"),
        (4.12e-5, ".1e", None, "4.1 × 10⁻⁵"),
        (9.96e-5, ".1e", None, "1.0 × 10⁻⁴"),
        (2.0, ".1e", 0.5, "2.0 ± 0.5"),
        (0.0, ".1e", None, "0.0"),
    ],
)
def test_text(value, spec, error, shown):
    assert text(value, spec, error) == shown


def test_json_has_no_nan():
    number = Number(0.5, 3, error=math.nan, detail={"slope": math.inf, "true_positive": 2})
    values = json.loads(json.dumps(number.to_json(), allow_nan=False))
    assert values["error"] is None
    assert values["detail"] == {"slope": None, "true_positive": 2}
    assert Number.from_json(values) == Number(0.5, 3, detail={"slope": None, "true_positive": 2})


def test_undefined_says_why():
    assert undefined(2).note == "not enough stars (n=2)"
    assert undefined(5, "no spread").note == "no spread"
