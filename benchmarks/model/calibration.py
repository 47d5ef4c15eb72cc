"""From a handful of labelled stars to abundances: error and coverage against their number.

    python benchmarks/model/calibration.py --catalog results/catalogs/halo-1.h5 --model results/models/halo-1

Draws so many labelled stars from the training stars, many times over; each time the latents are calibrated with them,
and the held-out stars' abundances and stated errors compared with the truth. The same with the latents on the Gaussian
scale. Writes docs/benchmarks/calibration.md and its figure.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from ablation import rescaled

from halochem import config, files, seeds, split
from halochem.encode import calibration, product
from halochem.encode.calibration import PARTNER
from halochem.evaluate.coverage import BINS, LEVELS
from halochem.train import model_files

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = (2, 10, 30, 100, 300, 1000)
REDRAWS = 50
KINDS = ("linear", "monotone", "isotonic")
SCALES = {"halo": "the halo’s density", "gaussian": "N(0, Σ)"}
TITLES = {"feh": "[Fe/H]", "c_fe": "[C/Fe]", "alpha_fe": "[α/Fe]"}
BEFORE = "before"  # posterior's width and one scatter for all, beside the sigma of the package


@dataclass(frozen=True)
class Stars:
    """What a calibration reads of the latents on one scale, and the truth."""

    frame: pd.DataFrame  # of product.measure
    labels: pd.DataFrame
    train: np.ndarray  # rows
    test: np.ndarray
    of_teff: tuple[float, float]


def load(catalog_path: Path, model_folder: Path) -> dict[str, Stars]:
    """The stars by scale of the latents."""
    catalog = files.read_catalog(catalog_path, clean=False)
    model = model_files.load(model_folder)
    fraction = model.document["training"]["train_fraction"]
    settings = config.validate(model.document["config"], str(model_folder))
    found = {}
    for scale in SCALES:
        used = model if scale == "halo" else rescaled(model_folder, settings)
        frame, _ = product.measure(used, catalog)
        usable = frame["usable"].to_numpy(bool)
        is_train = split.is_train(catalog.seed, len(frame), fraction)
        train, test = np.flatnonzero(is_train & usable), np.flatnonzero(~is_train & usable)
        teff = frame["teff"].to_numpy()[train]
        found[scale] = Stars(frame, catalog.labels, train, test, (float(teff.mean()), float(teff.std())))
    return found


def one_draw(stars: Stars, n: int, draw: int) -> list[dict]:
    """A row for each abundance, curve and sigma: error and coverage on the test stars."""
    generator = np.random.default_rng(seeds.torch_seed(draw, f"benchmark/calibration/{n}"))
    rows = generator.choice(stars.train, n, replace=False)
    found = []
    for latent, label in PARTNER.items():
        names = (latent, f"{latent}_width", f"{latent}_sigma", "teff")
        z, width, posterior, teff = (stars.frame[name].to_numpy(float) for name in names)
        true = stars.labels[label].to_numpy(float)
        inside, test = (values[rows] for values in (z, width, teff, true)), stars.test
        labelled = dict(zip(("z", "width", "teff", "abundance"), inside, strict=True))
        for kind in KINDS:
            common = {"n": n, "draw": draw, "label": label, "kind": kind}
            if kind == "isotonic":
                off = isotonic(labelled["z"], labelled["abundance"], z[test]) - true[test]
                found.append(common | {"sigma": "none", "rmse": np.sqrt(np.mean(off**2))})
                continue
            relation = calibration.fit_one(**labelled, of_teff=stars.of_teff, kind=kind)
            off = relation.abundance(z[test]) - true[test]
            ways = {"now": relation.sigma(z[test], width[test], teff[test])}
            if kind == "linear":
                ways[BEFORE] = before(relation.curve, z, posterior, true, rows)[test]
            for way, sigma in ways.items():
                row = common | {"sigma": way, "rmse": np.sqrt(np.mean(off**2))}
                found.append(row | coverage(off, sigma, stars, test) | {"stated": np.sqrt(np.mean(sigma**2))})
    return found


def isotonic(z: np.ndarray, abundance: np.ndarray, at: np.ndarray) -> np.ndarray:
    """A staircase that never turns back (scikit-learn), flat beyond the labelled stars; NaN for 2 stars."""
    from sklearn.isotonic import IsotonicRegression

    if len(z) < 3:
        return np.full(len(at), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the direction is not sure
        return IsotonicRegression(increasing="auto", out_of_bounds="clip").fit(z, abundance).predict(at)


def before(
    line: calibration.Line, z: np.ndarray, posterior: np.ndarray, true: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """The posterior's width through the slope, and what is left of the labelled stars' scatter, the same for all."""
    own = (line.slope * posterior) ** 2
    excess2 = max(line.scatter**2 - np.mean(own[rows]), 0.0)
    return np.sqrt(own + excess2 + line.variance(z))


def coverage(off: np.ndarray, sigma: np.ndarray, stars: Stars, test: np.ndarray) -> dict[str, float]:
    """Share within each interval, by bin of Teff and of S/N."""
    found = {}
    of_stars = {"teff_true": stars.labels["teff"].to_numpy()[test], "snr": stars.labels["snr"].to_numpy()[test]}
    for name, (column, each) in BINS.items():
        inside = np.ones(len(off), bool) if column is None else each.holds(of_stars[column])
        for level, width in LEVELS.items():
            share = np.mean(np.abs(off[inside]) <= width * sigma[inside]) if np.isfinite(sigma).any() else np.nan
            found[f"{level}.{name}"] = share
    return found


def measure(stars: dict[str, Stars], redraws: int) -> pd.DataFrame:
    """All draws."""
    rows = []
    for scale, each in stars.items():
        for n in NUMBERS:
            for draw in range(redraws):
                rows += [{"scale": scale} | row for row in one_draw(each, n, draw)]
            print(f"{scale}, {n} labelled stars: {redraws} draws", flush=True)
    return pd.DataFrame(rows)


# --- the page -------------------------------------------------------------------------------------------


def _spread(values: pd.Series) -> str:
    low, middle, high = np.nanquantile(values, [0.16, 0.5, 0.84]) if values.notna().any() else (np.nan,) * 3
    return "–" if np.isnan(middle) else f"{middle:.3f} ({low:.3f}-{high:.3f})"


def page(frame: pd.DataFrame, stars: Stars, source: str, redraws: int) -> str:
    """docs/benchmarks/calibration.md."""
    lines = [
        "# Calibration: error against the number of labelled stars",
        "",
        f"`python benchmarks/model/calibration.py`: {source}; {len(stars.train)} training stars, from which the "
        f"labelled ones are drawn {redraws} times for each number; errors on the {len(stars.test)} held-out stars.",
        "",
        "RMSE [dex], the median over the draws and, in brackets, their 16 and 84 %. Linear: least squares, as "
        "published. Monotone: the smoothing spline of `encode.calibration: monotone`, a straight line below 8 stars. "
        "Isotonic: scikit-learn’s staircase, for comparison. The latents are on the scale of the halo’s density "
        "(`train.fast.latent_scale: halo`) or the same latents on the Gaussian scale of the published prior.",
    ]
    for scale, title in SCALES.items():
        lines += [
            "",
            f"## Latents on the scale of {title}",
            "",
            "| abundance | labelled stars | linear | monotone | isotonic |",
        ]
        lines += ["| --- | --- | --- | --- | --- |"]
        for label, shown in TITLES.items():
            for n in NUMBERS:
                part = frame[(frame["scale"] == scale) & (frame["label"] == label) & (frame["n"] == n)]
                part = part[part["sigma"] != BEFORE]
                cells = [_spread(part.loc[part["kind"] == kind, "rmse"]) for kind in KINDS]
                lines.append(f"| {shown} | {n} | " + " | ".join(cells) + " |")
    lines += ["", "![RMSE against the number of labelled stars](../figures/calibration.png)", ""]
    return "\n".join([*lines, *_coverage_lines(frame)]) + "\n"


def _coverage_lines(frame: pd.DataFrame) -> list[str]:
    lines = [
        "## Coverage of the stated errors",
        "",
        "Share of the held-out stars whose true abundance is within 1 σ (68 % if all is well) and 1.96 σ (95 %), mean "
        "(± spread) over the draws; linear calibration, scale of the halo’s density. Before: the posterior’s width "
        "through the slope and one scatter for all stars. Now: the pixels’ noise through encoder and slope, and a "
        "scatter that depends on Teff ([model.md](../model.md#from-latents-to-the-table)).",
        "",
        "| labelled stars | " + " | ".join(f"{t}, before | {t}, now" for t in TITLES.values()) + " |",
        "| --- |" + " --- |" * 6,
    ]
    linear = frame[(frame["scale"] == "halo") & (frame["kind"] == "linear")]
    for n in NUMBERS[1:]:
        cells = _coverage_cells(linear[linear["n"] == n], "all", spread=True)
        lines.append(f"| {n} | " + " | ".join(cells) + " |")
    lines += ["", "With 100 labelled stars, by Teff and S/N:", ""]
    lines += [
        "| stars | " + " | ".join(f"{t}, before | {t}, now" for t in TITLES.values()) + " |",
        "| --- |" + " --- |" * 6,
    ]
    for name, (_, each) in BINS.items():
        lines.append(f"| {each.title} | " + " | ".join(_coverage_cells(linear[linear["n"] == 100], name)) + " |")
    return lines


def _coverage_cells(part: pd.DataFrame, name: str, spread: bool = False) -> list[str]:
    cells = []
    for label in TITLES:
        for way in (BEFORE, "now"):
            chosen = part[(part["label"] == label) & (part["sigma"] == way)]
            shares = [chosen[f"{level}.{name}"] for level in LEVELS]
            cells.append(", ".join(f"{s.mean():.2f}" + (f" ± {s.std():.2f}" if spread else "") for s in shares))
    return cells


def figure(frame: pd.DataFrame, folder: Path) -> None:
    """RMSE against the number, an abundance a panel."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

    from halochem.report.figures import style

    looks = {
        ("halo", "linear"): (style.BLUE, "o", "-", "linear, halo’s density"),
        ("halo", "monotone"): (style.SKY, "s", "--", "monotone, halo’s density"),
        ("gaussian", "linear"): (style.VERMILION, "^", "-", "linear, Gaussian"),
        ("gaussian", "monotone"): (style.ORANGE, "D", "--", "monotone, Gaussian"),
    }
    with style.style():
        drawn = style.new_figure(style.PAGE, 2.7)
        for axes, (label, title) in zip(drawn.subplots(1, 3), TITLES.items(), strict=True):
            for step, ((scale, kind), (colour, marker, dash, name)) in enumerate(looks.items()):
                part = frame[(frame["scale"] == scale) & (frame["kind"] == kind) & (frame["label"] == label)]
                part = part[part["sigma"] == "now"]
                shares = part.groupby("n")["rmse"].quantile([0.16, 0.5, 0.84]).unstack()
                at = shares.index.to_numpy() * 1.08 ** (step - 1.5)  # side by side
                bars = [shares[0.5] - shares[0.16], shares[0.84] - shares[0.5]]
                axes.errorbar(
                    at, shares[0.5], bars, color=colour, marker=marker, ms=3, ls=dash, lw=1, capsize=1.5, label=name
                )
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.xaxis.set_major_locator(FixedLocator(NUMBERS))
            axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 3, 5, 7)))
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
                axis.set_minor_formatter(NullFormatter())
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_title(title)
            axes.set_xlabel("labelled stars")
        drawn.axes[0].set_ylabel("RMSE of held-out stars [dex]")
        handles, names = drawn.axes[0].get_legend_handles_labels()
        drawn.legend(handles, names, loc="outside upper center", ncols=4)
        style.save(drawn, folder, "calibration")[1].unlink()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalog", type=Path, default=ROOT / "results" / "catalogs" / "halo-1.h5")
    parser.add_argument("--model", type=Path, default=ROOT / "results" / "models" / "halo-1")
    parser.add_argument("--redraws", type=int, default=REDRAWS)
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder with benchmarks/ and figures/")
    given = parser.parse_args()
    stars = load(given.catalog, given.model)
    frame = measure(stars, given.redraws)
    document = model_files.read_document(given.model)
    source = f"catalog {document['seed']} of {document['catalog']['stars']} emulated stars, train.preset "
    source += document["architecture"]["preset"]
    text = page(frame, stars["halo"], source, given.redraws)
    (given.out / "benchmarks").mkdir(parents=True, exist_ok=True)
    (given.out / "benchmarks" / "calibration.md").write_text(text, encoding="utf-8")
    figure(frame, given.out / "figures")


if __name__ == "__main__":
    main()
