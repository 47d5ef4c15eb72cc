"""Which stars are shown as examples: one of each class, chosen by a rule that knows nothing of the fit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from halochem import files
from halochem.errors import UserError
from halochem.evaluate.classes import CLASSES, true_labels
from halochem.report import catalog_rows

# The paper's examples have Teff near this [K]; lines of all three decoders are visible there.
TEFF = 5500.0

SHOWN = ("alpha_pmp", "cemp", "solar_like")

# The middle of each class [dex]: what the nearest star is measured from where the class is empty.
_CENTRES = {
    "alpha_pmp": {"feh": -1.6, "alpha_fe": -0.1},
    "cemp": {"feh": -1.6, "c_fe": 1.8},
    "solar_like": {"feh": 0.0, "c_fe": 0.0, "alpha_fe": 0.0},
}
# Standard deviations of the labels in the paper's halo (Eqs. 12-14), to weigh the labels against each other
_SPREAD = {"feh": 0.57, "c_fe": 0.75, "alpha_fe": 0.15}


@dataclass(frozen=True)
class Choice:
    """An example star: its row in the table, and whether the class has members to choose from."""

    class_name: str
    row: int
    is_member: bool

    @property
    def title(self) -> str:
        """What to call it."""
        title = CLASSES[self.class_name].title
        return title if self.is_member else f"no {title}; the nearest"


@dataclass(frozen=True)
class Example:
    """A star to draw. Arrays (p,): wavelength [Å], clean flux, reconstruction (NaN outside the decoders)."""

    title: str
    star_id: str
    labels: dict[str, float]  # true teff [K], logg, feh, c_fe, alpha_fe [dex]; snr
    wavelength: np.ndarray
    clean: np.ndarray
    reconstruction: np.ndarray

    @property
    def relative_l2(self) -> float:
        """‖reconstruction − clean‖ / ‖clean‖ over the decoder pixels."""
        inside = np.isfinite(self.reconstruction)
        difference = self.reconstruction[inside] - self.clean[inside]
        return float(np.linalg.norm(difference) / np.linalg.norm(self.clean[inside]))


def choose(table: pd.DataFrame) -> list[Choice]:
    """A test star of each class of SHOWN: the member whose Teff is nearest TEFF.

    A class without a member gives the star nearest its centre, marked so. No star twice; none where no test
    star has latents and true labels.
    """
    true = true_labels(table)
    free = (table["split"] == "test").to_numpy() & np.isfinite(table["z_m"].to_numpy(float))
    free &= np.isfinite(true.to_numpy()).all(axis=1)
    choices = []
    for name in SHOWN:
        if not free.any():
            break
        members = CLASSES[name].member(true) & free
        if members.any():
            distance = np.where(members, np.abs(true["teff"].to_numpy() - TEFF), np.inf)
        else:
            terms = [((true[k].to_numpy() - centre) / _SPREAD[k]) ** 2 for k, centre in _CENTRES[name].items()]
            distance = np.where(free, np.sum(terms, axis=0), np.inf)
        row = int(np.argmin(distance))
        choices.append(Choice(name, row, bool(members.any())))
        free[row] = False
    return choices


def build(table: pd.DataFrame, catalog: Path, model_folder: Path) -> list[Example]:
    """The examples with their spectra, and the reconstructions by the model; none without clean flux.

    Only the rows wanted are read: a whole catalog is gigabytes.
    """
    from halochem.encode import latents
    from halochem.train import model_files

    choices = choose(table)
    rows = np.array([choice.row for choice in choices], int)
    wavelength, flux, clean, bad = _read_rows(catalog, table, rows)
    if not choices or clean is None:
        return []
    model = model_files.load(model_folder)
    model_files.check_grid(wavelength, model.wavelength, catalog, model_folder)
    rebuilt = np.full(flux.shape, np.nan)
    rebuilt[:, model.pixels] = latents.infer(model, flux, bad).reconstruction
    labels = true_labels(table).assign(snr=table["snr"].to_numpy(float))
    return [
        Example(
            title=choice.title,
            star_id=str(table["star_id"].iloc[choice.row]),
            labels={name: float(value) for name, value in labels.iloc[choice.row].items()},
            wavelength=wavelength,
            clean=clean[k].astype(float),
            reconstruction=rebuilt[k],
        )
        for k, choice in enumerate(choices)
    ]


def _read_rows(
    path: Path, table: pd.DataFrame, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    with files.open_hdf5(path, "observe") as file:
        catalog_rows.check(path, file, table)
        order = np.argsort(rows)
        try:
            parts = list(catalog_rows.blocks(file, rows[order]))
            wavelength = file["wavelength"][:]
        except OSError as error:
            raise UserError(f"{path}: damaged ({error}); delete it and run `halochem observe`") from None
    place = np.argsort(order)
    columns = zip(*parts, strict=True) if parts else ([None],) * 3
    flux, clean, bad = (None if part[0] is None else np.concatenate(part)[place] for part in columns)
    return wavelength, flux, clean, bad
