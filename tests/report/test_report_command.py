"""`halochem report`, from files to the page: complete, self-contained, escaped; and its refusals."""

from __future__ import annotations

import argparse
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from halochem.errors import UserError
from halochem.evaluate import command, evaluation, gradient_flow, summary, training_sizes
from halochem.evaluate.definitions import DEFINITIONS
from halochem.evaluate.number import Number
from halochem.report import numbers
from tiny_runs import write_report

FIGURES = ["fig2_labels", "fig3_reconstructions", "fig3_reconstructions_detail", "fig4_latents", "fig5_flags"]
FIGURES += ["fig6_snr", "training_history"]


class Page(HTMLParser):
    """What the page loads, shows and leaves open."""

    VOID = ("meta", "link", "img", "br", "input")

    def __init__(self, text: str):
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.cells: dict[str, str] = {}
        self.open: list[str] = []
        self._key = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag != "a":
            self.loads += [values[name] for name in ("src", "href", "srcset", "data") if name in values]
        elif not values["href"].startswith("#"):
            self.links.append(values["href"])
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "td":
            self._key = values.get("data-key", "")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self._key:
            self.cells[self._key] = self.cells.get(self._key, "") + data


def test_figures_are_there(report):
    names = {path.name for path in (report.parent / "figures").iterdir()}
    assert names == {f"{name}.{kind}" for name in FIGURES for kind in ("png", "pdf")}
    assert all(path.stat().st_size > 5000 for path in (report.parent / "figures").iterdir())


def test_the_page_loads_nothing(report):
    text = report.read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert [load for load in page.loads if not load.startswith("data:")] == []
    assert page.links == [f"figures/{name}.pdf" for name in FIGURES]
    assert sum(load.startswith("data:image/png") for load in page.loads) == len(FIGURES)
    assert not re.search(r"https?://|@import|url\(|<script[^>]*src", re.sub(r"data:image/png;base64,[^\"]*", "", text))
    assert "default-src 'none'" in text


def test_the_page_says_what_the_evaluation_says(report, tiny_run):
    page = Page(report.read_text(encoding="utf-8"))
    result = evaluation.read(tiny_run.evaluation)
    # A limit stands beside its number; what is held against peers and bounds is shown where there are some.
    alone = {key for key in result.numbers if not key.startswith("limit.")}
    ours = {key for key in alone if DEFINITIONS[key].group not in numbers.OPTIONAL}
    assert ours <= set(page.cells) <= alone
    assert "rmse_cannon.feh" not in page.cells
    number = result.numbers["rmse_linear.feh"]
    cell = page.cells["rmse_linear.feh"]
    assert cell.startswith(f"{number.value:.3f} ± {number.error:.3f}n = ")
    assert f"n = {number.n}" in cell
    assert "paper: 0.21" in cell
    signed = f"{result.numbers['r.z_c.c_fe'].detail['signed']:.2f}".replace("-", "−")
    assert page.cells["r.z_c.c_fe"].startswith(signed)
    assert page.cells["probe_r2.teff"].startswith("–not enough stars (n_train=")


def test_the_page_warns_and_tells_what_was_run(report):
    text = report.read_text(encoding="utf-8")
    assert "Not for comparison." in text
    assert "toy &lt;engine&gt;" in text
    assert "toy &amp; sons" in text
    assert "<engine>" not in text
    assert "2 without a spectrum" in text
    for key in ("sample.n_stars", "train.epochs", "train.encoder", "spectrum.log_step"):
        assert f"<code>{key}</code>" in text
    assert re.search(r"\d+% of the stars lie outside the atmosphere grid", text)


@pytest.mark.slow
def test_two_catalogs(tiny_run, second_run, tmp_path):
    runs = (tiny_run, second_run)
    options = [
        word
        for name in ("catalog", "model", "table", "evaluation")
        for word in (f"--{name}", *(getattr(run, name) for run in runs))
    ]
    results = [evaluation.read(run.evaluation) for run in runs]
    summary.write(results, tmp_path / "summary.parquet")
    write_report(
        *options, "--summary", tmp_path / "summary.parquet", "--figures-dir", tmp_path, "--out", tmp_path / "r.html"
    )
    assert (tmp_path / "fig4_latents_halo-2.png").is_file()
    assert (tmp_path / "training_history_halo-2.pdf").is_file()
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    mean = sum(result.numbers["rmse_linear.feh"].value for result in results) / 2
    assert page.cells["rmse_linear.feh"].startswith(f"{mean:.3f} ± ")


