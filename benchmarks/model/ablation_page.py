"""The ablation's page, figure and numbers from the trainings' JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from variants import EPOCHS, VARIANTS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
OWN = {"feh": "r.z_m.feh", "c_fe": "r.z_c.c_fe", "alpha_fe": "r.z_alpha.alpha_fe"}
TITLES = {"feh": "Fe", "c_fe": "C", "alpha_fe": "α"}
LATENTS = ("z_m", "z_c", "z_alpha")
LAMBDAS = ("lambda-0", "lambda-0.3", "lambda-1", "fast", "lambda-10", "lambda-30", "lambda-100")


def values(found: list[dict[str, Any]], variant: str, key: str) -> np.ndarray:
    """The numbers `key` of a variant's trainings, NaN where undefined: (seeds,)."""
    return np.array([one["numbers"].get(key, np.nan) for one in found if one["variant"] == variant], float)


def foreign(found: list[dict[str, Any]], variant: str) -> np.ndarray:
    """The largest |r| of a latent with an abundance that is not its own, of each training."""
    pairs = [f"r.{z}.{label}" for z in LATENTS for label in OWN if f"r.{z}.{label}" not in OWN.values()]
    return np.abs([values(found, variant, key) for key in pairs]).max(axis=0)


def atmosphere(found: list[dict[str, Any]], variant: str) -> np.ndarray:
    """The largest |r| of a latent with Teff or log g, of each training."""
    pairs = [f"r.{z}.{label}" for z in LATENTS for label in ("teff", "logg")]
    return np.abs([values(found, variant, key) for key in pairs]).max(axis=0)


def shown(numbers: np.ndarray, digits: int) -> str:
    """Mean and spread over the seeds; of one seed the number alone."""
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return "–"
    mean = f"{numbers.mean():.{digits}f}".replace("-", "−")
    return mean if len(numbers) == 1 else f"{mean} ± {numbers.std(ddof=1):.{digits}f}"


def row(found: list[dict[str, Any]], name: str) -> str:
    """A line of the table."""
    own = " / ".join(shown(np.abs(values(found, name, key)), 3) for key in OWN.values())
    errors = " / ".join(shown(values(found, name, f"rmse_linear.{label}"), 3) for label in OWN)
    leak = " / ".join(shown(values(found, name, f"probe_r2.{label}"), 2) for label in ("teff", "logg"))
    cells = [
        VARIANTS[name].title,
        own,
        shown(foreign(found, name), 2),
        errors,
        shown(atmosphere(found, name), 2),
        leak,
        shown(values(found, name, "relative_l2.all"), 3),
        str(sum(one["variant"] == name for one in found)),
    ]
    return "| " + " | ".join(cells) + " |"


HEAD = (
    "| | r with its own: Fe / C / α | largest r with another | RMSE [dex]: Fe / C / α | largest r with Teff, log g | "
    "R² of Teff / log g | relative L² | seeds |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
)


def page(found: list[dict[str, Any]]) -> str:
    """docs/benchmarks/ablation.md."""
    commits = sorted({one["commit"] for one in found})
    spent = [one["cpu_seconds"] for one in found if VARIANTS[one["variant"]].base is None]
    stars, test = (max(one[name] for one in found) for name in ("stars", "test_stars"))
    lines = [
        "# Ablation: what each part of the model does",
        "",
        f"`python benchmarks/model/ablation.py`: emulated catalogs of {stars} stars, {test} of them held out; one "
        f"training of {_epochs()} epochs (published scheme {EPOCHS}) for each catalog and variant, on one core, "
        f"{np.mean(spent):.0f} s of CPU time "
        f"each (encoding and evaluation not counted); code of {', '.join(commits)}. Mean ± standard deviation over the "
        "seeds, on the held-out stars: |r| of the posterior means with the true labels; RMSE of the straight line "
        "through all training stars; R² of boosted trees that read Teff and log g from the latents (0: no better than "
        "the mean); mean relative L² error against the noise-free flux. Catalog and training are smaller than the "
        "quickstart’s: what counts here is the differences. The abundances themselves correlate, [Fe/H] with [α/Fe] by "
        "−0.28: a latent that is right has that r with the other’s abundance. What they say: "
        "[model.md](../model.md#ablation).",
    ]
    groups: dict[str, list[str]] = {}
    for name, variant in VARIANTS.items():
        if any(one["variant"] == name for one in found):
            groups.setdefault(variant.group, []).append(name)
    for group, names in groups.items():
        first = [] if "fast" in names or group.startswith("The published") else ["fast"]
        lines += ["", f"## {group}", "", HEAD, *(row(found, name) for name in [*first, *names])]
        if group.startswith("Weight") and len(names) > 2:
            lines += ["", "![Independence and information against λ](../figures/ablation-lambda.png)"]
    return "\n".join(lines) + "\n"


