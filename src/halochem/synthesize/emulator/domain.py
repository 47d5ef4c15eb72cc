"""Where the emulator answers: the box of labels that the default halo fills."""

from __future__ import annotations

import numpy as np
import pandas as pd

from halochem.config import Sample
from halochem.errors import UserError
from halochem.files import STAR_LABELS
from halochem.sample.halo import default_sources

# Above this log g no c3k structure changes any more; the edge itself has to be well covered.
LOGG_HIGHEST_STRUCTURE = 5.5


def box() -> dict[str, tuple[float, float]]:
    """Lowest and highest value of each label [K, dex]: the published Teff and log g, the halo's whole support."""
    sample = Sample()
    p, q = default_sources()
    feh = (max(p.feh_range[0], q.feh_range[0]), min(p.feh_range[1], q.feh_range[1]))
    ranges = {"teff": sample.teff, "logg": sample.logg, "feh": feh, "c_fe": p.y_range, "alpha_fe": q.y_range}
    return {name: (float(ranges[name][0]), float(ranges[name][1])) for name in STAR_LABELS}


def refuse_outside(labels: pd.DataFrame, limits: dict[str, tuple[float, float]], where: str) -> None:
    """Raise UserError for the first star with a label outside `limits`; `where` names the table."""
    for name, (low, high) in limits.items():
        values = labels[name].to_numpy(float)
        bad = np.flatnonzero(~((values >= low) & (values <= high)))
        if len(bad):
            row = labels.index[bad[0]]
            raise UserError(
                f"{where}: row {row}, {name} {values[bad[0]]:g}: the emulator covers {low:g} to {high:g}; "
                "set synthesis.engine: turbospectrum for such stars"
            )
