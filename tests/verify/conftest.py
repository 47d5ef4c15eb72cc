"""A toy run's results, with a manifest, to be damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from halochem import cli


@pytest.fixture(scope="session")
def whole_results(toy_results, tmp_path_factory) -> Path:
    """The folder that holds results/ (a figure and a page among them) and MANIFEST.json in it. Not to be changed."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copytree(toy_results, folder, dirs_exist_ok=True)
    figure = Figure(figsize=(1, 1))
    figure.add_subplot().plot([0, 1])
    (folder / "results/figures").mkdir()
    figure.savefig(folder / "results/figures/latents.png")
    (folder / "results/report.html").write_text("<!doctype html><title>page</title>", encoding="utf-8")
    (folder / "results/logs").mkdir()
    (folder / "results/logs/x.log").write_text("changes from run to run")
    words = [
        "verify",
        "--write",
        folder / "results",
        "--config",
        folder / "c.yaml",
    ]
    assert cli.main([str(word) for word in words]) == 0
    return folder


@pytest.fixture
def results(whole_results, tmp_path) -> Path:
    """results/, to be damaged."""
    shutil.copytree(whole_results / "results", tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def verify(results, capsys):
    """Run `halochem verify`; returns its status and the lines before the last, without the folder's name."""

    def run(*words: str) -> tuple[int, list[str]]:
        capsys.readouterr()
        status = cli.main(["verify", *words, str(results)])
        *lines, last = capsys.readouterr().out.splitlines()
        assert last.startswith(f"{results}: ")
        n_faults = sum(not line.startswith("note: ") for line in lines)
        words = {0: "no fault", 1: "1 fault"}.get(n_faults, f"{n_faults} faults")
        assert last.endswith(f" products, {words}")
        assert status == (1 if n_faults else 0)
        return status, [line.replace(f"{results}/", "") for line in lines]

    return run
