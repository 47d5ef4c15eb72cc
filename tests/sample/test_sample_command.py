"""`halochem sample`: the files it writes, and one line for each fault."""

import argparse
import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from halochem import files
from halochem.errors import UserError
from halochem.sample import command
from halochem.sample.figures import draw_densities, enclosing_levels


def sample(*arguments):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args([str(argument) for argument in arguments]))


@pytest.fixture
def products(tmp_path):
    sample(
        *("--seed", 3, "--n-stars", 300, "--out", tmp_path / "labels.parquet"),
        *("--figure", tmp_path / "density.png", "--summary", tmp_path / "summary.json"),
    )
    return tmp_path


def test_writes_a_label_table_that_every_reader_takes(products):
    frame = files.read_labels(products / "labels.parquet")
    assert len(frame) == 300
    pd.testing.assert_frame_equal(frame, pd.read_parquet(products / "labels.parquet"))
    table = Table.read(products / "labels.parquet")
    assert np.array_equal(table["feh"], frame["feh"])
    schema = pq.read_schema(products / "labels.parquet")
    assert schema.field("teff").metadata[b"unit"] == b"K"
    assert schema.metadata[b"seed"] == b"3"
    assert schema.metadata[b"p_table"] == b"built-in"


def test_summary_holds_expected_and_drawn(products):
    summary = json.loads((products / "summary.json").read_text())
    assert (summary["seed"], summary["n_stars"]) == (3, 300)
    frame = pd.read_parquet(products / "labels.parquet")
    cemp = ((frame["c_fe"] > 0.7) & (frame["feh"] < -1)).mean()
    assert summary["drawn"]["fraction"]["cemp"] == pytest.approx(cemp)
    assert summary["drawn"]["sigma"]["c_fe"] == pytest.approx(frame["c_fe"].std(ddof=0))
    assert summary["expected"]["mean"]["feh"] == pytest.approx(-1.23, abs=0.005)
    rho = frame["feh"].corr(frame["alpha_fe"])
    assert summary["drawn"]["correlation"]["feh_alpha"] == pytest.approx(rho)


def test_figure_is_a_png(products):
    assert (products / "density.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_figure_shows_the_stars_and_the_densities(products):
    from halochem.config import Sample
    from halochem.sample.halo import halo_density

    density, labels = halo_density(Sample()), pd.read_parquet(products / "labels.parquet")
    left, right = draw_densities(density, labels).axes[:2]
    assert np.array_equal(left.lines[0].get_xydata(), labels[["feh", "c_fe"]])
    assert np.array_equal(right.lines[0].get_xydata(), labels[["feh", "alpha_fe"]])
    assert left.get_ylim() == (-1, 3)
    for share, level in zip((0.9, 0.3), enclosing_levels(density.p, (0.3, 0.9)), strict=True):
        assert density.p.mass[density.p.density >= level].sum() == pytest.approx(share, abs=0.001)


def test_one_star_has_no_correlation(tmp_path):
    sample("--seed", 0, "--n-stars", 1, "--out", tmp_path / "a.parquet", "--summary", tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text())["drawn"]["correlation"]["feh_c"] is None


def test_configuration_is_obeyed_and_hashed(tmp_path):
    (tmp_path / "c.yaml").write_text("sample: {n_stars: 50, teff: [4000, 4100]}")
    sample("--seed", 1, "--config", tmp_path / "c.yaml", "--out", tmp_path / "a.parquet")
    frame = pd.read_parquet(tmp_path / "a.parquet")
    assert len(frame) == 50
    assert frame["teff"].between(4000, 4100).all()
    sample("--seed", 1, "--n-stars", 50, "--out", tmp_path / "b.parquet")
    hashes = {pq.read_schema(tmp_path / f"{x}.parquet").metadata[b"config_hash"] for x in "ab"}
    assert len(hashes) == 2


def test_a_users_table_is_recorded_by_its_checksum(tmp_path):
    rng = np.linspace(0, 1, 40)
    pd.DataFrame({"feh": -2 + rng, "alpha_fe": 0.3 - 0.3 * rng**2}).to_csv(tmp_path / "q.csv", index=False)
    (tmp_path / "c.yaml").write_text(f"sample: {{q_table: {tmp_path / 'q.csv'}}}")
    sample("--seed", 1, "--n-stars", 20, "--config", tmp_path / "c.yaml", "--out", tmp_path / "a.parquet")
    recorded = pq.read_schema(tmp_path / "a.parquet").metadata[b"q_table"].decode()
    assert recorded.endswith(files.sha256(tmp_path / "q.csv"))
    assert pd.read_parquet(tmp_path / "a.parquet")["feh"].between(-2.6, -0.4).all()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--seed", "-1"], "--seed: expected a whole number from 0 to .* got -1"),
        (["--seed", "1", "--n-stars", "-5"], "--n-stars: expected at least 1 star, got -5"),
        (["--seed", "1", "--n-stars", "0"], "--n-stars: expected at least 1 star, got 0"),
        (["--seed", "1", "--figure", "a.jpg"], "--figure: .* got a.jpg"),
        (["--seed", "1", "--config", "none.yaml"], "none.yaml: no such configuration"),
    ],
)
def test_bad_options_get_one_line_and_write_nothing(tmp_path, arguments, line):
    with pytest.raises(UserError, match=line) as caught:
        sample(*arguments, "--out", tmp_path / "a.parquet")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "a.parquet").exists()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("sample: {n_stars: -3}", r"sample\.n_stars: .* got -3"),
        ("sample: {teff: [3000, 9000]}", r"sample\.teff: expected a range within 2500 to 8000 K"),
        ("sample: {teff: [2000, 4000]}", r"sample\.teff: expected a range within 2500 to 8000 K"),
        ("sample: {teff: [5000, 4000]}", r"sample\.teff: the range must ascend"),
        ("sample: {n_star: 3}", r"unknown key sample\.n_star; known there: n_stars"),
        ("sample: {q_table: none.csv}", r"none\.csv: no such table"),
    ],
)
def test_bad_configuration_gets_one_line(tmp_path, text, line):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(UserError, match=line) as caught:
        sample("--seed", 1, "--config", tmp_path / "c.yaml", "--out", tmp_path / "a.parquet")
    assert "\n" not in str(caught.value)
