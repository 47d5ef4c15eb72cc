"""What the network sees of a star: numbers in which its spectrum varies smoothly.

A spectrum has kinks in the plain labels, each for a reason that is known:
- the atmosphere is taken at the nearest edge of the c3k models (log g above 5.0 or 5.5, [alpha/Fe] outside -0.2 to
  0.6), so the structure's own labels go in beside those of the composition;
- the microturbulence stands still outside the range of its relation, so it goes in itself;
- molecules answer to abundances the more, the cooler the star, so products with 5040 K / Teff go in;
- CO binds all carbon or all oxygen of a cool star, whichever is rarer, so that the other one alone is left for CH,
  C2, CN or for OH, TiO. What is left after CO has formed goes in, at the temperatures of two layers;
- the structure itself is no smooth function of its labels (convection, the onset of molecules): its temperature,
  pressure and electron density at six optical depths go in, from the c3k network that the emulator carries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from halochem.files import STAR_LABELS
from halochem.synthesize import composition
from halochem.synthesize.atmospheres import c3k

LABEL_FEATURES = (
    *("teff", "theta", "logg_structure", "microturbulence", "feh", "c_fe", "alpha_fe", "alpha_structure"),
    *("c_h", "alpha_h", "free_c_cool", "free_o_cool", "free_c_warm", "free_o_warm", "c_minus_o"),
    *("theta_free_c", "theta_free_o", "theta_feh", "theta_logg", "theta_theta"),
)
# log10 of the Rosseland optical depths between which all of the light comes from.
DEPTHS = (-4.0, -3.0, -2.0, -1.0, -0.3, 0.3)
STRUCTURE_FEATURES = tuple(
    f"{quantity}_{depth:g}" for quantity in ("theta", "log_gas_pressure", "log_electron_density") for depth in DEPTHS
)
NAMES = LABEL_FEATURES + STRUCTURE_FEATURES

# log10 of the dissociation constant of CO [dyn cm-2], powers of 5040 K / T: Tsuji 1973, A&A 23, 411
_CO = (13.820, -11.795, -0.1722, 0.02288, -0.001135)
# Layers whose light is seen in strong and in weak lines: their temperature over Teff.
_COOL, _WARM = 0.75, 0.95
# Share of an element below which what is left of it shows in no spectrum.
_TRACE = 3e-3


def structure_labels(labels: np.ndarray) -> np.ndarray:
    """teff, logg, feh, alpha_fe of the c3k structures of these stars, (n, 4): `c3k.nearest_covered` for many stars.

    `labels`: (n, 5), the columns of files.STAR_LABELS.
    """
    teff, logg, feh, _, alpha_fe = labels.T
    logg_max = np.where(teff <= c3k.TEFF_COOL, c3k.LOGG[1], c3k.LOGG_MAX_HOT)
    return np.column_stack(
        [
            np.clip(teff, *c3k.TEFF),
            np.clip(logg, c3k.LOGG[0], logg_max),
            np.clip(feh, *c3k.FEH),
            np.clip(alpha_fe, *c3k.ALPHA_FE),
        ]
    )


def features(labels: np.ndarray, c3k_network: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
    """The columns NAMES for stars of labels (n, 5), the columns of files.STAR_LABELS: float64, (n, len(NAMES)).

    `c3k_network`: the arrays of `c3k.convert`; without them the columns LABEL_FEATURES alone.
    """
    of_labels = _label_features(labels)
    if c3k_network is None:
        return of_labels
    return np.hstack([of_labels, _structure_features(structure_labels(labels), c3k_network)])


def _structure_features(labels: np.ndarray, network: Mapping[str, np.ndarray]) -> np.ndarray:
    """The columns STRUCTURE_FEATURES for covered labels teff, logg, feh, alpha_fe (n, 4): float64."""
    # In single precision: the features are smooth to 1e-5, and it takes half the time.
    labels = labels.astype(np.float32)
    columns = {name: c3k.evaluate(network, name, labels).astype(float) for name in c3k.COLUMNS}
    mass, opacity = 10.0 ** columns["column_mass"], 10.0 ** columns["rosseland"]
    between = 0.5 * np.diff(mass) * (opacity[:, 1:] + opacity[:, :-1])
    tau = np.cumsum(np.hstack([mass[:, :1] * opacity[:, :1], np.maximum(between, 0.0)]), axis=1)
    place = _Place.of(np.log10(tau))
    theta = 5040.0 / 10.0 ** place.of_column(columns["temperature"])
    return np.hstack([theta, place.of_column(columns["gas_pressure"]), place.of_column(columns["electron_density"])])


@dataclass(frozen=True)
class _Place:
    """Where DEPTHS lie among the layers of n structures: below layer `above` by `share` of the step, (n, d) each."""

    above: np.ndarray
    share: np.ndarray

    @classmethod
    def of(cls, log_tau: np.ndarray) -> _Place:
        """For log10 of the optical depths of layers, (n, layers), not falling inwards."""
        above = np.stack([(log_tau < depth).sum(axis=1) - 1 for depth in DEPTHS], axis=1)
        above = np.clip(above, 0, log_tau.shape[1] - 2)
        first, second = (np.take_along_axis(log_tau, above + k, axis=1) for k in (0, 1))
        return cls(above, np.clip((np.array(DEPTHS) - first) / np.maximum(second - first, 1e-9), 0.0, 1.0))

    def of_column(self, column: np.ndarray) -> np.ndarray:
        """A column (n, layers), linear in between, at DEPTHS: (n, d)."""
        first, second = (np.take_along_axis(column, self.above + k, axis=1) for k in (0, 1))
        return first + self.share * (second - first)


def _label_features(labels: np.ndarray) -> np.ndarray:
    """The columns LABEL_FEATURES for labels (n, 5): float64."""
    teff, logg, feh, c_fe, alpha_fe = labels.T
    structure = structure_labels(labels)
    solar = composition.abundances(0.0, 0.0, 0.0)
    carbon = solar[composition.CARBON] + feh + c_fe - 12.0
    oxygen = solar[composition.ALPHA_ELEMENTS["O"]] + feh + alpha_fe - 12.0
    log_pressure = 4.8 + 0.6 * (structure[:, 1] - 4.5) - 0.3 * feh
    free_c_cool, free_o_cool = _free(carbon, oxygen, _COOL * teff, log_pressure - 1.0)
    free_c_warm, free_o_warm = _free(carbon, oxygen, _WARM * teff, log_pressure)
    columns = {
        "teff": teff,
        "theta": 5040.0 / teff,
        "logg_structure": structure[:, 1],
        "microturbulence": microturbulence(teff, logg),
        "feh": feh,
        "c_fe": c_fe,
        "alpha_fe": alpha_fe,
        "alpha_structure": structure[:, 3],
        "c_h": carbon,
        "alpha_h": oxygen,
        "free_c_cool": free_c_cool,
        "free_o_cool": free_o_cool,
        "free_c_warm": free_c_warm,
        "free_o_warm": free_o_warm,
        "c_minus_o": np.tanh((carbon - oxygen) / 0.1),
    }
    by_theta = {
        "free_c": free_c_cool,
        "free_o": free_o_cool,
        "feh": feh,
        "logg": structure[:, 1],
        "theta": 5040.0 / teff,
    }
    columns |= {f"theta_{name}": values * columns["theta"] for name, values in by_theta.items()}
    return np.column_stack([columns[name] for name in LABEL_FEATURES])


def _free(
    carbon: np.ndarray, oxygen: np.ndarray, temperature: np.ndarray, log_pressure: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """log10 of the carbon and oxygen that CO leaves, by number over hydrogen, from log10 of all there is."""
    theta = 5040.0 / temperature
    kappa = 10.0 ** (sum(c * theta**k for k, c in enumerate(_CO)) - log_pressure)  # free C x free O / CO
    c, o = 10.0**carbon, 10.0**oxygen
    b = kappa + c + o
    bound = 2.0 * c * o / (b + np.sqrt(b**2 - 4.0 * c * o))
    # From the mass action of the other where the subtraction would cancel.
    left_c = np.where(c > o, c - bound, 0.0)
    left_o = np.where(c > o, 0.0, o - bound)
    left_o = np.where(c > o, kappa * o / (kappa + left_c), left_o)
    left_c = np.where(c > o, left_c, kappa * c / (kappa + left_o))
    return np.log10(left_c + _TRACE * c), np.log10(left_o + _TRACE * o)


def microturbulence(teff: np.ndarray, logg: np.ndarray) -> np.ndarray:
    """`composition.microturbulence` for many stars."""
    return np.vectorize(composition.microturbulence, otypes=[float])(teff, logg)


def matrix(labels) -> np.ndarray:
    """The columns of files.STAR_LABELS of a table, (n, 5) float64."""
    return labels[list(STAR_LABELS)].to_numpy(float)
