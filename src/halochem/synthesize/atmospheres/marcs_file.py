"""One MARCS model: the site's `.mod` text file (Gustafsson et al. 2008, A&A 486, 951), or a table of iSpec's grid."""

from __future__ import annotations

import io
import math
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from halochem import untrusted
from halochem.errors import UserError

SIZE_LIMIT = 4 * untrusted.MB  # a model has some 30 kB
BOLTZMANN = 1.380649e-16  # erg/K
SOLAR_CARBON = 8.39  # of the models: Grevesse, Asplund & Sauval 2007
# p6000_g+4.0_m0.0_t01_st_z+0.00_a+0.00_c+0.00_n+0.00_o+0.00_r+0.00_s+0.00.mod
_NAME = re.compile(r"([ps])(\d+)_g([+-][\d.]+)_m([\d.]+)_t(\d\d)_\w\w_z([+-][\d.]+)_a([+-][\d.]+)_")
# What marks each row of the header, and which rows are read; the number comes first.
_HEADER = {
    "teff": "Teff [K]",
    "gravity": "Surface gravity",
    "microturbulence": "Microturbulence parameter",
    "mass": "mass",
    "metallicity": "Metallicity",
    "radius": "radius",
    "layers": "Number of depth points",
}
_STRUCTURE = "Model structure"
_THERMAL_FIELDS, _MASS_FIELDS = 9, 8  # columns of the first table and of the second
_ISPEC_COLUMNS = ("rhox", "temperature", "pgas", "abross", "logtau5", "depth", "pelectron")


@dataclass(frozen=True)
class Header:
    """What a model is of."""

    teff: float  # K
    logg: float  # dex, cgs
    feh: float
    alpha_fe: float
    c_fe: float = 0.0
    microturbulence: float = 2.0  # km/s
    mass: float = 0.0  # solar masses; 0 for plane-parallel models
    spherical: bool = False

    @property
    def labels(self) -> tuple[float, float, float, float]:
        """Place in the grid: teff, logg, feh, alpha_fe."""
        return self.teff, self.logg, self.feh, self.alpha_fe


@dataclass(frozen=True)
class Model:
    """The layers of a model from the surface inwards, all of shape (n_layers,)."""

    log_tau: np.ndarray  # scale on which models are matched: log10 tau_Ross, of iSpec's tables log10 tau5
    log_tau5: np.ndarray  # log10 of the continuum's optical depth at 5000 Å
    depth: np.ndarray  # cm, 0 at tau_Ross = 1, inwards
    temperature: np.ndarray  # K
    electron_pressure: np.ndarray  # dyn cm-2
    gas_pressure: np.ndarray  # dyn cm-2
    rosseland: np.ndarray  # cm2 g-1
    column_mass: np.ndarray  # g cm-2
    radius: float  # cm at tau_Ross = 1; at most 2 for plane-parallel models


# --- the site's text files ------------------------------------------------------------------------------


def rows_of(path: Path) -> list[str]:
    """The rows of a `.mod` or `.mod.gz` file. Raises UserError if it is damaged or no text."""
    content = untrusted.read_bytes(path, SIZE_LIMIT)
    try:
        return content.decode("ascii").splitlines()
    except ValueError:
        raise UserError(f"{path}: damaged, or no MARCS model (it is no text); fetch it again or remove it") from None


def read_header(rows: list[str], path: Path) -> Header:
    """The header of a `.mod` file, checked against the file's name and against the number of rows that follow it.

    Raises UserError for what is no MARCS model, a truncated one, and one whose name says something else.
    """
    head = _header_rows(rows, path)
    feh, alpha_fe = _numbers(head["metallicity"], 2, path)
    (radius,), (gravity,) = _numbers(head["radius"], 1, path), _numbers(head["gravity"], 1, path)
    single = {name: _numbers(head[name], 1, path)[0] for name in ("teff", "microturbulence", "mass")}
    if gravity <= 0 or single["teff"] <= 0 or radius <= 0:
        raise UserError(f"{path}: Teff, gravity and radius must be above 0; fetch it again or remove it")
    header = Header(
        teff=single["teff"],
        logg=round(math.log10(gravity), 3),
        feh=feh,
        alpha_fe=alpha_fe,
        c_fe=round(_carbon(rows, path) - SOLAR_CARBON - feh, 2),
        microturbulence=single["microturbulence"],
        mass=single["mass"],
        spherical=radius > 2.0,
    )
    _tables(rows, path)
    _check_name(header, path)
    return header


def read_mod(path: Path) -> Model:
    """The structure in a `.mod` or `.mod.gz` file. Raises UserError naming the row that is not as it should be."""
    rows = rows_of(path)
    (radius,) = _numbers(_header_rows(rows, path)["radius"], 1, path)
    first, second, layers = _tables(rows, path)
    thermal = _table(rows, first, layers, _THERMAL_FIELDS, path)
    mass = _table(rows, second, layers, _MASS_FIELDS, path)
    _, log_tau, log_tau5, depth, temperature, electron, gas, _, _ = thermal.T
    return _physical(Model(log_tau, log_tau5, depth, temperature, electron, gas, mass[:, 2], mass[:, 7], radius), path)


def _physical(model: Model, path: Path) -> Model:
    """The model; UserError where its depths do not ascend, or what must be above 0 is not."""
    if (np.diff(model.log_tau) <= 0).any():
        raise UserError(f"{path}: optical depths that do not ascend from layer to layer; fetch it again or remove it")
    positive = ("temperature", "electron_pressure", "gas_pressure", "rosseland", "column_mass")
    lacking = [name for name in positive if not (getattr(model, name) > 0).all()]
    if lacking or not model.radius > 0:
        raise UserError(f"{path}: {(lacking or ['radius'])[0]} is not above 0 everywhere; fetch it again or remove it")
    return model


