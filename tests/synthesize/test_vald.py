"""VALD extracts, form by form, line by line: each expected number is worked by hand from the row in the file.

Air wavelengths by Morton's formula with s2 = (1e4 / vacuum)^2, e.g. for 5000.5066 Å: s2 = 3.999190, so that
n - 1 = 8.34254e-5 + 2.406147e-2 / 126.000810 + 1.5998e-4 / 34.900810 = 2.789721e-4 and 5000.5066 / n = 4999.1120.
"""

from __future__ import annotations

import gzip
import logging

import numpy as np
import pytest
import vald_extracts as extracts
from vald_extracts import LONG_ALL, LONG_STELLAR, NOT_SCALED, SCALED, SHORT_ALL, SHORT_STELLAR, reference

from halochem.errors import UserError
from halochem.synthesize.lines import bsyn_list, vald, vald_names
from halochem.synthesize.lines.bsyn_list import NUMBERS

CN, CN_12_14, CR, FE, TI = "CN", "CN (12, 14)", "Cr I", "Fe I", "Ti I"
CLASSICAL_3568 = 2.223e15 / 3568.0254**2
CLASSICAL_2999 = 2.223e15 / 2999.1669**2
# Species, wavelength, excitation, log gf, damping, weight of the upper level, radiative damping, levels.
LONG_UNSCALED = [
    (CN_12_14, 3567.9886, 0.2895, -1.131, 0.0, 2 * 13.5 + 1, 10**7.18, "xx"),
    (CN_12_14, 3568.0080, 0.2894, -1.164, 0.0, 2 * 12.5 + 1, 10**7.18, "xx"),
    (CR, 3568.0254, 3.9659, -0.511, -7.730, 11, 10**8.23, "sp"),  # 3d4.4s2 to 3d5.(2H).4p
    (CR, 3568.0254, 3.9659, -0.511, -7.730, 11, CLASSICAL_3568, "sp"),
]
SHORT_UNSCALED = [(*row[:5], 1, row[6], "xx") for row in LONG_UNSCALED]
SHORT_SCALED = [  # CN less by log10(0.989 * 0.996) = -0.006, under no isotope
    (CN, 3567.9886, 0.2895, -1.137, 0.0, 1, 10**7.18, "xx"),
    (CN, 3568.0080, 0.2894, -1.170, 0.0, 1, 10**7.18, "xx"),
    *SHORT_UNSCALED[2:],
]
TI_SHORT = [(TI, 4998.7290, 3.1124, -0.760, -7.540, 1, 10**7.97, "xx")] * 2
TI_LONG = [(TI, 4998.7290, 3.1124, -0.760, -7.540, 7, 10**7.97, "ps")] * 2  # 4s.4p to 4s.5s
EXPECTED = {
    "5000-5005.vald": [
        ("Ca II", 5001.4790, 7.5051, -0.507, -7.336, 1, 10**7.889, "xx"),
        (TI, 4999.5030, 0.8259, 0.320, 318.245, 1, 10**7.94, "xx"),
        (TI, 5000.9895, 1.9969, -0.020, 792.231, 1, 10**7.96, "xx"),
        (FE, 4999.1120, 4.1864, -1.740, -7.520, 1, 10**7.82, "xx"),
        (FE, 5000.2109, 4.6382, -1.045, -7.310, 1, 10**8.30, "xx"),
        (FE, 5001.8631, 3.8816, 0.010, 725.240, 1, 10**8.18, "xx"),
        (FE, 5001.8646, 4.5485, -1.242, -7.320, 1, 10**8.16, "xx"),
        (FE, 5002.5829, 4.1864, -1.136, -7.560, 1, 10**7.84, "xx"),
        (FE, 5002.7919, 3.3965, -1.580, 848.232, 1, 10**7.90, "xx"),
        ("Fe II", 5000.7304, 2.7785, -4.540, 173.220, 1, 10**8.54, "xx"),
        ("Ni I", 5000.3311, 3.6353, -1.869, -7.500, 1, 10**8.26, "xx"),  # (62)Ni, scaled: under no isotope
        ("Ni I", 5000.3382, 3.6353, -1.011, -7.500, 1, 10**8.26, "xx"),
        ("Ni I", 5000.3458, 3.6353, -0.597, -7.500, 1, 10**8.26, "xx"),
        ("La II", 4999.4600, 0.4030, -0.770, 2.5, 1, 2.223e15 / 4999.46**2, "xx"),
    ],
    "linelist.vald": [
        (FE, 2999.1669, 3.3014, -2.957, -7.330, 1, 10**7.28, "xx"),
        (FE, 2999.1669, 3.3014, -2.957, -7.330, 1, CLASSICAL_2999, "xx"),
        (FE, 2999.1669, 3.3014, -2.957, -7.330, 1, CLASSICAL_2999, "xx"),
        (FE, 2999.1669, 3.3014, -2.957, 1.4, 1, 10**7.28, "xx"),
        (FE, 2999.1669, 3.3014, -2.957, 1.4, 1, 10**7.28, "xx"),
        (FE, 2999.1669, 3.3014, -2.957, 497.227, 1, 10**7.28, "xx"),
    ],
    # The name of a file says little: its note tells whether VALD scaled it.
    "scaled.vald": LONG_UNSCALED,
    "long-all-unscaled.vald": LONG_UNSCALED,
    "long-stellar-unscaled.vald": LONG_UNSCALED,
    "short-stellar-unscaled.vald": SHORT_UNSCALED,
    "short-all-unscaled.vald": SHORT_SCALED,
    "short-extract-all.vald": TI_SHORT,
    "short-extract-stellar.vald": TI_SHORT,
    "long-extract-stellar.vald": TI_LONG,
    # 25102.875 cm-1 times 1.239842e-4 eV cm; the same line in air.
    "long-extract-all-air-wavenumber.vald": TI_LONG,
    "long-extract-all-air-wavenumber-noquotes.vald": TI_LONG,
}


