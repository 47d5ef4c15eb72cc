"""`snakemake --report` on a finished tree: the figures are in it, with their captions and the catalog they are of."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from halochem import cli

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "sample": {"n_stars": 60},
    "synthesis": {"chunk_size": 20},
    "spectrum": {"wavelength": [5000, 5070]},
    "train": {"encoder": "mlp", "epochs": 2, "batch_size": 16, "device": "cpu"},
    "encode": {"n_labelled": 10},
    "seeds": [1],
}


def _snakemake(folder: Path, *arguments: str) -> str:
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]))
    result = subprocess.run(
        [sys.executable, "-m", "snakemake", "--configfile", "mine.yaml", "--cores", "1", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "NO_COLOR": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


@pytest.mark.slow
def test_figures_are_in_snakemakes_own_report(toy_results, tmp_path):
    for name in ("workflow", "config", "slurm", "profiles", "resources/linelists", "resources/emulator"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("prepared"))
    shutil.copy(ROOT / "Snakefile", tmp_path)
    shutil.copytree(toy_results / "results", tmp_path / "results")
    regions = {"regions": str(toy_results / "regions.yaml")}
    settings = SETTINGS | {"train": SETTINGS["train"] | regions}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    # The figure and summary of labels, which the toy run has none of; its own labels stay.
    sample = ["sample", "--config", tmp_path / "mine.yaml", "--seed", 1, "--out", tmp_path / "labels.parquet"]
    sample += ["--figure", tmp_path / "results/figures/density-1.pdf"]
    sample += ["--summary", tmp_path / "results/labels/halo-1.json"]
    assert cli.main([str(word) for word in sample]) == 0
    # What the toy run has made counts as made; the page itself is the rule's work.
    _snakemake(tmp_path, "--touch", "results/tables/halo-1.parquet", "results/evaluation/summary.parquet")
    _snakemake(tmp_path, "results/report.html", "--allowed-rules", "report")
    _snakemake(tmp_path, "--report", "provenance.html", "results/report.html")
    text = (tmp_path / "provenance.html").read_text(encoding="utf-8")
    for name in ("fig2_labels", "fig3_reconstructions", "fig4_latents", "error_over_bound", "training_history"):
        assert f"results/figures/{name}.png" in text
    assert "reconstructions_detail" not in text  # its windows lie outside 5000-5070 Å
    assert "least-squares lines in three bins" in text
    assert "figures/density-1.pdf" in text
