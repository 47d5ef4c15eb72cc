"""The same training without selective gradient flow, and what it says beside the catalog's own."""

from __future__ import annotations

import argparse
from dataclasses import replace

import pytest
import yaml

from halochem.errors import UserError
from halochem.evaluate import command, evaluation, gradient_flow, table
from halochem.train import model_files
from tiny_runs import settings_of


def _run(*words: object) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args([str(word) for word in words]))


@pytest.fixture(scope="module")
def without(small_run, tmp_path_factory):
    """The JSON of a real training without, and its folder."""
    folder = tmp_path_factory.mktemp("without")
    settings = settings_of(folder).dump()
    (folder / "c.yaml").write_text(yaml.safe_dump({name: settings[name] for name in ("spectrum", "train", "encode")}))
    _run(
        *("--without-flow-of", small_run.catalog, "--model", folder / "model", "--config", folder / "c.yaml"),
        *("--out", folder / "without.json"),
    )
    return folder / "without.json", folder / "model"


def test_trained_without_selective_gradient_flow(without, small_run):
    document = model_files.read_document(without[1])
    assert document["config"]["train"]["selective_gradient_flow"] is False
    ours = model_files.read_document(small_run.model)["config"]["train"]
    same = {"regions": ours["regions"], "selective_gradient_flow": True}
    assert document["config"]["train"] | same == ours


def test_its_numbers_stand_beside_the_catalogs_own(without, small_run, tmp_path):
    _run("--table", small_run.table, "--without-flow", without[0], "--out", tmp_path / "e.json")
    both, other = evaluation.read(tmp_path / "e.json").numbers, evaluation.read(without[0]).numbers
    assert both["without_flow.r.z_m.feh"].value == other["r.z_m.feh"].value
    assert both["without_flow.relative_l2.all"].value == other["relative_l2.all"].value
    assert both["gain.z_c.feh"].value == both["r.z_c.feh"].value - other["r.z_c.feh"].value
    frame, seed, _ = table.read(small_run.table)
    alone = evaluation.evaluate(frame, seed).numbers
    assert {alone[row.key].value for row in gradient_flow.definitions()} == {None}
    assert alone["gain.z_m.feh"].note == "no such training given (--without-flow)"


def test_refuses_another_catalogs_or_the_same_training(without, small_run, tmp_path):
    other = replace(evaluation.read(without[0]), seed=9)
    evaluation.write(other, tmp_path / "other.json")
    for path in (tmp_path / "other.json", small_run.evaluation):
        with pytest.raises(UserError, match="without selective gradient flow; make it with"):
            _run("--table", small_run.table, "--without-flow", path, "--out", tmp_path / "e.json")
