"""What the paper quotes: Signor et al. 2025, A&A 704, A279 ("the paper").

Keys are those of `definitions.DEFINITIONS` where halochem measures the same quantity; the rest are there to
be compared with by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from halochem.evaluate.number import text as shown_value

CITATION = "Signor et al. 2025, A&A 704, A279"


@dataclass(frozen=True)
class Quoted:
    """A value of the paper; `spread` over its five catalogs where given; `words` where there is no value."""

    value: float | None
    source: str
    spread: float | None = None
    words: str = ""
    note: str = ""
    decimals: int = 2

    def shown(self) -> str:
        """The value as the paper prints it."""
        return self.words if self.value is None else shown_value(self.value, f".{self.decimals}f", self.spread)


_L2_NOTE = (
    "the paper's Eq. A.5 has no root and pools the stars; its public release averages the per-star ratios of "
    "norms, and gives this value"
)
_CANNON_NOTE = (
    "as printed; the paper's text calls 0.08 [α/Fe] and 0.31 [C/Fe] lower than these, and 0.35 is more than "
    "twice the spread of its [α/Fe], so the two may have been exchanged"
)

PAPER: dict[str, Quoted] = {
    "relative_l2.all": Quoted(0.006, "Sect. 4.1", note=_L2_NOTE, decimals=3),
    "relative_l2.alpha_pmp": Quoted(0.010, "Sect. 4.1", decimals=3),
    "relative_l2.cemp": Quoted(0.005, "Sect. 4.1", decimals=3, note='"carbon-rich" in the paper'),
    "relative_l2.solar_like": Quoted(0.004, "Sect. 4.1", decimals=3),
    "relative_l2_observed.all": Quoted(0.014, "App. G", decimals=3),
    "without_flow.relative_l2.all": Quoted(0.004, "App. C", decimals=3),
    **{
        f"gain.{z}.{label}": Quoted(None, "App. C", words="above 0" if own else "below 0")
        for z, label, own in (
            *(("z_m", "feh", True), ("z_c", "c_fe", True), ("z_alpha", "alpha_fe", True)),
            *(("z_c", "feh", False), ("z_m", "c_fe", False)),
        )
    },
    "r.z_m.feh": Quoted(0.92, "Table 1", 0.01),
    "r.z_c.c_fe": Quoted(0.92, "Table 1", 0.01),
    "r.z_alpha.alpha_fe": Quoted(0.82, "Table 1", 0.02),
    **{
        f"r.{z}.{label}": Quoted(None, "Sect. 4.2", words="negligible")
        for z in ("z_m", "z_c", "z_alpha")
        for label in ("teff", "logg")
    },
    **{f"snr_trend.{label}": Quoted(None, "Sect. 4.4", words="none") for label in ("feh", "c_fe", "alpha_fe")},
    **{f"auc.{statistic}.all": Quoted(None, "Sect. 4.4", words="clear separation") for statistic in ("error", "norm")},
    "rmse_linear.feh": Quoted(0.21, "App. E"),
    "rmse_linear.alpha_fe": Quoted(0.08, "App. E"),
    "rmse_linear.c_fe": Quoted(0.31, "App. E"),
    "rmse_cannon.feh": Quoted(0.26, "App. E"),
    "rmse_cannon.c_fe": Quoted(0.14, "App. E", note=_CANNON_NOTE),
    "rmse_cannon.alpha_fe": Quoted(0.35, "App. E", note=_CANNON_NOTE),
    "rmse_w.both": Quoted(0.11, "App. G"),
    "probe_r2.teff": Quoted(None, "Sect. 4.2", words="no better than the mean"),
    "probe_r2.logg": Quoted(None, "Sect. 4.2", words="no better than the mean"),
    "precision.alpha_pmp": Quoted(0.84, "Table 2", 0.04),
    "recall.alpha_pmp": Quoted(0.11, "Table 2", 0.02),
    "precision.cemp": Quoted(0.96, "Table 2", 0.09),
    "recall.cemp": Quoted(0.68, "Table 2", 0.05),
    "lamost.relative_l2.all": Quoted(0.013, "App. G", decimals=3, note="against the observed flux"),
    "lamost.r.z_m.feh": Quoted(0.89, "App. G"),
    "lamost.r.z_alpha.alpha_fe": Quoted(0.65, "App. G"),
    "lamost.r.z_c.c_fe": Quoted(0.40, "App. G"),
    "lamost.rmse_w.both": Quoted(0.12, "App. G"),
}