def _evaluate(*words: object) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args([str(word) for word in words]))


def test_experiments_have_their_figures_and_tables(tiny_run, tmp_path):
    """Spoilt spectra by the real model; of the trainings only their results."""
    spoilt = tmp_path / "a.parquet"
    _evaluate("--anomalies-of", tiny_run.catalog, "--model", tiny_run.model, "--out", spoilt)
    _evaluate("--table", tiny_run.table, "--anomalies", spoilt, "--out", tmp_path / "e.json")
    result = evaluation.read(tmp_path / "e.json")
    for row in gradient_flow.definitions():
        result.numbers[row.key] = Number(0.07, 12)
    evaluation.write(result, tmp_path / "e.json")
    row = {
        "relative_l2": 0.02,
        "spread": 0.001,
        "noise": 0.05,
        "catalogs": 1,
        "test_stars": 9,
        "steps": 4,
        "seconds": 1.0,
    }
    sizes = pd.DataFrame([{"snr": snr, "stars": n, **row} for snr in (20.0, 100.0) for n in (10, 20)])
    training_sizes.write_table(sizes, tmp_path / "sizes.parquet")
    words = [*tiny_run.options()[:-1], tmp_path / "e.json", "--anomalies", spoilt]
    words += ["--training-sizes", tmp_path / "sizes.parquet"]
    write_report(*words, "--figures-dir", tmp_path / "f", "--out", tmp_path / "r.html")
    names = {path.stem for path in (tmp_path / "f").iterdir()}
    assert names == {*FIGURES, "fig7_anomalies", "figC1_gradient_flow", "figF1_training_sizes"}
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert page.cells["gain.z_m.feh"].startswith("+0.07")
    assert "paper: above 0" in page.cells["gain.z_m.feh"]
    assert "paper: 0.004" in page.cells["without_flow.relative_l2.all"]
    assert page.cells["auc.chi2.noise"].startswith(f"{result.numbers['auc.chi2.noise'].value:.3f} ± ")


def _refusal(tiny_run, tmp_path, **changed) -> str:
    options = {name: [getattr(tiny_run, name)] for name in ("catalog", "model", "table", "evaluation")} | changed
    words = [word for name, values in options.items() for word in (f"--{name}", *values)]
    with pytest.raises(UserError) as caught:
        write_report(*words, "--figures-dir", tmp_path / "f", "--out", tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_refuses(tiny_run, second_run, tmp_path):
    none = tmp_path / "none"
    for name, what in (("catalog", "no such file"), ("model", "no such file"), ("table", "no such table")):
        message = _refusal(tiny_run, tmp_path, **{name: [none]})
        assert str(none) in message
        assert what in message
    assert "no such evaluation" in _refusal(tiny_run, tmp_path, evaluation=[none])
    two = [tiny_run.table, second_run.table]
    assert "1 of --catalog, 1 of --model, 2 of --table" in _refusal(tiny_run, tmp_path, table=two)
    assert "seed 2, 16 stars" in _refusal(tiny_run, tmp_path, evaluation=[second_run.evaluation])
    twice = {name: [getattr(tiny_run, name)] * 2 for name in ("catalog", "model", "table", "evaluation")}
    assert "seed 1 is there twice" in _refusal(tiny_run, tmp_path, **twice)


def test_refuses_a_summary_of_other_catalogs_and_a_wrong_name(tiny_run, second_run, tmp_path):
    summary.write([evaluation.read(second_run.evaluation)], tmp_path / "summary.parquet")
    message = _refusal(tiny_run, tmp_path, summary=[tmp_path / "summary.parquet"])
    assert "of seeds 2, but the evaluations are of 1" in message
    with pytest.raises(UserError, match=r"ends in \.html"):
        write_report(*tiny_run.options(), "--figures-dir", tmp_path, "--out", tmp_path / "report.pdf")
