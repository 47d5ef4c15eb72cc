"""One look for every figure: sizes of an A&A page, colours that colour-blind readers can tell apart."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from halochem import files

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# inches: A&A's column is 88 mm wide, its page 180 mm
COLUMN = 88 / 25.4
PAGE = 180 / 25.4

# Okabe & Ito (2008), "Color Universal Design"
BLACK, GREY, LIGHT = "#222222", "#767676", "#d9d9d9"
BLUE, SKY, GREEN = "#0072B2", "#56B4E9", "#009E73"
ORANGE, VERMILION, PURPLE = "#E69F00", "#D55E00", "#CC79A7"

DECODER_COLOURS = {"iron": SKY, "carbon": ORANGE, "alpha": GREEN}
DECODER_NAMES = {"iron": "iron", "carbon": "carbon", "alpha": "α"}
OTHER_DECODERS = PURPLE  # of elements beyond the published three
DENSITY_MAP = "cividis"

AXIS_TITLES = {
    "feh": "[Fe/H]",
    "c_fe": "[C/Fe]",
    "alpha_fe": "[α/Fe]",
    "z_m": r"$z_\mathrm{M}$",
    "z_c": r"$z_\mathrm{C}$",
    "z_alpha": r"$z_\alpha$",
}

_RC = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "mathtext.fontset": "dejavusans",
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": BLACK,
    "axes.labelcolor": BLACK,
    "text.color": BLACK,
    "xtick.color": BLACK,
    "ytick.color": BLACK,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "lines.linewidth": 0.9,
    "axes.formatter.use_mathtext": True,
    "pdf.fonttype": 42,  # text stays text
    "savefig.dpi": 300,
    "figure.dpi": 100,
}


def decoder_colour(name: str) -> str:
    """The colour of a decoder's pixels."""
    return DECODER_COLOURS.get(name, OTHER_DECODERS)


@contextmanager
def style() -> Iterator[None]:
    """The look, for the figures made and saved in the block; nothing outside it is changed."""
    import matplotlib

    # It tells, at level INFO, each step of putting a font into a PDF.
    fonts = logging.getLogger("fontTools.subset")
    level = fonts.level
    fonts.setLevel(logging.WARNING)
    try:
        with matplotlib.rc_context(_RC):
            yield
    finally:
        fonts.setLevel(level)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, inches, that belongs to no global state and lays itself out."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def panel_letter(axes: Axes, letter: str) -> None:
    """(a), (b), … in the corner of a panel."""
    axes.text(0.02, 0.97, f"({letter})", transform=axes.transAxes, va="top", ha="left", fontweight="bold")


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write `name`.png (300 dots an inch) and `name`.pdf; returns their paths. Same figure, same bytes."""
    paths = [folder / f"{name}.png", folder / f"{name}.pdf"]
    # Lay out once, not anew for each file.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for path, metadata in zip(paths, ({"Software": None}, {"CreationDate": None}), strict=True):
        with files.atomic(path) as temporary:
            figure.savefig(temporary, format=path.suffix[1:], metadata=metadata)
    return paths
