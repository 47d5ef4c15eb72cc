"""`halochem evaluate`, both modes, and its docs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd
import pytest

from halochem.errors import UserError
from halochem.evaluate import command, definitions


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
    assert (values["seed"], values["n_test"], values["schema_version"]) == (2, 18, 1)
    assert values["attributes"]["table"] == "halo-2.parquet"
    assert values["attributes"]["config_hash"] == "abc"
    _run("--summary", *evaluations, "--out", tmp_path / "summary.parquet")
    frame = pd.read_parquet(tmp_path / "summary.parquet").set_index("key")
    assert frame.loc["r.z_m.feh", "n_catalogs"] == 2
    assert (tmp_path / "summary.md").is_file()


def test_refuses_a_wrong_name_and_leaves_nothing(make_table, write_table, tmp_path):
    path = write_table(make_table(10))
    with pytest.raises(UserError, match=r"give a name that ends in \.json"):
        _run("--table", path, "--out", tmp_path / "e.parquet")
    with pytest.raises(UserError, match=r"give a name that ends in \.parquet"):
        _run("--summary", path, "--out", tmp_path / "e.json")
    with pytest.raises(UserError, match="no such configuration"):
        _run("--table", path, "--out", tmp_path / "e.json", "--config", tmp_path / "none.yaml")
    assert sorted(each.name for each in tmp_path.iterdir()) == [path.name]


def test_one_mode_at_a_time(tmp_path):
    with pytest.raises(SystemExit):
        _run("--out", tmp_path / "e.json")
    with pytest.raises(SystemExit):
        _run("--table", "a", "--summary", "b", "--out", tmp_path / "e.json")


def test_the_docs_hold_the_definitions():
    page = Path(__file__).parents[2] / "docs" / "evaluation.md"
    assert definitions.markdown() in page.read_text(encoding="utf-8"), (
        "docs/evaluation.md: paste what `python -m halochem.evaluate.definitions` prints"
    )