def table(lists) -> list[tuple]:
    columns = ("wavelength", "excitation", "log_gf", "damping", "upper_weight", "radiative", "levels")
    return [
        (lines.species.name, *row)
        for lines in lists
        for row in zip(*(getattr(lines, name).tolist() for name in columns), strict=True)
    ]


def check(lists, expected):
    found = table(lists)
    assert [(row[0], row[7]) for row in found] == [(row[0], row[7]) for row in expected]
    for row, wanted in zip(found, expected, strict=True):
        assert row[1:6] == pytest.approx(wanted[1:6], abs=6e-5)
        assert row[6] == pytest.approx(wanted[6], rel=1e-6)


@pytest.mark.parametrize("name", EXPECTED)
def test_real_extract_line_by_line(name):
    check(vald.read(reference(name)), EXPECTED[name])


@pytest.mark.parametrize("name", EXPECTED)
def test_real_extract_through_a_turbospectrum_list_and_back(name, tmp_path):
    lists = vald.read(reference(name))
    summary = bsyn_list.write(lists, tmp_path / "list", "VALD")
    back = bsyn_list.read(tmp_path / "list")
    assert [lines.species for lines in back] == [lines.species for lines in lists]
    assert sum(summary["lines"].values()) == len(EXPECTED[name])
    for before, after in zip(lists, back, strict=True):
        for column in NUMBERS:
            np.testing.assert_allclose(getattr(after, column), getattr(before, column), rtol=6e-4, atol=6e-4)
        assert np.array_equal(after.levels, before.levels)


def test_air_and_vacuum_forms_of_one_line_agree():
    """VALD gives this Ti I line as 5000.12350 Å in vacuum and as 4998.72899 Å in air."""
    assert vald.air_wavelength(np.array([5000.1235]))[0] == pytest.approx(4998.72899, abs=6e-6)


def test_no_air_below_2000_angstrom():
    assert vald.air_wavelength(np.array([1999.9, 2001.0])).tolist() == pytest.approx([1999.9, 2000.3519], abs=1e-4)


# --- forms by hand ----------------------------------------------------------------------------------------


