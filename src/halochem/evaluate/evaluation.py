"""One catalog's evaluation: from its table to results/evaluation/halo-{seed}.json."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from halochem import files
from halochem.errors import UserError
from halochem.evaluate import by_snr, compare, coverage, detection, gradient_flow, metrics, probes
from halochem.evaluate.classes import CLASSES, true_labels
from halochem.evaluate.definition import FLAG_SETS
from halochem.evaluate.definitions import ABUNDANCES, DEFINITIONS, FLAGS, LATENTS, PARAMETERS, PARTNER
from halochem.evaluate.number import Number
from halochem.evaluate.paper import PAPER

SCHEMA_VERSION = 4  # 2: errors by S/N, slopes, spoilt spectra; 3: coverage; 4: recall_at

# A run this small says how the pipeline works, not how well the method does: with a thousand test stars the
# standard error of r = 0.9 is 0.006 and of an RMSE about 2 %, of the order of the paper's own spread.
COMPARABLE_FROM = 1000


@dataclass
class Evaluation:
    """The numbers of one catalog by the keys of DEFINITIONS, and where they come from."""

    seed: int
    counts: dict[str, int]  # n_stars, n_failed, n_train, n_test; the last two with a spectrum
    classes: dict[str, int]  # test stars of each class
    numbers: dict[str, Number]
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def n_test(self) -> int:
        """Test stars with a spectrum."""
        return self.counts["n_test"]

    @property
    def comparable(self) -> bool:
        """Whether there are enough test stars for a comparison with the paper to mean something."""
        return self.n_test >= COMPARABLE_FROM


def evaluate(
    table: pd.DataFrame,
    seed: int,
    attributes: dict[str, str] | None = None,
    bounds: pd.DataFrame | None = None,
    peers: pd.DataFrame | None = None,
    reasons: dict[str, str] | None = None,
    anomalies: pd.DataFrame | None = None,
    without_flow: Evaluation | None = None,
) -> Evaluation:
    """Every number of DEFINITIONS from a table (`table.read`), on its held-out stars.

    `bounds` and `peers`: the columns of those modules, one row a test star with a spectrum, in any order; `reasons` why
    they are empty, under these names. `anomalies`: the columns of that module; `without_flow`: what
    `gradient_flow.measure` gave.
    """
    usable = np.isfinite(table[list(LATENTS)].to_numpy(float)).all(axis=1)
    train = table[usable & (table["split"] == "train").to_numpy()]
    test = table[usable & (table["split"] == "test").to_numpy()]
    attributes = attributes or {}
    beside = [None if frame is None else _in_order(frame, test) for frame in (bounds, peers)]
    precision = float(attributes.get("flag_precision", "nan"))
    residual = compare.errors(train, test, None)["linear"]
    why_no_bounds = (reasons or {}).get("bounds", "") or compare.NO_BOUNDS
    numbers = (
        _reconstruction(test)
        | _correlations(test)
        | _abundances(train, test)
        | _parameters(train, test, seed)
        | _flags(test)
        | coverage.numbers(test)
        | by_snr.numbers(test, residual, beside[0], why_no_bounds)
        | detection.numbers(test, anomalies)
        | compare.numbers(train, test, *beside, reasons or {}, precision)
    )
    numbers |= gradient_flow.numbers(numbers, without_flow)
    return Evaluation(
        seed=seed,
        counts={
            "n_stars": len(table),
            "n_failed": int((~usable).sum()),
            "n_train": len(train),
            "n_test": len(test),
        },
        classes={name: int(each.member(true_labels(test)).sum()) for name, each in CLASSES.items()},
        numbers={key: numbers[key] for key in DEFINITIONS},
        attributes=attributes,
    )


def _in_order(frame: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    return frame.set_index("star_id").loc[test["star_id"]].reset_index(drop=True)


def _reconstruction(test: pd.DataFrame) -> dict[str, Number]:
    numbers = {}
    for name, star_class in CLASSES.items():
        stars = test[star_class.member(true_labels(test))]
        # The table has Σ (x̃ − x)² / Σ x² of each star, and the root of Σ x².
        ratio, norm = (stars[column].to_numpy(float) for column in ("rel_l2_error_clean", "flux_clean_norm"))
        numbers[f"relative_l2.{name}"] = metrics.mean(np.sqrt(ratio))
        numbers[f"relative_l2_noise.{name}"] = metrics.mean(by_snr.noise_l2(stars))
        numbers[f"relative_l2_observed.{name}"] = metrics.mean(np.sqrt(stars["rel_l2_error"].to_numpy(float)))
        numbers[f"relative_l2_pooled.{name}"] = metrics.pooled_ratio(ratio * norm**2, norm**2)
    return numbers


def _correlations(test: pd.DataFrame) -> dict[str, Number]:
    return {
        f"r.{z}.{label}": metrics.correlation(test[z], test[f"{label}_true"])
        for z in LATENTS
        for label in ABUNDANCES | PARAMETERS
    }


def _abundances(train: pd.DataFrame, test: pd.DataFrame) -> dict[str, Number]:
    numbers = {}
    for z, label in PARTNER.items():
        true = f"{label}_true"
        numbers[f"rmse_linear.{label}"] = metrics.linear_fit_rmse(train[z], train[true], test[z], test[true])
        numbers[f"rmse_calibrated.{label}"] = metrics.rmse(test[label], test[true])
        numbers[f"rmse_constant.{label}"] = metrics.constant_rmse(train[true], test[true])
    return numbers


def _parameters(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> dict[str, Number]:
    predicted = {name: test[name] for name in PARAMETERS}
    true = {name: test[f"{name}_true"] for name in PARAMETERS}
    spread = {name: train[f"{name}_true"] for name in PARAMETERS}
    numbers = {"rmse_w.both": metrics.standardised_rmse(predicted, true, spread)}
    z_train, z_test = (part[list(LATENTS)].to_numpy(float) for part in (train, test))
    for name in PARAMETERS:
        one = [{name: values[name]} for values in (predicted, true, spread)]
        numbers[f"rmse_w.{name}"] = metrics.standardised_rmse(*one)
        numbers[f"probe_r2.{name}"] = probes.boosted_r2(
            z_train, spread[name].to_numpy(float), z_test, true[name].to_numpy(float), seed
        )
    return numbers


def _flags(test: pd.DataFrame) -> dict[str, Number]:
    numbers = {}
    # Without true abundances there is no truth to hold a flag against.
    labels = true_labels(test)
    known = np.isfinite(labels[list(ABUNDANCES)].to_numpy()).all(axis=1)
    for name, column in FLAGS.items():
        true = CLASSES[name].member(labels[known])
        for kind, (suffix, _) in FLAG_SETS.items():
            flagged = test.loc[known, f"{column}{suffix}"].to_numpy(bool)
            for measure in (metrics.precision, metrics.recall, metrics.f1):
                numbers[f"{measure.__name__}{kind}.{name}"] = measure(flagged, true)
        score = test.loc[known, f"p_{name}"].to_numpy(float)
        numbers[f"recall_at.{name}"] = metrics.recall_at(score, true, PAPER[f"precision.{name}"].value)
    alarms = test["flag_anomalous"].to_numpy(bool)
    numbers["false_alarm.anomalous"] = metrics.proportion(int(alarms.sum()), len(alarms), "not enough stars (n=0)")
    return numbers


# --- the file -------------------------------------------------------------------------------------------


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation as plain values; beside each number its definition and the paper's value."""
    numbers = []
    for key, number in evaluation.numbers.items():
        row = DEFINITIONS[key]
        quoted = PAPER.get(key)
        paper = quoted and {
            "value": quoted.value,
            "spread": quoted.spread,
            "words": quoted.words,
            "source": quoted.source,
            "note": quoted.note,
        }
        head = {"key": key, "title": row.title, "stars": row.stars, "unit": row.unit}
        numbers.append(head | number.to_json() | {"paper": paper})
    return {
        "schema_version": SCHEMA_VERSION,
        "seed": evaluation.seed,
        **evaluation.counts,
        "comparable_with_paper": evaluation.comparable,
        "classes": evaluation.classes,
        "attributes": evaluation.attributes,
        "numbers": numbers,
    }


def write(evaluation: Evaluation, path: Path | str) -> None:
    """Write the JSON file, atomically."""
    with files.atomic(path) as temporary:
        text = json.dumps(to_json(evaluation), indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read(path: Path | str) -> Evaluation:
    """Read what `write` wrote."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such evaluation; `halochem evaluate --table T.parquet --out {path}` makes one")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        version = values["schema_version"]
        if version != SCHEMA_VERSION:
            raise UserError(f"{path}: schema version {version}, expected {SCHEMA_VERSION}; evaluate the table anew")
        return Evaluation(
            seed=values["seed"],
            counts={name: values[name] for name in ("n_stars", "n_failed", "n_train", "n_test")},
            classes=values["classes"],
            numbers={row["key"]: Number.from_json(row) for row in values["numbers"]},
            attributes=values["attributes"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not an evaluation written by `halochem evaluate` ({error!r}); make it anew") from None
