"""The picture in README.md, from the results of a quickstart run:

python docs/figures/result.py            # results/ -> docs/figures/result.png
python docs/figures/result.py FOLDER PNG
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from halochem import files, spectra
from halochem.report.figures import style

GBAND, SHOWN = (4280.0, 4320.0), (4150.0, 4420.0)  # Å: CH, and the range drawn
COLOURS = 128
BOUNDS = {"feh": -1.0, "c_fe": 0.7}  # of CEMP [dex]


def pair(stars: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """A CEMP candidate of about the Sun's temperature, where G bands are neither saturated nor gone, and its like.

    The like is the nearest star in Teff, log g and [Fe/H] among those of the lowest probability.
    """
    temperate = stars[stars["teff_obs"].between(5000, 5800) & ~stars["flag_anomalous"]]
    temperate = temperate if len(temperate) > 20 else stars
    best = temperate.loc[temperate["p_cemp"].idxmax()]
    others = temperate.nsmallest(max(len(temperate) // 3, 1), "p_cemp")
    names = ["teff_obs", "logg_obs", "feh"]
    distance = (((others[names] - best[names]) / stars[names].std()).astype(float) ** 2).sum(axis=1)
    return best, others.loc[distance.idxmin()]


def draw_spectra(axes, observed, model, chosen) -> None:
    """Both stars, the second shifted up, with what the model makes of them."""
    wavelength = observed.spectral_axis.value
    shown = (wavelength > SHOWN[0]) & (wavelength < SHOWN[1])
    axes.axvspan(*GBAND, color=style.ORANGE, alpha=0.18, lw=0)
    for k, (star, shift) in enumerate(zip(chosen, (0.0, 0.95), strict=True)):
        flux, found = observed.flux.value[k] + shift, model.flux.value[k] + shift
        axes.plot(wavelength[shown], flux[shown], color=style.BLACK, lw=0.7, label="observed" if k else None)
        axes.plot(wavelength[shown], found[shown], color=style.VERMILION, lw=1.2, label="reconstructed" if k else None)
        text = f"{star['teff_obs']:.0f} K, [Fe/H] {star['feh']:.1f}, [C/Fe] {star['c_fe']:.1f}, p {star['p_cemp']:.2f}"
        axes.text(SHOWN[0] + 4, 1.04 + shift, text.replace("-", "−"), fontsize=6.5)
    axes.set(xlim=SHOWN, ylim=(0.0, 2.3), xlabel="wavelength in air [Å]", ylabel="flux / continuum + constant")
    axes.text(np.mean(GBAND), 0.04, "CH", ha="center", color="#8a5a00", fontsize=7)
    axes.legend(loc="upper right", ncols=2)


def draw_plane(axes, stars: pd.DataFrame):
    """[C/Fe] over [Fe/H] as the table has them; the most probable on top."""
    ordered = stars.sort_values("p_cemp")
    points = axes.scatter(
        ordered["feh"],
        ordered["c_fe"],
        c=ordered["p_cemp"],
        s=2.5,
        lw=0,
        cmap="cividis",
        vmin=0,
        vmax=1,
        rasterized=True,
    )
    low = {name: stars[name].quantile(0.001) - 0.1 for name in BOUNDS}
    high = {name: stars[name].quantile(0.999) + 0.1 for name in BOUNDS}
    axes.plot([low["feh"], BOUNDS["feh"], BOUNDS["feh"]], [BOUNDS["c_fe"], BOUNDS["c_fe"], high["c_fe"]], "k--", lw=0.8)
    axes.set(xlim=(low["feh"], high["feh"]), ylim=(low["c_fe"], high["c_fe"]), xlabel="[Fe/H]", ylabel="[C/Fe]")
    return points


def main(results: Path, out: Path) -> None:
    """Draw the picture of catalog 1."""
    table = pd.read_parquet(results / "tables/halo-1.parquet")
    stars = table[(table["split"] == "test") & (table["status"] != 2)]
    chosen = pair(stars)
    observed = spectra.load(results / "catalogs/halo-1.h5", [star["star_id"] for star in chosen])
    model = spectra.reconstruct(results / "models/halo-1", observed)
    with style.style():
        figure = style.new_figure(style.PAGE, 2.7)
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
        draw_spectra(left, observed, model, chosen)
        points = draw_plane(right, stars)
        figure.colorbar(points, ax=right, label="probability of CEMP")
        held = io.BytesIO()
        figure.savefig(held, format="png", dpi=200)
    # Few colours, so that the page stays light.
    picture = Image.open(held).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    with files.atomic(out) as temporary:
        picture.save(temporary, format="png", optimize=True)


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[1:]]
    main(*(given or [Path("results"), Path("docs/figures/result.png")]))