# In the order of EXPECTED: the Stark column, log10 of the width per electron; La II has none.
STARK = {
    "5000-5005.vald": [
        *(-4.611, None, None, -4.82, -4.34, -5.29, -4.51, -5.01, None, -6.54),
        *(None, None, None, 0.0),
    ],
    "short-extract-all.vald": [-5.26, -5.26],
}


@pytest.mark.parametrize("name", STARK)
def test_stark_widths_are_those_of_the_extract_and_survive_the_list(name, tmp_path):
    lists = vald.read(reference(name))
    found = np.concatenate([lines.stark for lines in lists]).tolist()
    assert len(found) == len(STARK[name])
    assert [value for value, wanted in zip(found, STARK[name], strict=True) if wanted is not None] == [
        wanted for wanted in STARK[name] if wanted is not None
    ]
    bsyn_list.write(lists, tmp_path / "list", "VALD")
    back = bsyn_list.read(tmp_path / "list")
    assert np.concatenate([lines.stark for lines in back]) == pytest.approx(found, abs=6e-4)


def test_molecule_has_no_stark_width(tmp_path):
    lists = vald.read(reference("short-all-unscaled.vald"))
    assert all(not lines.stark.any() for lines in lists if lines.species.is_molecule)


def read(tmp_path, text: str):
    return vald.read(extracts.write(tmp_path, text))


def test_short_stellar_with_abo_and_without_any_damping(tmp_path):
    check(
        read(tmp_path, SHORT_STELLAR + SCALED),
        [
            (FE, 5001.8631, 3.8816, 0.010, 725.240, 1, 10**8.18, "xx"),
            ("La II", 4999.4600, 0.4030, -0.770, 2.5, 1, 2.223e15 / 4999.46**2, "xx"),
        ],
    )


def test_note_of_the_scaling_decides_on_the_isotopes(tmp_path):
    scaled = [lines.species.turbospectrum.strip("' ") for lines in read(tmp_path, SHORT_ALL + SCALED)]
    unscaled = [lines.species.turbospectrum.strip("' ") for lines in read(tmp_path, SHORT_ALL + NOT_SCALED)]
    assert scaled == ["0607.000000", "26.000"]
    assert unscaled == ["0607.012014", "26.000"]


def test_isotope_of_an_atom_among_the_references_of_a_long_stellar_extract(tmp_path):
    (nickel,) = read(tmp_path, LONG_STELLAR + NOT_SCALED)
    assert nickel.species.turbospectrum.strip("' ") == "28.058"
    assert nickel.levels.tolist() == ["pd"]  # 3d9.4p to 3d9.4d, rows without quotes
    assert nickel.upper_weight.tolist() == [7.0]


@pytest.mark.parametrize(
    ("unit", "value"),
    [("WL_vac(nm)", "500.325840"), ("WL_vac(cm^-1)", "19986.97505"), ("WN_vac(cm^-1)", "19986.97505")],
)
def test_nanometres_and_wavenumbers(tmp_path, unit, value):
    """5003.2584 Å is 500.32584 nm and 1e8 / 5003.2584 = 19986.9749... cm-1."""
    text = SHORT_STELLAR.replace("WL_vac(A)", unit).replace("5003.2584", value).replace("5000.8547", value)
    iron = read(tmp_path, text + SCALED)[0]
    assert iron.wavelength[0] == pytest.approx(5001.8631, abs=2e-4)


def test_molecule_without_radiative_damping_gets_the_molecules_value(tmp_path):
    cn, iron = read(tmp_path, SHORT_ALL.replace("7.180", "0.000") + SCALED)
    assert cn.radiative.tolist() == [1e7]
    assert cn.damping.tolist() == [0.0]
    assert iron.damping.tolist() == [1.4]


def test_gzipped_as_vald_sends_it(tmp_path):
    path = tmp_path / "user.000001.gz"
    path.write_bytes(gzip.compress((LONG_ALL + SCALED).encode()))
    check(vald.read(path), TI_LONG[:1])
    path.write_bytes(path.read_bytes()[:-30])
    assert fault(path).startswith(f"{path}: the gzip file is damaged")


