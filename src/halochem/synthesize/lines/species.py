"""Names of atoms, ions and molecules in the codes of MOOG and of Turbospectrum."""

from __future__ import annotations

from dataclasses import dataclass

# fmt: off
SYMBOLS = (
    "H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ar",
    "K", "Ca", "Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br", "Kr",
    "Rb", "Sr", "Y", "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I", "Xe",
    "Cs", "Ba", "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu", "Hf",
    "Ta", "W", "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po", "At", "Rn", "Fr", "Ra", "Ac", "Th",
    "Pa", "U",
)
# fmt: on


@dataclass(frozen=True, order=True)
class Species:
    """An absorber: atomic numbers in ascending order, their mass numbers (0: the natural mixture), charge."""

    atoms: tuple[int, ...]
    isotopes: tuple[int, ...]
    charge: int = 0

    @property
    def is_molecule(self) -> bool:
        """Whether it has more than one atom."""
        return len(self.atoms) > 1

    @property
    def name(self) -> str:
        """E.g. "Fe I", "Ba II (137)", "C2 (12, 13)", "TiO (16, 46)", with mass numbers where they are given."""
        isotopes = [mass for mass in self.isotopes if mass]
        suffix = f" ({', '.join(map(str, isotopes))})" if isotopes else ""
        if not self.is_molecule:
            return f"{SYMBOLS[self.atoms[0] - 1]} {'I' * (self.charge + 1)}{suffix}"
        heavy_first = [SYMBOLS[z - 1] for z in self.atoms]
        if self.atoms[0] in (1, 8):  # CH, MgH, TiO: hydrogen and oxygen are written last
            heavy_first.reverse()
        if len(set(heavy_first)) == 1:
            heavy_first = [heavy_first[0] + str(len(heavy_first))]
        return "".join(heavy_first) + suffix

    @property
    def turbospectrum(self) -> str:
        """The quoted name of a species block: two digits an atom, a point, three digits an isotope."""
        atoms = "".join(f"{z:02d}" for z in self.atoms) if self.is_molecule else f"{self.atoms[0]:3d}"
        return f"'{atoms + '.' + ''.join(f'{mass:03d}' for mass in self.isotopes):<20}'"


def from_moog(code: str) -> Species:
    """Species of a MOOG code: "26.1" is Fe II, "3.0006" 6Li, "106.00113" 13CH, "126.0" FeH of any isotopes.

    Raises ValueError for anything else.
    """
    head, _, tail = code.partition(".")
    if not head.isdigit() or not tail.isdigit():
        raise ValueError(f"not a MOOG species code: {code!r}")
    number, charge = int(head), int(tail[0])
    if number < 100:
        if not 1 <= number <= len(SYMBOLS) or charge > 2:
            raise ValueError(f"not an atom or ion: {code!r}")
        return Species((number,), (int(tail[1:] or 0),), charge)
    atoms = (number // 100, number % 100)
    if number > 9999 or charge or not all(1 <= z <= len(SYMBOLS) for z in atoms):
        raise ValueError(f"not a neutral molecule of two atoms: {code!r}")
    digits = tail[1:]
    if not digits:
        return Species(atoms, (0, 0))
    if len(digits) != 4:
        raise ValueError(f"expected two digits an isotope in {code!r}")
    return Species(atoms, (int(digits[:2]), int(digits[2:])))


def from_turbospectrum(name: str, ion: int) -> Species:
    """Species of a Turbospectrum block: ("26.000", 2) is Fe II, ("0607.012014", 1) is 12C14N.

    Raises ValueError for anything else.
    """
    head, _, tail = name.strip().strip("'").strip().partition(".")
    if len(head) % 2:
        head = "0" + head
    if not (head.isdecimal() and tail.isdecimal() and 1 <= ion <= 9 and len(head) + len(tail) < 40):
        raise ValueError(f"not a Turbospectrum species: {name[:40]!r}, {ion}")
    atoms = tuple(int(head[i : i + 2]) for i in range(0, len(head), 2))
    if len(atoms) > 1 and atoms[0] == 0:
        atoms = atoms[1:]
    if not atoms or not all(1 <= z <= len(SYMBOLS) for z in atoms):
        raise ValueError(f"not a Turbospectrum species: {name!r}")
    digits = tail.ljust(3 * len(atoms), "0")
    isotopes = tuple(int(digits[3 * i : 3 * i + 3]) for i in range(len(atoms)))
    return Species(atoms, isotopes, ion - 1)
