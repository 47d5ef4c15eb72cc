"""The columns of the product, defined once: name, type, unit, UCD, description, range.

From this list come the Parquet schema, its VOTable header, and docs/data-dictionary.md
(`python -m halochem.encode.columns`; a test fails when they drift).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from halochem.config import Element
from halochem.errors import UserError

SCHEMA_VERSION = "1"  # of the columns; raised when one is renamed, removed or changes its meaning
VOTABLE_NAMESPACE = "http://www.ivoa.net/xml/VOTable/v1.3"
# type in Arrow -> datatype in VOTable
DATATYPES = {"string": "char", "float64": "double", "bool": "boolean", "uint8": "unsignedByte"}


@dataclass(frozen=True)
class Column:
    """One column: `kind` is a key of DATATYPES, `unit` as printed ("" for none), `ucd` as UCD1+.

    Values lie from `low` to `high`, both included, or are missing; or are among `options`, where there are some.
    """

    name: str
    kind: str
    unit: str
    ucd: str
    description: str
    low: float | None = None
    high: float | None = None
    options: tuple[str, ...] = ()


def _float(
    name: str, unit: str, ucd: str, description: str, low: float | None = None, high: float | None = None
) -> Column:
    return Column(name, "float64", unit, ucd, description, low, high)


def _not_negative(name: str, unit: str, ucd: str, description: str) -> Column:
    return _float(name, unit, ucd, description, low=0)


def _flag(name: str, description: str) -> Column:
    return Column(name, "bool", "", "meta.code", description)


_LATENTS = (("z_m", "[Fe/H]"), ("z_c", "[C/Fe]"), ("z_alpha", "[alpha/Fe]"))
_ABUNDANCES = (
    ("feh", "[Fe/H]", "phys.abund.Fe"),
    ("c_fe", "[C/Fe]", "phys.abund"),
    ("alpha_fe", "[alpha/Fe]", "phys.abund"),
)
_CLASSES = (
    (
        "cemp",
        "carbon-enhanced metal-poor ([C/Fe] > 0.7, [Fe/H] < -1)",
        "c_fe",
        "z_c above encode.flag_c_sigma",
    ),
    (
        "alpha_pmp",
        "alpha-poor metal-poor ([alpha/Fe] < 0, [Fe/H] < -1)",
        "alpha_fe",
        "z_alpha below minus encode.flag_alpha_sigma",
    ),
)
_ATMOSPHERE = (
    ("teff", "K", "effective temperature", "phys.temperature.effective"),
    ("logg", "dex", "log10 of the surface gravity in cgs", "phys.gravity"),
)

COLUMNS: tuple[Column, ...] = (
    Column("star_id", "string", "", "meta.id;meta.main", "identifier, unique over catalogs"),
    Column(
        "split",
        "string",
        "",
        "meta.code.class",
        "train: spectrum open to training and labels to the calibration; test: neither. In a catalog that "
        "the model was not trained on, train stars are open to the calibration only",
        options=("train", "test"),
    ),
    *(
        _float(name, "", "stat.fit.param", f"latent of {what}: mean of the posterior, standard normal prior")
        for name, what in _LATENTS
    ),
    *(
        _not_negative(
            f"{name}_sigma", "", "stat.error;stat.fit.param", f"standard deviation of the posterior of {name}"
        )
        for name, _ in _LATENTS
    ),
    *(
        _float(
            f"rho_{one}_{other}",
            "",
            "stat.correlation;stat.fit.param",
            f"correlation of z_{one} and z_{other} in the posterior",
            low=-1,
            high=1,
        )
        for one, other in (("m", "c"), ("m", "alpha"), ("c", "alpha"))
    ),
    _float("w_1", "", "stat.fit.param", "first auxiliary latent, of the atmosphere"),
    _float("w_2", "", "stat.fit.param", "second auxiliary latent, of the atmosphere"),
    *(_float(name, unit, f"{ucd};stat.fit.param", f"{what}, read from w") for name, unit, what, ucd in _ATMOSPHERE),
    *(
        column
        for (name, what, ucd), (latent, _) in zip(_ABUNDANCES, _LATENTS, strict=True)
        for column in (
            _float(
                name,
                "dex",
                ucd,
                f"{what} by the line or curve (encode.calibration) through the labelled training stars' {latent} "
                f"and {what}",
            ),
            _not_negative(
                f"{name}_sigma",
                "dex",
                f"stat.error;{ucd}",
                f"standard deviation of {name}: of the star's own noise (encode.width) through the slope, of the "
                "labelled stars beyond that at its Teff, and of the curve, in quadrature; NaN where two stars fixed it",
            ),
        )
    ),
    *(
        _float(
            f"p_{name}",
            "",
            "stat.probability",
            f"probability of {what}, from feh and {label} with their standard deviations and a logistic curve through "
            "the labelled training stars; NaN where two stars fixed the lines",
            low=0,
            high=1,
        )
        for name, what, label, _ in _CLASSES
    ),
    *(
        _flag(
            f"flag_{name}",
            f"candidate for {what}: flag_{name}_paper or flag_{name}_calibrated, whichever encode.thresholds names",
        )
        for name, what, _, _ in _CLASSES
    ),
    *(
        _flag(
            f"flag_{name}_paper",
            f"candidate for {what} by the published cuts: {cut} and z_m below minus encode.flag_feh_sigma standard "
            "deviations from the training stars' mean; signs by labelled stars",
        )
        for name, what, _, cut in _CLASSES
    ),
    *(
        _flag(
            f"flag_{name}_calibrated",
            f"candidate for {what}: p_{name} at or above the threshold beyond which its mean over training stars is "
            "encode.flag_precision, or the best that there is",
        )
        for name, what, _, _ in _CLASSES
    ),
    _flag(
        "flag_anomalous",
        "chi2_reduced above that of all but the share encode.false_alarm of stars that training did not see",
    ),
    _flag("flag_out_of_grid", "the atmosphere was taken at its grid's edge, or there is more carbon than oxygen"),
    _not_negative(
        "rel_l2_error",
        "",
        "stat.fit.residual",
        "sum (x~ - x)^2 / sum x^2 over the decoders' pixels, x the observed flux, x~ its reconstruction: Eq. "
        "A.5 of Signor et al. 2025 for one star, without a square root",
    ),
    _not_negative(
        "rel_l2_error_clean", "", "stat.fit.residual", "the same against the flux without noise, where known"
    ),
    _not_negative(
        "flux_clean_norm",
        "",
        "stat.value",
        "square root of sum x^2 over the decoders' pixels, x the flux without noise; its square weighs "
        "rel_l2_error_clean in sums over stars",
    ),
    _not_negative(
        "chi2_reduced",
        "",
        "stat.fit.chi2",
        "mean of ((x~ - x) / sigma)^2 over the good pixels of the decoders",
    ),
    _not_negative("latent_norm", "", "stat.value", "Euclidean norm of (z_m, z_c, z_alpha)"),
    *(
        _float(
            f"{name}_obs",
            unit,
            f"{ucd};obs.param",
            f"{what} with its observational error, as training sees it",
            low=0 if unit == "K" else None,
        )
        for name, unit, what, ucd in _ATMOSPHERE
    ),
    *(
        _float(f"{name}_true", unit, f"{ucd};meta.modelled", f"true {what}", low=0 if unit == "K" else None)
        for name, unit, what, ucd in (
            *_ATMOSPHERE,
            *((name, "dex", what, ucd) for name, what, ucd in _ABUNDANCES),
        )
    ),
    _not_negative("snr", "", "stat.snr", "true signal-to-noise ratio per pixel"),
    Column(
        "status",
        "uint8",
        "",
        "meta.code.status",
        "0 computed, 1 computed by the safe second try, 2 failed: no spectrum, so that latents and all that "
        "follows from them are NaN and the flags false",
        low=0,
        high=2,
    ),
)


def of(elements: Sequence[Element]) -> tuple[Column, ...]:
    """The columns of a model of these elements: COLUMNS, and those of elements beyond the published three.

    Raises UserError for a name that is taken.
    """
    known = {latent for latent, _ in _LATENTS}
    more = []
    for k, element in enumerate(elements):
        if element.latent in known:
            continue
        others = [other for other in elements if other.latent in known or elements.index(other) < k]
        more += _further(element, others)
    taken = [column.name for column in (*COLUMNS, *more)]
    for column in more:
        if taken.count(column.name) > 1:
            raise UserError(f"train.elements: column {column.name} is there twice; give the element another name")
    return (*COLUMNS, *more)


def _further(element: Element, others: Sequence[Element]) -> list[Column]:
    z, label = element.latent, element.label
    columns = [
        _float(z, "", "stat.fit.param", f"latent of {element.name}: mean of the posterior, standard normal prior"),
        _not_negative(f"{z}_sigma", "", "stat.error;stat.fit.param", f"standard deviation of the posterior of {z}"),
        *(
            _float(
                f"rho_{other.latent.removeprefix('z_')}_{z.removeprefix('z_')}",
                "",
                "stat.correlation;stat.fit.param",
                f"correlation of {other.latent} and {z} in the posterior",
                low=-1,
                high=1,
            )
            for other in others
        ),
    ]
    if label is None:
        return columns
    curve = f"by the line or curve (encode.calibration) through the labelled training stars' {z} and {label}"
    return [
        *columns,
        _float(label, "dex", "phys.abund", f"abundance of {element.name}, {curve}; NaN where none is labelled"),
        _not_negative(f"{label}_sigma", "dex", "stat.error;phys.abund", f"standard deviation of {label}, as of feh"),
        _float(f"{label}_true", "dex", "phys.abund;meta.modelled", f"true {label}, where known"),
    ]


BY_NAME = {column.name: column for column in COLUMNS}


def votable_unit(column: Column) -> str:
    """The unit as VOTable 1.3 has it: a logarithmic one is its argument's unit in brackets."""
    if column.unit != "dex":
        return column.unit
    return "[cm.s-2]" if column.ucd.startswith("phys.gravity") else "[-]"