def _header_rows(rows: list[str], path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in rows[:40]:
        if row.startswith(_STRUCTURE):
            break
        for name, mark in _HEADER.items():
            if name not in found and mark.lower() in row.lower():
                found[name] = row
                break
    missing = [name for name in _HEADER if name not in found]
    if missing:
        expected = f"a row with {_HEADER[missing[0]]!r} above {_STRUCTURE!r}"
        raise UserError(f"{path}: no MARCS model, its header lacks {expected}; remove it or fetch it again")
    return found


def _carbon(rows: list[str], path: Path) -> float:
    start = next((i for i, row in enumerate(rows) if row.startswith("Logarithmic chemical number")), None)
    if start is None or start + 1 >= len(rows):
        raise UserError(f"{path}: no MARCS model, its header lacks the abundances; remove it or fetch it again")
    return _numbers(rows[start + 1], 6, path)[5]


def _numbers(row: str, count: int, path: Path) -> list[float]:
    try:
        values = [float(word) for word in row.split()[:count]]
    except ValueError:
        values = []
    if len(values) < count or not all(map(math.isfinite, values)):
        raise UserError(
            f"{path}: expected {count} number(s) at the start of {untrusted.short(row.strip())}; fetch it again"
        )
    return values


def _tables(rows: list[str], path: Path) -> tuple[int, int, int]:
    """First row of the two tables and the number of layers, all rows being there."""
    layers = int(_numbers(_header_rows(rows, path)["layers"], 1, path)[0])
    start = next((i for i, row in enumerate(rows) if row.startswith(_STRUCTURE)), len(rows))
    first = start + 2
    second = first + layers + 1
    last = rows[second + layers - 1].split() if len(rows) >= second + layers else []
    if layers < 2 or len(last) < _MASS_FIELDS or "RHOX" not in rows[second - 1]:
        found = max(len(rows) - first, 0)
        raise UserError(
            f"{path}: truncated, {found} rows after the header, expected at least {2 * layers + 1} "
            f"({layers} layers, twice); fetch it again"
        )
    return first, second, layers


def _table(rows: list[str], start: int, layers: int, fields: int, path: Path) -> np.ndarray:
    table = []
    for number in range(start, start + layers):
        words = rows[number].split()
        try:
            values = [float(word) for word in words]
        except ValueError:
            values = []
        if len(values) != fields or not np.isfinite(values).all():
            raise UserError(f"{path}: row {number + 1}: expected {fields} numbers, got {untrusted.short(rows[number])}")
        table.append(values)
    return np.array(table)


def _check_name(header: Header, path: Path) -> None:
    match = _NAME.match(path.name)
    if match is None:  # sun.mod and the like
        return
    geometry, *words = match.groups()
    try:
        teff, logg, mass, microturbulence, feh, alpha_fe = (float(word.rstrip(".")) for word in words)
    except ValueError:
        raise UserError(f"{path}: numbers expected in its name; name it as the MARCS site does") from None
    pairs = {
        "geometry": (geometry, "s" if header.spherical else "p", 0.0),
        "Teff": (teff, header.teff, 0.5),
        "log g": (logg, header.logg, 0.006),
        "[Fe/H]": (feh, header.feh, 0.006),
        "[alpha/Fe]": (alpha_fe, header.alpha_fe, 0.006),
        "mass": (mass, header.mass, 0.06),
        "microturbulence": (microturbulence, header.microturbulence, 0.5),
    }
    for what, (named, inside, tolerance) in pairs.items():
        if named != inside and (what == "geometry" or abs(named - inside) > tolerance):
            raise UserError(
                f"{path}: {what} {named} in its name but {inside} in its header; fetch it again or remove it"
            )


# --- iSpec's tables -------------------------------------------------------------------------------------


def read_ispec(path: Path) -> Model:
    """The structure in a FITS table of iSpec's grid, one row a layer. Raises UserError for anything else."""
    from astropy.io import fits

    try:
        content = io.BytesIO(untrusted.read_bytes(path, SIZE_LIMIT))
        with warnings.catch_warnings(action="ignore"), fits.open(content, memmap=False) as file:
            table = file[1].data
            names = {name.lower() for name in table.dtype.names}
            missing = [name for name in _ISPEC_COLUMNS if name not in names]
            columns = {name: np.asarray(table[name], float) for name in _ISPEC_COLUMNS if name not in missing}
            radius = float(table["radius"][0]) if "radius" in names else 1.0
    except Exception as error:  # astropy raises anything for a damaged table
        reason = untrusted.one_line(error)
        raise UserError(f"{path}: not a readable FITS table ({reason}); fetch the grid again") from None
    if missing:
        raise UserError(f"{path}: column {missing[0]} is missing; expected {', '.join(_ISPEC_COLUMNS)}")
    whole = all(values.ndim == 1 and np.isfinite(values).all() for values in columns.values())
    if not whole or len(columns["rhox"]) < 2:
        raise UserError(f"{path}: expected two or more layers of finite numbers; fetch the grid again")
    model = Model(
        log_tau=columns["logtau5"],
        log_tau5=columns["logtau5"],
        depth=columns["depth"],
        temperature=columns["temperature"],
        electron_pressure=columns["pelectron"],
        gas_pressure=columns["pgas"],
        rosseland=columns["abross"],
        column_mass=columns["rhox"],
        radius=radius,
    )
    return _physical(model, path)
