import csv
import dataclasses

import numpy as np
import pytest
import torch
import toy_catalog
from safetensors.torch import load_file

from halochem import regions
from halochem.errors import UserError
from halochem.train import checkpoint, data, loop, model_files
from halochem.train.history import COLUMNS


def weights(folder):
    return load_file(folder / model_files.WEIGHTS)


def same(one, other):
    return set(one) == set(other) and all(torch.equal(one[name], other[name]) for name in one)


def history(folder):
    with open(folder / "history.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def without_seconds(rows):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


@pytest.mark.parametrize("encoder", ["mlp", "conv"])
def test_resumed_training_is_bit_identical(toy, tmp_path, encoder):
    decay = 0.9 if encoder == "mlp" else 0.0
    catalog, config = toy.catalog(), toy.config(encoder=encoder, epochs=5, batch_size=40, average_decay=decay)
    if encoder == "conv":
        catalog = first(catalog, 24)
    loop.fit(catalog, config, tmp_path / "whole")
    loop.fit(catalog, config, tmp_path / "parts", stop_after=2)
    assert not (tmp_path / "parts" / model_files.WEIGHTS).exists()
    # Epochs after the checkpoint, of an interrupted run, are done again.
    with open(tmp_path / "parts" / "history.csv", "a", encoding="utf-8") as file:
        file.write("2,a line of an epoch that was not saved\n")
    loop.fit(catalog, config, tmp_path / "parts", stop_after=1)
    loop.fit(catalog, config, tmp_path / "parts")
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "parts"))
    assert without_seconds(history(tmp_path / "whole")) == without_seconds(history(tmp_path / "parts"))
    assert not (tmp_path / "parts" / checkpoint.NAME).exists()


def test_same_seed_same_weights_another_seed_others(toy, trained, tmp_path):
    catalog = toy.catalog()
    loop.fit(catalog, toy.config(), tmp_path / "again")
    assert same(weights(trained), weights(tmp_path / "again"))
    catalog.attributes["seed"] = "8"
    loop.fit(catalog, toy.config(), tmp_path / "other")
    assert not same(weights(trained), weights(tmp_path / "other"))


def test_training_leaves_the_random_state_alone(toy, tmp_path):
    before = torch.random.get_rng_state()
    loop.fit(toy.catalog(), toy.config(epochs=1), tmp_path)
    assert torch.equal(before, torch.random.get_rng_state())


def first(catalog, count):
    """The catalog of its first stars."""
    by_star = ("flux", "sigma", "status", "labels", "flux_clean", "out_of_grid")
    return dataclasses.replace(catalog, **{name: getattr(catalog, name)[:count] for name in by_star})


@pytest.mark.parametrize(("encoder", "stars", "epochs"), [("mlp", 200, 4), ("conv", 60, 1)])
def test_only_what_a_survey_has_is_seen(toy, tmp_path, encoder, stars, epochs):
    """Other abundances, other true Teff and log g, no clean flux, other test stars: the same weights to the bit."""
    # Lambda and a validation in the short run too, so that all parts of a step have their say.
    weight = [{"from_epoch": 0, "value": 0.05}]
    config = toy.config(encoder=encoder, epochs=epochs, adversary_weight=weight, average_decay=0.9)
    loop.fit(first(toy.catalog(), stars), config, tmp_path / "whole")
    catalog = first(toy.catalog(), stars)
    rng = np.random.default_rng(0)
    for name in ("feh", "c_fe", "alpha_fe"):
        catalog.labels[name] = rng.permutation(catalog.labels[name])
    catalog.labels[["teff", "logg", "snr"]] = np.nan
    catalog.flux_clean = catalog.out_of_grid = None
    others = np.setdiff1d(np.arange(stars), np.concatenate(data.select(catalog, config.train)))
    assert len(others) > 10
    catalog.flux[others] = 0.5
    catalog.sigma[others] = 0.3
    catalog.labels.loc[others, ["teff_obs", "logg_obs"]] = 1.0
    loop.fit(catalog, config, tmp_path / "blind")
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "blind"))
    # Nor does it need them to be there.
    catalog.labels = catalog.labels[["star_id", "teff_obs", "logg_obs"]]
    loop.fit(catalog, config, tmp_path / "bare")
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "bare"))


@pytest.mark.parametrize("what", ["flux", "sigma", "teff_obs", "logg_obs"])
def test_what_a_survey_has_is_used(toy, trained, tmp_path, what):
    catalog = toy.catalog()
    row = data.select(catalog, toy.config().train)[0][0]
    if what in catalog.labels:
        catalog.labels.loc[row, what] *= 1.01
    else:
        getattr(catalog, what)[row] *= 1.2
    loop.fit(catalog, toy.config(), tmp_path)
    assert not same(weights(trained), weights(tmp_path))


def test_validation_stars_do_not_teach(toy, trained, tmp_path):
    catalog = toy.catalog()
    _, validation = data.select(catalog, toy.config().train)
    catalog.flux[validation] = 0.5
    loop.fit(catalog, toy.config(), tmp_path)
    assert same(weights(trained), weights(tmp_path))
    assert history(trained)[-1]["total_val"] != history(tmp_path)[-1]["total_val"]


def test_bad_pixels_do_not_teach(toy, tmp_path):
    results = []
    for value in (0.0, 3.0):
        catalog = toy.catalog()
        catalog.mask = np.zeros(catalog.flux.shape, bool)
        catalog.mask[:, 20:24] = catalog.mask[10:30, 100:140] = True
        catalog.flux[catalog.mask] = value
        loop.fit(catalog, toy.config(epochs=2), tmp_path / str(value))
        results.append(weights(tmp_path / str(value)))
    assert same(*results)