def votable(description: str, lengths: dict[str, int], columns: Sequence[Column] = COLUMNS) -> str:
    """The data-less VOTable of a VOParquet file, as XML; `lengths` of the longest value of each string column.

    Version 1.3, because from 1.4 on units follow VOUnits, which has no dex.
    """
    root = ElementTree.Element("VOTABLE", version="1.3", xmlns=VOTABLE_NAMESPACE)
    table = ElementTree.SubElement(ElementTree.SubElement(root, "RESOURCE", type="results"), "TABLE")
    ElementTree.SubElement(table, "DESCRIPTION").text = description
    for column in columns:
        attributes = {"ID": column.name, "name": column.name, "ucd": column.ucd}
        attributes |= {"datatype": DATATYPES[column.kind]}
        attributes |= {"arraysize": f"{lengths[column.name]}*"} if column.kind == "string" else {}
        attributes |= {"unit": votable_unit(column)} if column.unit else {}
        field = ElementTree.SubElement(table, "FIELD", attributes)
        ElementTree.SubElement(field, "DESCRIPTION").text = column.description
        _add_values(field, column)
    # As bytes and back: with encoding="unicode" the declaration names the machine's encoding, and the convention
    # admits UTF-8 alone.
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True).decode()


def _add_values(field: ElementTree.Element, column: Column) -> None:
    limits = {"MIN": column.low, "MAX": column.high}
    children = [(name, f"{value:g}") for name, value in limits.items() if value is not None]
    children += [("OPTION", option) for option in column.options]
    if children:
        values = ElementTree.SubElement(field, "VALUES")
        for name, value in children:
            ElementTree.SubElement(values, name, value=value)


