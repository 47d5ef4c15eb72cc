"""The same training without selective gradient flow: App. C, Table C.1 and Fig. C.1 of the paper.

The numbers stand in the evaluation of the catalog, beside those of its model: `without_flow.KEY` is the number KEY of
the other model, `gain.LATENT.LABEL` what selective gradient flow adds to |r|.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from halochem.evaluate.classes import CLASSES
from halochem.evaluate.definition import ABUNDANCES, LATENTS, PARAMETERS, PARTNER, Definition
from halochem.evaluate.number import Number

if TYPE_CHECKING:
    from halochem.config import Config
    from halochem.evaluate.evaluation import Evaluation

GROUPS = {
    "without_flow": "Without selective gradient flow",
    "gain": "Gain in |r| by selective gradient flow",
}
PAIRS = {
    (z, label): f"{z_title} – {title}"
    for z, z_title in LATENTS.items()
    for label, title in (ABUNDANCES | PARAMETERS).items()
}


def definitions() -> list[Definition]:
    """All of them."""
    rows = []
    for name, star_class in CLASSES.items():
        key, meaning = f"without_flow.relative_l2.{name}", "mean over stars of ‖x̃ − x‖ / ‖x‖"
        stars = star_class.title if name != "all" else "test"
        rows.append(_row(key, f"relative L² error, {star_class.title}", meaning, stars, ".4f", "lower"))
    for (z, label), title in PAIRS.items():
        meaning = "absolute correlation of the posterior mean with the true label"
        better = "higher" if PARTNER[z] == label else "none"
        rows.append(_row(f"without_flow.r.{z}.{label}", f"|r|, {title}", meaning, "test", ".2f", better))
    for (z, label), title in PAIRS.items():
        meaning = "|r| with selective gradient flow minus |r| without"
        rows.append(Definition(f"gain.{z}.{label}", "gain", title, meaning, "test", spec="+.2f"))
    return rows


def _row(key: str, title: str, meaning: str, stars: str, spec: str, better: str) -> Definition:
    return Definition(key, "without_flow", title, meaning, stars, spec=spec, better=better)


def numbers(ours: dict[str, Number], without: Evaluation | None) -> dict[str, Number]:
    """All of `definitions()`, from the catalog's own numbers and the evaluation that `measure` gave, or None."""
    if without is None:
        none = Number(None, 0, note="no such training given (--without-flow)")
        return {row.key: none for row in definitions()}
    result = {}
    for row in definitions():
        if row.group == "without_flow":
            result[row.key] = without.numbers[row.key.removeprefix("without_flow.")]
    for z, label in PAIRS:
        one, other = ours[f"r.{z}.{label}"], without.numbers[f"r.{z}.{label}"]
        if one.value is None or other.value is None:
            result[f"gain.{z}.{label}"] = Number(None, 0, note=one.note or other.note)
        else:
            # The same stars, so that the errors partly cancel: not known how far.
            result[f"gain.{z}.{label}"] = Number(one.value - other.value, min(one.n, other.n))
    return result


def measure(path: Path, config: Config, folder: Path) -> Evaluation:
    """Train on the catalog with every decoder's gradient on every latent, and evaluate: model and table in `folder`."""
    from halochem import files
    from halochem.encode import product
    from halochem.evaluate import evaluation, table
    from halochem.train import loop, model_files

    train = config.train.model_copy(update={"selective_gradient_flow": False})
    settings = config.model_copy(update={"train": train})
    catalog = files.read_catalog(path)
    loop.fit(catalog, settings, folder)
    made = folder / "table.parquet"
    product.make(catalog, model_files.load(folder), settings, made)
    frame, seed, origin = table.read(made)
    return evaluation.evaluate(frame, seed, origin | {"table": str(made), "selective_gradient_flow": "false"})
