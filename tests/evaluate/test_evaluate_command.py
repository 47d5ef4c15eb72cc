"""`halochem evaluate`, both modes, and its docs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from halochem.errors import UserError
from halochem.evaluate import command, definitions
from tiny_runs import settings_of


def _run(*words: object) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args([str(word) for word in words]))


def test_from_tables_to_a_summary(make_table, write_table, tmp_path):
    evaluations = []
    for seed in (1, 2):
        path = write_table(make_table(60, seed), seed, config_hash="abc")
        evaluations.append(tmp_path / f"halo-{seed}.json")
        _run("--table", path, "--out", evaluations[-1])
    values = json.loads(evaluations[1].read_text(encoding="utf-8"))
    assert (values["seed"], values["n_test"], values["schema_version"]) == (2, 18, 4)
    assert values["attributes"]["table"] == "halo-2.parquet"
    assert values["attributes"]["config_hash"] == "abc"
    _run("--summary", *evaluations, "--out", tmp_path / "summary.parquet")
    frame = pd.read_parquet(tmp_path / "summary.parquet").set_index("key")
    assert frame.loc["r.z_m.feh", "n_catalogs"] == 2
    assert (tmp_path / "summary.md").is_file()


def test_refuses_a_wrong_name_and_leaves_nothing(make_table, write_table, tmp_path):
    path = write_table(make_table(10))
    with pytest.raises(UserError, match=r"of --table give a name that ends in \.json"):
        _run("--table", path, "--out", tmp_path / "e.parquet")
    with pytest.raises(UserError, match=r"of --summary give a name that ends in \.parquet"):
        _run("--summary", path, "--out", tmp_path / "e.json")
    with pytest.raises(UserError, match="no such configuration"):
        _run("--table", path, "--out", tmp_path / "e.json", "--config", tmp_path / "none.yaml")
    assert sorted(each.name for each in tmp_path.iterdir()) == [path.name]


def test_one_mode_at_a_time(tmp_path):
    with pytest.raises(SystemExit):
        _run("--out", tmp_path / "e.json")
    with pytest.raises(SystemExit):
        _run("--table", "a", "--summary", "b", "--out", tmp_path / "e.json")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--limits-of a.h5 --bounds b.parquet --out o.parquet", "--bounds: goes with --table only"),
        ("--table a.parquet --model m --out o.json", "--model: goes with --anomalies-of or --without-flow-of only"),
        ("--anomalies-of a.h5 --out o.parquet", "--anomalies-of: needs --model"),
        ("--training-size-of a.h5 --stars 5 --out o.json", "--training-size-of: needs --snr"),
        ("--training-size-of a.h5 --stars 0 --snr 20 --out o.json", "--stars 0: expected a number above 0"),
        ("--summary a.json --steps 3 --out o.parquet", "--steps: goes with --training-size-of only"),
    ],
)
def test_options_of_other_modes_are_refused(words, message):
    with pytest.raises(UserError, match=message):
        _run(*words.split())


def test_spoilt_spectra_from_catalog_to_evaluation(small_run, tmp_path):
    spoilt, out = tmp_path / "a.parquet", tmp_path / "e.json"
    _run("--anomalies-of", small_run.catalog, "--model", small_run.model, "--out", spoilt)
    _run("--table", small_run.table, "--anomalies", spoilt, "--out", out)
    numbers = {row["key"]: row for row in json.loads(out.read_text(encoding="utf-8"))["numbers"]}
    assert 0.6 < numbers["auc.chi2.noise"]["value"] <= 1  # the model has hardly been trained
    assert numbers["auc.chi2.all"]["n"] == 4 * numbers["relative_l2.all"]["n"]
    assert numbers["auc.error.all"]["paper"]["words"] == "clear separation"


def test_spoilt_spectra_of_another_catalog_are_refused(small_run, make_table, write_table, tmp_path):
    spoilt = tmp_path / "a.parquet"
    _run("--anomalies-of", small_run.catalog, "--model", small_run.model, "--out", spoilt)
    with pytest.raises(UserError, match="not the 18 test stars of the table"):
        _run("--table", write_table(make_table(60)), "--anomalies", spoilt, "--out", tmp_path / "e.json")


def test_training_sizes_from_catalog_to_table(small_run, tmp_path):
    settings = settings_of(tmp_path).dump()
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({name: settings[name] for name in ("spectrum", "train")}))
    words = ("--training-size-of", small_run.catalog, "--config", tmp_path / "c.yaml", "--snr", 20, "--steps", 4)
    _run(*words, "--stars", 20, "--out", tmp_path / "size.json")
    _run("--training-sizes", tmp_path / "size.json", "--out", tmp_path / "sizes.parquet")
    assert pd.read_parquet(tmp_path / "sizes.parquet")["stars"].tolist() == [20]
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"c.yaml", "regions.yaml", "size.json", "sizes.parquet", "sizes.md"}


def test_the_docs_hold_the_definitions():
    page = Path(__file__).parents[2] / "docs" / "evaluation.md"
    assert definitions.markdown() in page.read_text(encoding="utf-8"), (
        "docs/evaluation.md: paste what `python -m halochem.evaluate.definitions` prints"
    )