def printed_range(column: Column) -> str:
    """The range of a column in words, "" for any value."""
    if column.options:
        return " or ".join(column.options)
    if column.low is None or column.high is None:
        return "" if column.low is None else f"{column.low:g} or more"
    return f"{column.low:g} to {column.high:g}"


def markdown() -> str:
    """docs/data-dictionary.md."""
    lines = [
        "# Data dictionary",
        "",
        "The columns of `results/tables/halo-{seed}.parquet`, one row a star. Generated from",
        "`src/halochem/encode/columns.py` by `python -m halochem.encode.columns`. Unit, UCD and description",
        "are in each field's metadata, and with the range in the file's VOParquet header, which astropy reads with",
        '`Table.read(path, format="parquet.votable")`. Missing numbers are NaN. In formulas x is flux and x~',
        "its reconstruction. `halochem verify` holds the tables to the ranges.",
        "",
        "| column | type | unit | range | UCD | description |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for column in COLUMNS:
        first = (f"`{column.name}`", column.kind, column.unit, printed_range(column))
        cells = (*first, f"`{column.ucd}`", column.description)
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "A model of more elements than these three (`train.elements`, [how-to](how-to/fourth-element.md)) adds columns",
        "at the end: for an element with latent `z_mg` and label `mg_fe`, `z_mg`, `z_mg_sigma`, its correlations",
        "`rho_*_mg` in the posterior, and `mg_fe`, `mg_fe_sigma`, `mg_fe_true`; without a label, the last three are",
        "not there. The footer's `halochem.elements` names the elements of such a table.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    target = Path("docs/data-dictionary.md")
    target.write_text(markdown(), encoding="utf-8")
    print(target)