def test_history_has_a_line_an_epoch_and_the_published_steps(toy, trained):
    rows = history(trained)
    assert tuple(rows[0]) == COLUMNS
    assert [int(row["epoch"]) for row in rows] == list(range(6))
    assert [float(row["lambda"]) for row in rows] == [0, 0, 0, 0.05, 0.05, 0.05]
    assert [bool(row["total_val"]) for row in rows] == [False, False, True, False, False, True]
    assert float(rows[-1]["learning_rate"]) == pytest.approx(1e-3 / 25 / 1e4)
    for row in rows:
        parts = [float(row[f"{name}_train"]) for name in ("reconstruction", "kl", "linear", "classification")]
        total = parts[0] + 1e-3 * parts[1] + parts[2] - float(row["lambda"]) * parts[3]
        assert float(row["total_train"]) == pytest.approx(total, rel=1e-4)


@pytest.fixture
def players(toy):
    catalog, train = toy.catalog(), toy.config().train
    masks = regions.pixel_masks(regions.load(toy.regions_path), catalog.wavelength, "toy")
    rows, _ = data.select(catalog, train)
    scaler = data.fit_scaler(catalog, rows)
    networks = loop.Networks.build(masks, train, 7, torch.device("cpu"))
    edges = data.class_edges(catalog, rows, scaler, train)
    return networks, data.tensors(catalog, rows, networks.vae.pixels.numpy(), scaler, edges), train


def adversary_loss(networks, stars, train):
    with torch.no_grad():
        return loop.adversary_loss(networks, networks.vae.encode(stars.flux).mean, stars, train).item()


def test_adversary_learns_and_the_encoder_works_against_it(players):
    networks, stars, train = players
    noise = torch.zeros(len(stars), 3)
    start = adversary_loss(networks, stars, train)
    loop.set_rate(networks, 30, 100, 3e-3)
    for _ in range(60):
        loop.step(networks, stars, noise, train, weight=0.0)
    learnt = adversary_loss(networks, stars, train)
    assert learnt < start - 0.1
    for group in networks.adversary_optimiser.param_groups:
        group["lr"] = 0.0
    for _ in range(20):
        loop.step(networks, stars, noise, train, weight=10.0)
    assert adversary_loss(networks, stars, train) > learnt + 0.1


def test_the_releases_double_softmax_is_a_switch(toy, players):
    networks, stars, train = players
    for parameter in networks.adversary.parameters():
        parameter.data *= 20
    plain = adversary_loss(networks, stars, train)
    confined = adversary_loss(networks, stars, toy.config(reproduce={"softmax_before_cross_entropy": True}).train)
    assert 3.17 < confined < 4.19 < plain


def test_the_encoder_step_does_not_move_the_adversary(players):
    networks, stars, train = players
    for group in networks.adversary_optimiser.param_groups:
        group["lr"] = 0.0
    before = [p.clone() for p in networks.adversary.parameters()]
    loop.step(networks, stars, torch.zeros(len(stars), 3), train, weight=1.0)
    assert all(torch.equal(a, b) for a, b in zip(before, networks.adversary.parameters(), strict=True))


def test_region_outside_the_spectra(toy, tmp_path):
    path = tmp_path / "regions.yaml"
    path.write_text(toy_catalog.REGIONS + "  - [9205, 9240]\n")
    with pytest.raises(UserError, match=r"regions\.yaml: alpha \[9205, 9240\] lies outside the spectra"):
        loop.fit(toy.catalog(), toy.config(regions=str(path)), tmp_path)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_diverged_training_says_so(toy, tmp_path):
    with pytest.raises(UserError, match=r"the loss is not finite in epoch \d+; lower train\.max_learning_rate"):
        loop.fit(toy.catalog(), toy.config(max_learning_rate=1e18), tmp_path)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_trains_the_same_model_but_for_rounding(toy, trained, tmp_path):
    loop.fit(toy.catalog(), toy.config(device="cuda"), tmp_path)
    for name, value in weights(trained).items():
        torch.testing.assert_close(weights(tmp_path)[name], value, rtol=1e-2, atol=1e-2)


@pytest.mark.slow
def test_latents_follow_their_abundances(tmp_path):
    """The method itself, on the toy: of unseen stars each z says more of its own abundance than of others."""
    toy = toy_catalog.Toy.make(tmp_path, n_stars=600)
    catalog = toy.catalog()
    loop.fit(catalog, toy.config(**toy_catalog.LEARNING), tmp_path / "model")
    model = model_files.load(tmp_path / "model")
    test = np.setdiff1d(np.arange(600), np.concatenate(data.select(catalog, toy.config().train)))
    with torch.no_grad():
        output = model.vae(torch.from_numpy(catalog.flux[test]))
    z = output.posterior.mean.numpy()
    abundances = catalog.labels.loc[test, ["feh", "c_fe", "alpha_fe"]].to_numpy()
    r = np.abs(np.corrcoef(z.T, abundances.T)[:3, 3:])
    assert (np.diag(r) > 0.6).all()
    assert (r.argmax(axis=1) == [0, 1, 2]).all()
    u = model.scaler.standardise(data.observed_u(catalog, test))
    assert np.corrcoef(output.u[:, 0].numpy(), u[:, 0])[0, 1] > 0.9
