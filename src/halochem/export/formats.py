"""FITS, VOTable and CSV, each keeping of units, UCDs and descriptions what it can."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from halochem.errors import UserError
from halochem.export.table import Described, Export
from halochem.files import atomic

# FITS 4.0, Sect. 4.3 has log() but no dex; [Fe/H] and its like are in dex all the same in every survey's files.
GRAVITY_IN_FITS = "log(cm.s**-2)"
# As VOTable 1.3 has them: from 1.4 on units follow VOUnits, which has no dex.
GRAVITY_IN_VOTABLE, DEX_IN_VOTABLE = "[cm.s-2]", "[-]"
KEYWORDS = {"seed": "SEED", "halochem_version": "HALOVER", "config_hash": "CONFHASH", "schema_version": "HALOSCHM"}


def _values(export: Export, name: str) -> np.ndarray:
    """A column as FITS and VOTable take it: text as ASCII bytes."""
    values = export.frame[name].to_numpy()
    if values.dtype.kind not in "OUT":
        return values
    try:
        # A column of no rows still has a width.
        return np.array([str(value).encode("ascii") for value in values], dtype=bytes if len(values) else "S1")
    except UnicodeEncodeError as error:
        raise UserError(f"{export.path}: column {name}: {error.object!r} is not ASCII; export to CSV") from None


def write_fits(export: Export, out: Path) -> None:
    """A binary table: TUNITn, TUCDn and TCOMMn (the description) of each column, as STIL and astropy name them."""
    from astropy.io import fits

    columns = [
        fits.Column(name, _fits_format(values), unit=_fits_unit(export.described[name]), array=values)
        for name in export.frame
        for values in [_values(export, name)]
    ]
    table = fits.BinTableHDU.from_columns(columns, nrows=len(export.frame), name="STARS")
    for number, name in enumerate(export.frame, start=1):
        described = export.described[name]
        for keyword, text in ((f"TUCD{number}", described.ucd), (f"TCOMM{number}", described.description)):
            if text:
                table.header[keyword] = text
    for key, keyword in KEYWORDS.items():
        if key in export.origin:
            table.header[keyword] = export.origin[key]
    with atomic(out) as temporary, warnings.catch_warnings():
        # Long descriptions go on in CONTINUE cards, as the standard has it.
        warnings.simplefilter("ignore", fits.verify.VerifyWarning)
        fits.HDUList([fits.PrimaryHDU(), table]).writeto(temporary, overwrite=True, checksum=True)


def _fits_format(values: np.ndarray) -> str:
    if values.dtype.kind == "S":
        return f"{values.dtype.itemsize}A"
    formats = {"bool": "L", "uint8": "B", "int16": "I", "int32": "J", "int64": "K", "float32": "E", "float64": "D"}
    return formats[values.dtype.name]


def _fits_unit(described: Described) -> str | None:
    return GRAVITY_IN_FITS if described.unit == "dex" and described.is_gravity else described.unit or None


def write_votable(export: Export, out: Path) -> None:
    """A VOTable 1.3, data in BINARY2: unit, UCD and description of each column, the table's origin as INFO."""
    from astropy.io.votable.tree import Field, Info, Resource, TableElement, VOTableFile

    # Not `from_table`: it makes a VOTable 1.4, which refuses these units.
    document = VOTableFile(version="1.3")
    resource = Resource(type="results")
    document.resources.append(resource)
    resource.infos.extend(Info(name=name, value=value) for name, value in export.origin.items())
    table = TableElement(document)
    resource.tables.append(table)
    table.description = f"{export.path.name}, exported by halochem"
    values = {name: _values(export, name) for name in export.frame}
    for name, described in export.described.items():
        field = Field(document, name=name, ID=name, unit=_votable_unit(described), **_votable_type(values[name]))
        field.ucd, field.description = described.ucd or None, described.description or None
        table.fields.append(field)
    table.create_arrays(len(export.frame))
    for name in values:
        table.array[name] = values[name]
    with atomic(out) as temporary:
        document.to_xml(str(temporary), tabledata_format="binary2")


def _votable_type(values: np.ndarray) -> dict[str, str]:
    if values.dtype.kind == "S":
        return {"datatype": "char", "arraysize": f"{values.dtype.itemsize}*"}
    datatypes = {"bool": "boolean", "uint8": "unsignedByte", "int16": "short", "int32": "int", "int64": "long"}
    return {"datatype": (datatypes | {"float32": "float", "float64": "double"})[values.dtype.name]}


def _votable_unit(described: Described) -> str | None:
    if described.unit != "dex":
        return described.unit or None
    return GRAVITY_IN_VOTABLE if described.is_gravity else DEX_IN_VOTABLE


def write_csv(export: Export, out: Path) -> None:
    """Plain CSV with a line of names; it has no place for units. Numbers keep all their digits; NaN is empty."""
    with atomic(out) as temporary:
        export.frame.to_csv(temporary, index=False)


WRITERS: dict[str, Callable[[Export, Path], None]] = {
    "fits": write_fits,
    "votable": write_votable,
    "csv": write_csv,
}