def test_comments_blank_rows_and_line_ends_of_another_system(tmp_path):
    text = "# begin request\n#\n" + SHORT_ALL.replace("'Fe 1'", "\n# 'Fe 1', 1, 2\n'Fe 1'") + SCALED
    path = tmp_path / "lines"
    path.write_bytes(text.replace("\n", "\r\n").encode())
    assert [lines.species.name for lines in vald.read(path)] == [CN, FE]


def test_hydrogen_and_what_turbospectrum_does_not_know_are_left_out_with_a_word(tmp_path, caplog):
    rows = SHORT_ALL.splitlines(keepends=True)
    more = [rows[3].replace("'Fe 1'", f"'{name}'") for name in ("H 1", "AlO 1", "Fe 4", "Fe 3", "He 1", "CH 2")]
    with caplog.at_level(logging.INFO):
        lists = read(tmp_path, "".join([*rows, *more]) + SCALED)
    assert [lines.species.name for lines in lists] == ["He I", CN, FE, "Fe III"]
    told = "\n".join(caplog.messages)
    assert "1 lines of hydrogen left out" in told
    for name in ("AlO (1 lines)", "Fe IIII (1 lines)", "CH (1 lines)"):
        assert name in told


def test_cut_at_vald_is_told(tmp_path, caplog):
    warning = " WARNING: Output was truncated to 100000 lines\n"
    read(tmp_path, warning + LONG_ALL + SCALED)
    assert "row 1: VALD says: WARNING: Output was truncated to 100000 lines" in caplog.text
    read(tmp_path, SHORT_STELLAR.replace(", 2, 6413", ", 19257, 6413") + SCALED)
    assert "VALD selected 19257 lines, the file holds 2" in caplog.text


# --- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "references", "turbospectrum"),
    [
        ("Fe 1", "   1 wl:K14   1 K14 Fe            ", "26.000"),
        ("Ba 2", "  9 iso:X   9 X (138)Ba+          ", "56.138"),
        ("Ni 1", "Kurucz Ni I 2014(62)Ni               1 wl:K08", "28.062"),
        ("TiO 1", " 3 wl:Plez 3 Plez    (48)TiO", "0822.000048"),
        ("MgH 1", " 3 wl:K    (24)MgH", "0112.000024"),
        ("CH 1", "(12)CH          13 wl:JLIY", "0106.000012"),
        ("C2 1", "   5 BBSB   (12)C(13)C    ", "0606.012013"),
        ("C2 1", "   5 BBSB   (13)C(12)C    ", "0606.012013"),
        ("C2 1", "   5 BBSB   (12)C2    ", "0606.012012"),
        ("CO 1", "   5 X   (12)C(16)O", "0608.012016"),
        ("Co 1", "   5 X   Co", "27.000"),
        ("OH 1", "   5 X   (16)OH", "0108.000016"),
        ("OH 1", "   5 X   (62)Ni", "0108.000000"),
    ],
)
def test_species_and_isotopes(name, references, turbospectrum):
    species = vald_names.species(name, vald_names.tag(references))
    assert species.turbospectrum.strip("' ") == turbospectrum
    assert species.charge == int(name[-1]) - 1


@pytest.mark.parametrize(
    ("lower", "upper", "letters"),
    [
        ("  LS                 3d2.(3P).4s.4p.(3P*) z5S*", "  LS               3d2.4s.(2D).5s 3D", "ps"),
        ("  LS                               3d4.4s2 a1G", "  LS               3d5.(2H).4p x1H*", "sp"),
        ("'  LS                              3d7.4s a5F'", "'  JK           3d6.4s.(6D<9/2>).4f 2[5]*'", "df"),
        ("  LS                              3d7.(4F).4s a5F", "  LS               3d7.(4F).6s e5F", "xx"),
        ("  LS                               2p6.3d 2D", "  LS                       2p6.4f 2F*", "df"),
        ("  Hb               3s2.4s2.1p4.5s1 X,2,0,e,12,1", "  Hb      3s2.4s1.1p4.5s2 B,2,0,e,13,2", "xx"),
        ("  LS", "  LS               3d5.(2H).4p x1H*", "xx"),
        ("", "", "xx"),
    ],
)
def test_level_letters(lower, upper, letters):
    assert vald_names.level_letters(lower, upper) == letters


