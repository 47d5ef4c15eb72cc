"""Training on so many stars at one S/N: the same steps, nested sets, honest numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from halochem import config, files, split
from halochem.errors import UserError
from halochem.evaluate import training_sizes
from tiny_runs import settings_of


def test_as_many_steps_whatever_the_size():
    settings = config.validate({"train": {"epochs": 100, "batch_size": 100, "validation_fraction": 0.05}}, "test")
    steps = []
    for stars in (200, 1000, 28_000):
        same, made = training_sizes.same_steps(settings, stars, 28_000, None)
        batches = -(-round(0.95 * stars) // 100)
        assert made == same.train.epochs * batches
        steps.append(made)
    assert steps == [pytest.approx(26_600, rel=0.02)] * 3
    assert training_sizes.same_steps(settings, 1000, 28_000, 500)[1] == 500


def test_the_adversary_keeps_its_shares():
    weight = [{"from_epoch": 0, "value": 0.0}, {"from_epoch": 5, "value": 0.01}, {"from_epoch": 50, "value": 0.1}]
    settings = config.validate({"train": {"epochs": 100, "batch_size": 100, "adversary_weight": weight}}, "test")
    longer, _ = training_sizes.same_steps(settings, 1000, 10_000, None)
    share = longer.train.epochs / 100
    assert [step.from_epoch for step in longer.train.adversary_weight] == [0, round(5 * share), round(50 * share)]
    shorter, _ = training_sizes.same_steps(settings, 1000, 10_000, 20)
    assert [step.from_epoch for step in shorter.train.adversary_weight] == [0, 1]
    assert [step.value for step in shorter.train.adversary_weight] == [0.01, 0.1]  # the later of two in one epoch
    config.validate(shorter.dump(), "test")


def test_noise_is_of_the_snr_asked_for_and_differs_by_a_factor_only(small_run):
    catalog = files.read_catalog(small_run.catalog)
    rows = np.array([0, 3, 7])
    low, high = (training_sizes.with_noise(catalog, rows, snr) for snr in (20, 100))
    assert np.flatnonzero(low.usable).tolist() == rows.tolist()
    noise_low, noise_high = (each.flux[rows] - catalog.flux_clean[rows] for each in (low, high))
    assert np.allclose(noise_low, 5 * noise_high, atol=1e-5)
    assert np.std(noise_low / low.sigma[rows]) == pytest.approx(1, rel=0.05)
    assert (np.abs(1 / low.sigma[rows] - 20) < 4 * 5).all()
    assert np.allclose(low.labels["snr"][rows], 1 / low.sigma[rows, 0], rtol=1e-5)


@pytest.fixture(scope="module")
def measured(small_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sizes")
    settings = settings_of(folder)
    return [
        training_sizes.measure(small_run.catalog, settings, stars, snr, 6, folder / f"{stars}-{snr}")
        for stars, snr in ((20, 20.0), (40, 20.0), (40, 100.0))
    ]


def test_measured_by_real_trainings(measured):
    assert [each["stars"] for each in measured] == [20, 40, 40]
    n_test = (~split.is_train(4, 60, 0.7)).sum()
    assert measured[0]["relative_l2"]["n"] >= n_test - 1  # one star of the catalog has no spectrum
    noise = [each["noise"]["value"] for each in measured]
    assert noise[0] == pytest.approx(noise[1])  # the same test stars with the same noise
    assert noise[0] == pytest.approx(5 * noise[2], rel=1e-4)
    assert all(0 < each["relative_l2"]["value"] < 1 for each in measured)
    assert measured[0]["relative_l2"] != measured[1]["relative_l2"]


def test_collected_into_a_table(measured, tmp_path):
    paths = []
    for k, each in enumerate(measured):
        paths.append(tmp_path / f"{k}.json")
        training_sizes.write(each, paths[-1])
    other = json.loads(paths[0].read_text()) | {"seed": 5}
    other["relative_l2"]["value"] += 0.02
    paths.append(tmp_path / "other.json")
    training_sizes.write(other, paths[-1])
    frame = training_sizes.collect(paths)
    assert frame[["snr", "stars", "catalogs"]].to_numpy().tolist() == [[20, 20, 2], [20, 40, 1], [100, 40, 1]]
    first = measured[0]["relative_l2"]["value"]
    assert frame["relative_l2"][0] == pytest.approx(first + 0.01)
    assert frame["spread"][0] == pytest.approx(0.02 / np.sqrt(2))
    assert frame["spread"][1] == measured[1]["relative_l2"]["error"]
    page = training_sizes.write_table(frame, tmp_path / "sizes.parquet")
    assert training_sizes.read_table(tmp_path / "sizes.parquet")["stars"].tolist() == [20, 40, 40]
    assert f"| 20 | 20 | {first + 0.01:.4f} ± 0.0141 |" in page.read_text(encoding="utf-8")
    with pytest.raises(UserError, match="S/N 20, 20 stars is there twice of a seed"):
        training_sizes.collect([paths[0], paths[0]])


def test_refuses(small_run, tmp_path):
    settings = settings_of(tmp_path)
    with pytest.raises(UserError, match="a training on 50 is impossible"):
        training_sizes.measure(small_run.catalog, settings, 50, 20.0, 6, tmp_path / "m")
    with pytest.raises(UserError, match="no such file"):
        training_sizes.collect([tmp_path / "none.json"])
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(UserError, match="not of `halochem evaluate --training-size-of`"):
        training_sizes.collect([tmp_path / "a.json"])
    with pytest.raises(UserError, match="no such table"):
        training_sizes.read_table(tmp_path / "none.parquet")
