"""A measured number, with what it takes to read it honestly: how many stars, how uncertain, why undefined."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Number:
    """A value, or None where it is undefined (then `note` says why); `error` is one standard error."""

    value: float | None
    n: int
    error: float | None = None
    note: str = ""
    detail: dict[str, float | int | None] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON: no NaN, no infinity."""
        return {
            "value": finite(self.value),
            "n": int(self.n),
            "error": finite(self.error),
            "note": self.note,
            "detail": {name: finite(value) for name, value in self.detail.items()},
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Number:
        """The inverse of `to_json`."""
        return cls(values["value"], values["n"], values["error"], values["note"], values["detail"])


def finite(value: float | int | None) -> float | int | None:
    """The value, or None where it is not a finite number."""
    if value is None or not math.isfinite(value):
        return None
    return int(value) if isinstance(value, int) else float(value)


def undefined(n: int, note: str = "", **detail: float | int | None) -> Number:
    """A number that these stars do not define; the note defaults to "not enough stars"."""
    return Number(None, n, note=note or f"not enough stars (n={n})", detail=detail)


def text(value: float | None, spec: str, error: float | None = None) -> str:
    """A value for a table, with the minus sign of print; "–" where there is none.

    A `spec` like ".2f" gives "0.92 ± 0.01"; one like ".1e" takes one power of ten for both, "(4.1 ± 0.3) × 10⁻⁵".
    """
    if value is None:
        return "–"
    if spec.endswith("e"):
        return _scientific(value, int(spec[1:-1]), error)
    shown = format(value, spec).replace("-", "−")
    return shown if error is None else f"{shown} ± {format(error, spec.removeprefix('+'))}"


def _scientific(value: float, decimals: int, error: float | None) -> str:
    exponent = int(f"{value:.{decimals}e}".split("e")[1])
    if exponent == 0:
        return text(value, f".{decimals}f", error)
    mantissa = text(value / 10**exponent, f".{decimals}f", None if error is None else error / 10**exponent)
    power = "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa} × {power}" if error is None else f"({mantissa}) × {power}"
