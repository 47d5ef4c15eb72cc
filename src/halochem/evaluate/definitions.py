"""Every number of an evaluation: its key, what it is, on which stars, and how to print it.

The evaluation, the summary, the report and the table in docs/evaluation.md all read this one list;
`python -m halochem.evaluate.definitions` prints that table.
"""

from __future__ import annotations

from halochem.evaluate import by_snr, comparison, coverage, detection, gradient_flow
from halochem.evaluate.classes import CLASSES
from halochem.evaluate.definition import ABUNDANCES, FLAG_SETS, FLAGS, LATENTS, PARAMETERS, PARTNER, Definition
from halochem.evaluate.paper import PAPER

__all__ = ["ABUNDANCES", "DEFINITIONS", "FLAGS", "GROUPS", "LATENTS", "PARAMETERS", "PARTNER", "Definition"]

GROUPS = {
    "reconstruction": "Reconstruction error against the noise-free flux, decoder pixels",
    "correlation": "Correlation of latents with labels, absolute value of r",
    "abundance": "Abundances",
    "parameters": "Teff and log g",
    "flags": "Flags",
    **coverage.GROUPS,
    **by_snr.GROUPS,
    **detection.GROUPS,
    **gradient_flow.GROUPS,
    **comparison.GROUPS,
}


def _reconstruction() -> list[Definition]:
    rows = []
    measures = (
        ("relative_l2", "relative L² error", "mean over stars of ‖x̃ − x‖ / ‖x‖", ".4f", "lower"),
        (
            "relative_l2_noise",
            "the noise’s own L² error",
            "mean over stars of √(Σσ²) / ‖x‖, what the spectrum itself is off by",
            ".4f",
            "none",
        ),
        (
            "relative_l2_observed",
            "against the observed flux",
            "mean over stars of ‖x̃ − x‖ / ‖x‖, x with its noise",
            ".4f",
            "none",
        ),
        ("relative_l2_pooled", "Eq. A.5 as printed", "Σ (x̃ − x)² / Σ x², sums over stars and pixels", ".1e", "lower"),
    )
    for measure, title, meaning, spec, better in measures:
        for name, star_class in CLASSES.items():
            stars = star_class.title if name != "all" else "test"
            shown = f"{title}, {star_class.title}"
            key = f"{measure}.{name}"
            rows.append(Definition(key, "reconstruction", shown, meaning, stars, spec=spec, better=better))
    return rows


def _correlations() -> list[Definition]:
    rows = []
    for z, z_title in LATENTS.items():
        for label, title in (ABUNDANCES | PARAMETERS).items():
            own = PARTNER[z] == label
            better = "higher" if own else ("lower" if label in PARAMETERS else "none")
            rows.append(
                Definition(
                    f"r.{z}.{label}",
                    "correlation",
                    f"{z_title} – {title}",
                    "absolute Pearson correlation of the posterior mean with the true label",
                    "test",
                    better=better,
                )
            )
    return rows


def _abundances() -> list[Definition]:
    rows = []
    measures = (
        (
            "rmse_linear",
            "straight line z → {}",
            "RMSE of the line fitted to the training stars' true abundances",
        ),
        ("rmse_calibrated", "{} of the table", "RMSE of the table's calibrated abundance"),
        ("rmse_constant", "constant {}", "RMSE of the training stars' mean: what knowing nothing scores"),
    )
    for measure, title, meaning in measures:
        for label in ("feh", "alpha_fe", "c_fe"):
            better = "none" if measure == "rmse_constant" else "lower"
            rows.append(
                Definition(
                    f"{measure}.{label}",
                    "abundance",
                    title.format(ABUNDANCES[label]),
                    meaning,
                    "test",
                    "dex",
                    ".3f",
                    better,
                )
            )
    return rows


def _parameters() -> list[Definition]:
    meaning = "RMSE of linear(w) against the true label, in standard deviations of the training stars"
    rows = [
        Definition(f"rmse_w.{name}", "parameters", f"linear(w) → {title}", meaning, "test", "σ", ".3f", "lower")
        for name, title in PARAMETERS.items()
    ]
    rows.append(
        Definition(
            "rmse_w.both",
            "parameters",
            "linear(w) → Teff, log g",
            "the two pooled: root of the mean of their squared errors",
            "test",
            "σ",
            ".3f",
            "lower",
        )
    )
    rows += [
        Definition(
            f"probe_r2.{name}",
            "parameters",
            f"boosted trees z → {title}, R²",
            "1 − Σ(y − ŷ)² / Σ(y − mean of training)²; 0 is no better than the mean",
            "test",
            spec=".3f",
            better="lower",
        )
        for name, title in PARAMETERS.items()
    ]
    return rows


def _flags() -> list[Definition]:
    rows = []
    for kind, (_, how) in FLAG_SETS.items():
        for name in FLAGS:
            title = CLASSES[name].title
            for measure, meaning, stars in (
                ("precision", "TP / (TP + FP), Eq. A.7", f"flagged {title}"),
                ("recall", "TP / (TP + FN), Eq. A.6", f"true {title}"),
                ("f1", "2 TP / (2 TP + FP + FN)", f"true {title}"),
            ):
                shown = f"{title} {'F1' if measure == 'f1' else measure}" + (", calibrated" if kind else "")
                key, meaning = f"{measure}{kind}.{name}", f"{meaning}, {how}"
                rows.append(Definition(key, "flags", shown, meaning, stars, better="higher"))
    for name in FLAGS:
        title, precision = CLASSES[name].title, PAPER[f"precision.{name}"].value
        shown = f"{title} recall at the paper's precision"
        meaning = (
            f"TP / (TP + FN) of the lowest cut in p_{name} whose precision among these stars is {precision:g} or more"
        )
        rows.append(Definition(f"recall_at.{name}", "flags", shown, meaning, f"true {title}", better="higher"))
    meaning = "share of the stars with flag_anomalous, none of which is anomalous"
    rows.append(Definition("false_alarm.anomalous", "flags", "false alarms", meaning, "test", spec=".3f"))
    return rows


DEFINITIONS: dict[str, Definition] = {
    row.key: row
    for part in (
        _reconstruction() + _correlations() + _abundances() + _parameters() + _flags(),
        coverage.definitions() + by_snr.definitions() + detection.definitions(),
        gradient_flow.definitions() + comparison.definitions(),
    )
    for row in part
}


def markdown() -> str:
    """The table of docs/evaluation.md."""
    lines = []
    for group, title in GROUPS.items():
        lines += [
            "",
            f"### {title}",
            "",
            "| key | definition | stars | unit | paper |",
            "| --- | --- | --- | --- | --- |",
        ]
        for row in DEFINITIONS.values():
            if row.group == group:
                meaning = row.meaning.replace("|", r"\|")  # a bar would end the cell
                lines.append(f"| `{row.key}` | {meaning} | {row.stars} | {row.unit} | {_quoted(row)} |")
    return "\n".join(lines).strip() + "\n"


def _quoted(row: Definition) -> str:
    quoted = PAPER.get(row.key)
    return f"{quoted.shown()} ({quoted.source})" if quoted else ""


if __name__ == "__main__":
    print(markdown(), end="")
