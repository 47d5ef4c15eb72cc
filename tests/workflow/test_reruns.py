"""Which stages run again after a change: those whose own settings changed, and those behind them."""

from __future__ import annotations

import pytest
import yaml
from workflow_project import Project, copy_project

SETTINGS = {
    "seeds": [1],
    "sample": {"n_stars": 20},
    "synthesis": {"chunk_size": 10},
    "encode": {"n_labelled": 10},
}
BEHIND_ENCODE = {"evaluate", "summarize", "report", "manifest", "all"}
BEHIND_TRAIN = {"encode", "anomalies"} | BEHIND_ENCODE
BEHIND_OBSERVE = {"train", "limits", "peers"} | BEHIND_TRAIN
BEHIND_SYNTHESIZE = {"observe"} | BEHIND_OBSERVE


def changed(section: str, **values: object) -> dict:
    """The settings with some values of a section changed."""
    return {**SETTINGS, section: {**SETTINGS.get(section, {}), **values}}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Project:
    """What Snakemake takes for a finished project: each product is there (empty), its settings on record."""
    project = copy_project(tmp_path_factory.mktemp("finished"))
    config = project.write_config(SETTINGS)
    plan = project.snakemake("--dry-run", "--configfile", config).stdout
    for line in plan.splitlines():
        if line.startswith("    output: "):
            for name in line.removeprefix("    output: ").split(", "):
                (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
                (project.folder / name).touch()
    touched = project.snakemake("--touch", "--forceall", "--cores", "1", "--configfile", config)
    assert touched.returncode == 0, touched.stdout
    return project


def rerun(project: Project, settings: dict) -> set[str]:
    return set(project.planned("--configfile", project.write_config(settings)))


def test_nothing_without_a_change(finished):
    assert rerun(finished, SETTINGS) == set()


def test_thresholds_do_not_retrain(finished):
    assert rerun(finished, changed("encode", flag_c_sigma=0.2)) == {"encode"} | BEHIND_ENCODE


def test_retraining_does_not_resynthesise(finished):
    assert rerun(finished, changed("train", epochs=7)) == {"train"} | BEHIND_TRAIN


def test_where_it_trains_does_not_retrain(finished):
    assert rerun(finished, changed("train", device="cpu", checkpoint_every=7)) == set()


def test_where_ispec_lies_does_not_resynthesise(finished):
    assert rerun(finished, changed("synthesis", ispec_dir="/opt/iSpec")) == set()


def test_jitter_does_not_resynthesise(finished):
    assert rerun(finished, changed("observe", jitter=0.03)) == {"observe"} | BEHIND_OBSERVE


def test_step_of_the_synthesis_does_not_rebuild_the_engine(finished):
    assert rerun(finished, changed("synthesis", step=0.05)) == {"synthesize"} | BEHIND_SYNTHESIZE


def test_another_build_resynthesises(finished):
    assert rerun(finished, changed("synthesis", build="reference")) == {"synthesize"} | BEHIND_SYNTHESIZE


def test_new_manifest_rebuilds_the_engine(finished):
    path = finished.folder / "resources" / "linelists" / "manifest.yaml"
    text = path.read_text(encoding="utf-8")
    try:
        path.write_text(text + "# changed\n", encoding="utf-8")
        assert rerun(finished, SETTINGS) == {"prepare_engine", "synthesize"} | BEHIND_SYNTHESIZE
    finally:
        path.write_text(text, encoding="utf-8")


def test_number_of_stars_changes_everything_but_the_engine(finished):
    assert rerun(finished, changed("sample", n_stars=30)) == {"sample", "synthesize"} | BEHIND_SYNTHESIZE


def test_further_seed_leaves_the_first_alone(finished):
    config = finished.write_config({**SETTINGS, "seeds": [1, 2]})
    jobs = finished.planned("--configfile", config)
    assert jobs["sample"] == jobs["train"] == jobs["encode"] == jobs["evaluate"] == 1
    assert jobs["synthesize"] == 2
    assert "prepare_engine" not in jobs


def test_edited_regions_retrain(finished):
    path = finished.folder / "config" / "regions.yaml"
    text = path.read_text(encoding="utf-8")
    try:
        path.write_text(text.replace("4398.454", "4399"), encoding="utf-8")
        assert rerun(finished, SETTINGS) == {"train"} | BEHIND_TRAIN
    finally:
        path.write_text(text, encoding="utf-8")


def test_settings_reach_the_jobs_of_this_run(finished):
    """A run with other settings rewrites the file that its jobs read, before they start."""
    config = finished.write_config(changed("encode", flag_c_sigma=0.2))
    result = finished.snakemake("--touch", "--cores", "1", "--configfile", config)
    assert result.returncode == 0, result.stdout
    written = yaml.safe_load((finished.folder / "results" / "config.yaml").read_text(encoding="utf-8"))
    assert written["encode"]["flag_c_sigma"] == 0.2
    assert written["train"]["epochs"] == 4000
