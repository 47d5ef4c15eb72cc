"""From latents to abundances and classes: everything that the training stars fix, in one piece.

A table carries it in its footer, so that spectra without labels can be put on the same scale.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from halochem.config import Encode
from halochem.encode import calibration, flags, membership
from halochem.encode.calibration import PARTNER, Relation
from halochem.encode.flags import Reference
from halochem.encode.membership import BOUNDS, Curve, Cut
from halochem.files import Catalog

log = logging.getLogger("halochem")
ByLabel = dict[str, np.ndarray]
FEWEST_BEYOND = 5  # unseen stars above the limit of chi2_reduced, for which they alone are looked at


@dataclass(frozen=True)
class Scale:
    """`relations` by latent; `normal`: what is normal; `curves` and `cuts` by class; `precision`: asked of the cuts."""

    relations: dict[str, Relation]
    normal: Reference
    curves: dict[str, Curve]
    cuts: dict[str, Cut]
    precision: float

    @classmethod
    def measure(
        cls, frame: pd.DataFrame, catalog: Catalog, train_rows: np.ndarray, unseen: np.ndarray, encode: Encode
    ) -> Scale:
        """From a catalog's usable training stars, `train_rows`, in the frame of `product.measure`.

        `unseen`: those of them that the model was not fitted to.
        """
        z = frame[list(PARTNER)].to_numpy()
        teff = frame["teff"].to_numpy()[train_rows]
        labelled = calibration.labelled_rows(catalog.seed, train_rows, catalog.labels, encode.n_labelled)
        # Teff read from w, in its own spread: where all are alike, nothing is said of its effect.
        of_teff = (float(teff.mean()), float(teff.std()) or 1.0)
        relations = calibration.fit(frame, catalog.labels, labelled, of_teff, encode.calibration, catalog.path)
        chi2 = frame["chi2_reduced"].to_numpy()
        # Stars that the model was fitted to are reconstructed better than new ones; too few others fix no quantile.
        judges = unseen if len(unseen) * encode.false_alarm >= FEWEST_BEYOND else train_rows
        normal = flags.reference(z[train_rows], chi2[judges], encode.false_alarm)
        scale = cls(relations, normal, {}, {}, encode.flag_precision)
        abundances, sigma = scale.abundances(frame)
        true = {label: catalog.labels[label].to_numpy(float)[labelled] for label in PARTNER.values()}
        for name in BOUNDS:
            logit = membership.gaussian_logit(name, abundances, sigma)
            known = np.isfinite(logit[labelled])  # none where two stars fixed the curves
            member = membership.is_member(name, true)
            scale.curves[name] = membership.fit_curve(logit[labelled][known], member[known])
            probability = scale.curves[name].probability(logit[train_rows])
            scale.cuts[name] = membership.choose_cut(probability, encode.flag_precision)
        return scale

    def abundances(self, frame: pd.DataFrame) -> tuple[ByLabel, ByLabel]:
        """Abundances and their standard deviations [dex], (n,) each, by label."""
        values, sigma = {}, {}
        teff = frame["teff"].to_numpy(float)
        for latent, label in PARTNER.items():
            z, width = (frame[name].to_numpy(float) for name in (latent, f"{latent}_width"))
            relation = self.relations[latent]
            values[label], sigma[label] = relation.abundance(z), relation.sigma(z, width, teff)
        return values, sigma

    def probability(self, name: str, abundances: ByLabel, sigma: ByLabel) -> np.ndarray:
        """Of class `name`: (n,), NaN without a spectrum."""
        return self.curves[name].probability(membership.gaussian_logit(name, abundances, sigma))

    def published_flags(self, frame: pd.DataFrame, encode: Encode) -> ByLabel:
        """The flags by the published cuts, bool (n,), by class."""
        signs = [self.relations[z].sign for z in PARTNER]
        score = flags.standard_scores(frame[list(PARTNER)].to_numpy(), signs, self.normal)
        return {
            "cemp": flags.carbon_enhanced_metal_poor(score, encode),
            "alpha_pmp": flags.alpha_poor_metal_poor(score, encode),
        }

    def true_cuts(self) -> dict[str, float]:
        """Where the classes' bounds lie, in standard deviations of each latent, positive towards higher abundance."""
        bounds = {label: bound for sides in BOUNDS.values() for label, (bound, _) in sides.items()}
        found = {}
        for k, (latent, label) in enumerate(PARTNER.items()):
            relation = self.relations[latent]
            z = relation.curve.inverse(bounds[label])
            found[latent] = relation.sign * (z - self.normal.mean[k]) / self.normal.std[k]
        return found

    def report(self, encode: Encode) -> None:
        """Log where the cuts are, and warn of a precision that cannot be had."""
        cuts = ", ".join(f"{name} {value:+.2f}" for name, value in self.true_cuts().items())
        log.info(
            "encode: [Fe/H] = -1, [C/Fe] = 0.7, [alpha/Fe] = 0 lie at %s standard deviations; published cuts: "
            "z_m -%g, z_c +%g, z_alpha -%g",
            *(cuts, encode.flag_feh_sigma, encode.flag_c_sigma, encode.flag_alpha_sigma),
        )
        for name, cut in self.cuts.items():
            if cut.reached:
                log.info(
                    "encode: flag_%s_calibrated: p_%s >= %.3f, expected precision %.2f, recall %.2f",
                    *(name, name, cut.threshold, cut.precision, cut.recall),
                )
            elif np.isfinite(cut.threshold):
                log.warning(
                    "encode: flag_%s_calibrated: a precision of %g (encode.flag_precision) is out of reach; the %d "
                    "training stars of highest p_%s are flagged, at an expected precision of %.2f",
                    *(name, self.precision, cut.flagged, name, cut.precision),
                )
            else:
                log.warning("encode: flag_%s_calibrated: none, as two labelled stars give no probability", name)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "relations": {name: relation.as_json() for name, relation in self.relations.items()},
            "reference": vars(self.normal),
            "precision": self.precision,
            "true_cuts": self.true_cuts(),
            "curves": {name: membership.as_json(curve) for name, curve in self.curves.items()},
            "cuts": {name: membership.as_json(cut) for name, cut in self.cuts.items()},
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Scale:
        """The inverse of `as_json`."""
        normal = values["reference"]
        return cls(
            relations={name: calibration.from_json(relation) for name, relation in values["relations"].items()},
            normal=Reference(tuple(normal["mean"]), tuple(normal["std"]), normal["chi2_limit"]),
            curves={name: membership.from_json(Curve, curve) for name, curve in values["curves"].items()},
            cuts={name: membership.from_json(Cut, cut) for name, cut in values["cuts"].items()},
            precision=values["precision"],
        )
