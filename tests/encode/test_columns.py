import io
import warnings
from pathlib import Path

import pytest
from astropy import units
from astropy.io import votable
from astropy.io.votable.ucd import parse_ucd

from halochem.encode import columns


def test_data_dictionary_is_up_to_date():
    path = Path(__file__).parents[2] / "docs" / "data-dictionary.md"
    assert path.read_text(encoding="utf-8") == columns.markdown(), "run python -m halochem.encode.columns"


def test_names_are_unique_and_described():
    assert len(columns.BY_NAME) == len(columns.COLUMNS)
    for column in columns.COLUMNS:
        assert column.description
        assert "|" not in column.description  # would break the table


@pytest.mark.parametrize("column", columns.COLUMNS, ids=lambda column: column.name)
def test_ucds_are_words_of_the_ivoa(column):
    parse_ucd(column.ucd, check_controlled_vocabulary=True)


LENGTHS = {"star_id": 13, "split": 5}


def test_columns_of_the_design():
    expected = ["star_id", "split", "z_m", "z_c", "z_alpha", "z_m_sigma", "z_c_sigma", "z_alpha_sigma"]
    expected += ["rho_m_c", "rho_m_alpha", "rho_c_alpha", "w_1", "w_2", "teff", "logg"]
    expected += ["feh", "feh_sigma", "c_fe", "c_fe_sigma", "alpha_fe", "alpha_fe_sigma"]
    expected += ["flag_cemp", "flag_alpha_pmp", "flag_anomalous", "flag_out_of_grid"]
    expected += ["rel_l2_error", "rel_l2_error_clean", "chi2_reduced", "latent_norm"]
    expected += ["teff_true", "logg_true", "feh_true", "c_fe_true", "alpha_fe_true", "snr", "status"]
    assert [name for name in columns.BY_NAME if name in expected] == expected


def test_votable_is_read_without_a_warning():
    xml = io.BytesIO(columns.votable("stars & more", LENGTHS).encode())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = votable.parse(xml, verify="warn").get_first_table()
    assert [field.name for field in table.fields] == list(columns.BY_NAME)
    for field in table.fields:
        column = columns.BY_NAME[field.name]
        assert (field.ucd, field.description) == (column.ucd, column.description)
    assert table.description == "stars & more"


def test_votable_holds_the_ranges():
    table = votable.parse(io.BytesIO(columns.votable("stars", LENGTHS).encode())).get_first_table()
    values = {field.name: field.values for field in table.fields}
    assert (values["rho_m_c"].min, values["rho_m_c"].max) == (-1, 1)
    assert (values["chi2_reduced"].min, values["chi2_reduced"].max) == (0, None)
    assert values["feh"].min is values["feh"].max is None
    assert [option for _, option in values["split"].options] == ["train", "test"]


def test_declared_encoding_is_the_one_of_the_convention(monkeypatch):
    # What a machine of another locale answers; VOParquet admits UTF-8 alone.
    monkeypatch.setattr("locale.getpreferredencoding", lambda *_: "ISO-8859-1")
    monkeypatch.setattr("locale.getencoding", lambda: "ISO-8859-1")
    declaration = columns.votable("stars", LENGTHS).partition("?>")[0]
    assert "encoding='UTF-8'" in declaration


def test_ranges_in_words():
    words = {name: columns.printed_range(columns.BY_NAME[name]) for name in ("feh", "snr", "rho_m_c", "split")}
    assert words == {"feh": "", "snr": "0 or more", "rho_m_c": "-1 to 1", "split": "train or test"}


@pytest.mark.parametrize("column", columns.COLUMNS, ids=lambda column: column.name)
def test_votable_units_are_those_of_the_dictionary(column):
    found = units.Unit(columns.votable_unit(column), format="cds")
    gravity = units.dex(units.cm / units.s**2)
    expected = {"": units.dimensionless_unscaled, "K": units.K, "dex": units.dex}[column.unit]
    assert found == (gravity if column.name.startswith("logg") else expected)
