"""Which numbers stand in which table of the report: rows, columns, and what is said below."""

from __future__ import annotations

from dataclasses import dataclass

from halochem.evaluate import by_snr, comparison, coverage, detection
from halochem.evaluate.anomaly_kinds import KINDS, STATISTICS
from halochem.evaluate.classes import CLASSES
from halochem.evaluate.comparison import BINS, METHODS, VARIANTS
from halochem.evaluate.definition import FLAG_SETS
from halochem.evaluate.definitions import ABUNDANCES, DEFINITIONS, FLAGS, LATENTS, PARAMETERS, PARTNER


@dataclass(frozen=True)
class Layout:
    """A table: rows and columns by title, and the key of the number where they meet."""

    group: str
    rows: dict[str, str]  # row -> title
    columns: dict[str, str]  # column -> title
    key: str  # with {row} and {column}
    footnote: str

    def cell_key(self, row: str, column: str) -> str | None:
        """The number there, or None where there is none."""
        key = self.key.format(row=row, column=column)
        return key if key in DEFINITIONS else None


LAYOUTS = (
    Layout(
        "reconstruction",
        {name: star_class.title for name, star_class in CLASSES.items()},
        {
            "relative_l2": "mean of ‖x̃ − x‖ / ‖x‖",
            "relative_l2_noise": "the same of the noise itself",
            "relative_l2_observed": "‖x̃ − x‖ / ‖x‖, x with its noise",
            "relative_l2_pooled": "Eq. A.5, Σ (x̃ − x)² / Σ x²",
        },
        "{column}.{row}",
        "x: flux without noise, x̃: its reconstruction. An error below the noise’s own says that the model denoises. "
        "The paper quotes its errors with Eq. A.5, which has no root "
        "and pools the stars; its public release averages the ratio of norms and finds 0.006 so: its values stand "
        "there. " + " ".join(f"{CLASSES[name].title}: {CLASSES[name].bounds}." for name in CLASSES if name != "all"),
    ),
    Layout(
        "correlation",
        LATENTS,
        ABUNDANCES | PARAMETERS,
        "r.{row}.{column}",
        "Pearson’s r of the posterior means with the true labels; framed, a latent and its own abundance. The sign "
        "of a latent is arbitrary; the paper gives |r|.",
    ),
    Layout(
        "abundance",
        {label: ABUNDANCES[label] for label in ("feh", "alpha_fe", "c_fe")},
        {
            "rmse_linear": "straight line on all training stars",
            "rmse_calibrated": "as in the table",
            "rmse_constant": "training mean, no spectrum",
        },
        "{column}.{row}",
        "Root of the mean squared error. The line is latent → its abundance, as in the paper; the table’s abundances "
        "rest on a few labelled stars; the last column is what knowing nothing scores.",
    ),
    Layout(
        "parameters",
        PARAMETERS | {"both": "both"},
        {"rmse_w": "RMSE of linear(w)", "probe_r2": "R² of boosted trees on z"},
        "{column}.{row}",
        "RMSE in standard deviations of the training stars, against the true values; against values with the 2 % "
        "error that training sees, nothing can be better than 0.09 σ. R² over the training mean: 0 if the latents "
        "know nothing of Teff and log g.",
    ),
    Layout(
        "flags",
        {name: CLASSES[name].title for name in FLAGS} | {"anomalous": "anomalous"},
        {
            f"{measure}{kind}": f"{title}, {FLAG_SETS[kind][1]}"
            for kind in FLAG_SETS
            for measure, title in {"precision": "precision", "recall": "recall", "f1": "F1"}.items()
        }
        | {"recall_at": "recall, cut in probability at the paper’s precision", "false_alarm": "false alarms"},
        "{column}.{row}",
        "n: stars flagged for the precision, stars of the class for recall and F1. The limit of a recall is that of "
        "the best classifier that the noise allows, at the paper’s precision or at the one asked for. False alarms: "
        "share of all test stars, none of which is anomalous, with flag_anomalous.",
    ),
    Layout(
        "coverage",
        {name: each.title for name, (_, each) in coverage.BINS.items()},
        {
            f"{measure}.{label}": f"{title}, {what}"
            for label, title in ABUNDANCES.items()
            for measure, what in (("coverage.68", "68 %"), ("coverage.95", "95 %"), ("stated_sigma", "σ"))
        },
        "{column}.{row}",
        "Share of the stars whose true abundance is within 1 σ and 1.96 σ of the table’s: 0.68 and 0.95 if the errors "
        "are as stated and Gaussian. σ: root mean square of the errors stated.",
    ),
    Layout(
        "snr",
        {name: each.title for name, each in by_snr.SNR_BINS.items()},
        {"snr_l2": "L² error", "snr_noise": "the noise’s own"}
        | {
            f"snr_{measure}.{label}": f"{title}, {what}"
            for label, title in ABUNDANCES.items()
            for measure, what in (("bias", "mean"), ("sd", "std. dev."))
        },
        "{column}.{row}",
        "L² error against the flux without noise. Mean and standard deviation of the residuals of the straight line z "
        "→ abundance, as in Fig. 6 of the paper; the limit is that of the best estimate from a measurement at the "
        "Cramér-Rao bound.",
    ),
    Layout(
        "slopes",
        {z: f"{title} on {ABUNDANCES[PARTNER[z]]}" for z, title in LATENTS.items()},
        {name: each.title for name, each in comparison.TEFF_BINS.items()},
        "slope.{row}.{column}",
        "Least-squares lines of Fig. 4, the latent’s sign so that it grows with the abundance. The paper sees “nearly "
        "unchanged” ones for metallicity and carbon, and a modest variation for α.",
    ),
    *(
        Layout(
            group,
            {kind: what for kind, what in (KINDS | detection.ALL).items()},
            {f"{measure}.{statistic}": title for statistic, title in STATISTICS.items()},
            "{column}.{row}",
            footnote,
        )
        for group, measure, footnote in (
            (
                "detection",
                "auc",
                "Probability that a spoilt spectrum has a higher value than a test star: 1 is perfect, 0.5 is chance. "
                "A block outside the decoders’ regions leaves no residual.",
            ),
            ("detection_share", "detected", "Share above the value that 1 % of the test stars exceed."),
        )
    ),
    Layout(
        "without_flow",
        LATENTS,
        ABUNDANCES | PARAMETERS,
        "without_flow.r.{row}.{column}",
        "|r| of the same training, but with every decoder’s gradient on every latent (App. C of the paper).",
    ),
    Layout(
        "gain",
        LATENTS,
        ABUNDANCES | PARAMETERS,
        "gain.{row}.{column}",
        "|r| with selective gradient flow minus |r| without. Above 0 for a latent’s own abundance and below elsewhere "
        "it does what it is for.",
    ),
    *(
        Layout(
            group,
            ABUNDANCES,
            {f"{measure}_{method}": title for method, title in METHODS.items()},
            "{column}.{row}",
            footnote,
        )
        for group, measure, footnote in (
            (
                "peers",
                "rmse",
                "The Cannon and the network are trained on the true labels of training stars. The limit is that of the "
                "best estimate from a measurement at the Cramér-Rao bound, for one who knows the density of the stars.",
            ),
            ("peers_sigma", "sigma", "1.4826 times the median deviation from the median, which outliers do not sway."),
            ("peers_bias", "bias", "Median of measured minus true."),
            (
                "over_bound",
                "over_bound",
                "1.4826 times the median of the absolute error over the star’s Cramér-Rao bound, all labels free. "
                "Below 1 is possible where the distribution of the stars tells more than their spectra.",
            ),
        )
    ),
    Layout(
        "bounds",
        {variant: what for variant, (_, what) in VARIANTS.items()},
        ABUNDANCES,
        "{row}.{column}",
        "What no unbiased measurement can undercut, from the emulator’s derivatives in all pixels.",
    ),
    Layout("bounds_binned", BINS, ABUNDANCES, "bound.{column}.{row}", "All five labels free."),
)
