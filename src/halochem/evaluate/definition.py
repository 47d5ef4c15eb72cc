"""What a number of an evaluation is, and the names that numbers are of."""

from __future__ import annotations

from dataclasses import dataclass

LATENTS = {"z_m": "z_M", "z_c": "z_C", "z_alpha": "z_α"}
ABUNDANCES = {"feh": "[Fe/H]", "c_fe": "[C/Fe]", "alpha_fe": "[α/Fe]"}
PARAMETERS = {"teff": "Teff", "logg": "log g"}
# the abundance that each latent stands for
PARTNER = {"z_m": "feh", "z_c": "c_fe", "z_alpha": "alpha_fe"}
FLAGS = {"alpha_pmp": "flag_alpha_pmp", "cemp": "flag_cemp"}
# what stands between measure and class in a key -> the flags' suffix in the table, and what they are
FLAG_SETS = {"": ("_paper", "published cuts"), "_calibrated": ("_calibrated", "cut in probability")}


@dataclass(frozen=True)
class Definition:
    """One number. `spec` is its format; `better`: lower, higher, or none where neither is meant."""

    key: str
    group: str
    title: str
    meaning: str
    stars: str
    unit: str = ""
    spec: str = ".2f"
    better: str = "none"