def _epochs() -> int:
    return VARIANTS["fast"].train["epochs"]


def draw(found: list[dict[str, Any]]) -> Any:
    """Recovered information and independence against lambda, and one against the other."""
    from halochem.report.figures import style

    names = [name for name in LAMBDAS if any(one["variant"] == name for one in found)]
    weights = np.array([VARIANTS[name].train["adversary_weight"][0]["value"] for name in names])
    at = np.where(weights > 0, weights, 0.1)  # zero has no place on a logarithmic axis
    figure = style.new_figure(style.PAGE, 2.5)
    left, middle, right = figure.subplots(1, 3)
    looks = {"feh": (style.BLUE, "o", "-"), "c_fe": (style.ORANGE, "s", "--"), "alpha_fe": (style.GREEN, "D", "-.")}
    for label, (colour, marker, dash) in looks.items():
        numbers = [np.abs(values(found, name, OWN[label])) for name in names]
        _line(left, at, numbers, colour, marker, dash, TITLES[label])
    left.set_ylim(top=1.03)  # the spread of a lost latent reaches beyond
    left.set_ylabel("|r| of a latent with its abundance")
    leaks = {
        "R², Teff": ([values(found, name, "probe_r2.teff") for name in names], style.VERMILION, "o", "-"),
        "R², log g": ([values(found, name, "probe_r2.logg") for name in names], style.PURPLE, "s", "--"),
        "largest |r|": ([atmosphere(found, name) for name in names], style.GREY, "D", "-."),
    }
    for title, (numbers, *look) in leaks.items():
        _line(middle, at, numbers, *look, title)
    middle.axhline(0, color=style.LIGHT, lw=0.6, zorder=0)
    middle.set_ylabel("Teff, log g read from the latents")
    for axes in (left, middle):
        axes.set_xscale("log")
        axes.set_xticks(at, [f"{w:g}" for w in weights])
        axes.minorticks_off()
        axes.set_xlabel("weight of the adversary, λ")
        axes.legend(loc="best")
    for label, (colour, marker, dash) in looks.items():
        x = [np.nanmean(values(found, name, "probe_r2.teff")) for name in names]
        y = [np.nanmean(values(found, name, f"rmse_linear.{label}")) for name in names]
        right.plot(x, y, color=colour, marker=marker, ls=dash, ms=3.5, label=TITLES[label])
        if label == "feh":
            for weight, where in zip(weights, zip(x, y, strict=True), strict=True):
                right.annotate(
                    f"{weight:g}", where, xytext=(4, -7), textcoords="offset points", fontsize=5.5, color=colour
                )
    right.set_yscale("log")
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    # R² is below 0 where trees learn nothing but noise: no logarithm.
    right.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 3, 5, 7)))
    right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    right.yaxis.set_minor_formatter(NullFormatter())
    right.margins(0.12)
    right.set_xlabel("R² of Teff from the latents")
    right.set_ylabel("RMSE [dex]")
    right.legend(loc="best")
    titles = ("(a) information", "(b) independence", "(c) both, λ at the points")
    for axes, title in zip((left, middle, right), titles, strict=True):
        axes.set_title(title, loc="left")
    return figure


def _line(
    axes: Any, at: np.ndarray, numbers: list[np.ndarray], colour: str, marker: str, dash: str, title: str
) -> None:
    mean = [np.nanmean(each) for each in numbers]
    spread = [np.nanstd(each, ddof=1) if len(each) > 1 else 0 for each in numbers]
    axes.errorbar(at, mean, spread, color=colour, marker=marker, ls=dash, ms=3.5, lw=1, capsize=1.5, label=title)


def write(found: list[dict[str, Any]]) -> None:
    """Page, figure, and one line a training in docs/benchmarks/ablation.jsonl."""
    from halochem.report.figures import style

    lines = [json.dumps(one, ensure_ascii=False) for one in found]
    (DOCS / "benchmarks" / "ablation.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (DOCS / "benchmarks" / "ablation.md").write_text(page(found), encoding="utf-8")
    if sum(name in LAMBDAS for name in {one["variant"] for one in found}) > 2:
        with style.style():
            style.save(draw(found), DOCS / "figures", "ablation-lambda")[1].unlink()