# --- faults -----------------------------------------------------------------------------------------------


def fault(path) -> str:
    with pytest.raises(UserError) as caught:
        vald.read(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


FORMS = {
    "short all": SHORT_ALL + NOT_SCALED,
    "short stellar": SHORT_STELLAR + SCALED,
    "long all": LONG_ALL + SCALED,
    "long stellar": LONG_STELLAR + NOT_SCALED,
}


@pytest.mark.parametrize("form", FORMS)
def test_extract_cut_off_anywhere_before_its_note_is_refused(tmp_path, form):
    text = FORMS[form]
    for end in range(0, text.index("* oscillator"), 7):
        message = fault(extracts.write(tmp_path, text[:end]))
        assert message.startswith(str(tmp_path / "lines.vald"))


@pytest.mark.parametrize("form", FORMS)
def test_row_cut_off_in_the_middle_is_named(tmp_path, form):
    rows = FORMS[form].splitlines()
    number = next(i for i, row in enumerate(rows) if vald_names.is_species(row.split(",")[0].strip("'")))
    for length in range(8, len(rows[number].rstrip(" ,")) - 10, 9):
        cut = [*rows[:number], rows[number][:length], *rows[number + 1 :]]
        assert f"lines.vald, row {number + 1}: " in fault(extracts.write(tmp_path, "\n".join(cut) + "\n"))


@pytest.mark.parametrize("dropped", [3, 4, 5])
def test_long_line_without_one_of_its_rows(tmp_path, dropped):
    rows = (LONG_ALL + LONG_ALL.split("Waals\n")[1] + SCALED).splitlines(keepends=True)
    assert f"row 3: {TI[:2]} 1 is cut off: expected the row" in fault(
        extracts.write(tmp_path, "".join(rows[:dropped] + rows[dropped + 1 :]))
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("'Fe 1'", "'Xx 1'", "row 4: unknown species 'Xx 1'"),
        ("'Fe 1'", "'Fe 0'", "row 4: unknown species 'Fe 0'"),
        ("'Fe 1'", "'Am 2'", "row 4: unknown species 'Am 2'"),
        ("'Fe 1',", "Fe 1", "row 4: expected a row like 'Fe 1', 5000.5066"),
        ("WL_vac(A)", "WL_moon(A)", "row 2: expected VALD's header with WL_air(A) or WL_vac(A)"),
        ("WL_vac(A)", "WL_vac(um)", "row 2: expected VALD's header"),
        ("Excit(eV)", "Excit(K)", "row 2: expected VALD's header"),
        ("Waals", "", "row 2: expected VALD's header"),
        ("Elm Ion ", "Element ", "not a VALD extract: no header row"),
        ("5003.25840", "50o3.25840", "row 4: expected a number for wavelength, got '50o3.25840'"),
        ("5003.25840", "nan", "row 4: expected a number for wavelength, got 'nan'"),
        ("5003.25840", "-5003.2", "row 4: expected a wavelength above 0"),
        ("3.8816", "-3.8816", "row 4: expected a wavelength above 0 and an excitation energy of 0 or more"),
        ("  0.000,  1.110", "  7.500,  1.110", "row 4: van der Waals value 7.5: expected 0, a negative log10"),
        ("-5.290", " 5.290", "row 4: Stark value 5.29: expected 0 or a negative log10"),
        ("  1.110,", "", "row 4: expected 7 numbers after the species, got 6"),
        ("* oscillator strengths were scaled", "* oscillator", "the extract ends without VALD's note"),
    ],
)
def test_fault_is_named_in_one_line(tmp_path, old, new, words):
    text = SHORT_ALL + SCALED
    assert old in text
    assert words in fault(extracts.write(tmp_path, text.replace(old, new, 1)))


def test_extract_without_a_line_and_missing_file(tmp_path):
    header = "".join(SHORT_ALL.splitlines(keepends=True)[:2])
    assert "row 3: no line follows the header" in fault(extracts.write(tmp_path, header + SCALED))
    assert "no such line list" in fault(tmp_path / "none")
    assert "not a VALD extract" in fault(extracts.write(tmp_path, "", "empty"))
