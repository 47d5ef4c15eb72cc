"""Preset fast, on the toy: honesty, resuming, determinism, and whether each latent finds its abundance."""

import csv
import json
import math

import numpy as np
import pytest
import torch
import toy_catalog
from safetensors.torch import load_file

from halochem import responses
from halochem.encode import latents
from halochem.errors import UserError
from halochem.train import data, fast_loop, loop, model_files, stages
from halochem.train.history import COLUMNS

LIMITS = {"teff": (4000, 6000), "logg": (2.5, 4.5), "feh": (-4, 1), "c_fe": (-2, 4), "alpha_fe": (-1, 1.5)}

# Two epochs for each of the eight stages.
TRAIN = {"preset": "fast", "adversary_weight": [{"from_epoch": 0, "value": 3.0}], "batch_size": 50, "epochs": 16}
SHARES = {"manifold_share": 1 / 4} | {
    f"{stage}_share": 1 / 8 for stage in ("atmosphere", "reading", "quantiles", "straightening", "spectra")
}
SECTION = {"components": 20, "filters": 6} | SHARES


def flux(labels):
    return toy_catalog.clean_flux(dict(zip(LIMITS, labels.T, strict=True))).astype(np.float32)


@pytest.fixture(scope="session")
def responses_path(tmp_path_factory):
    """The toy's derivatives, by the functions that make the shipped ones."""
    path = tmp_path_factory.mktemp("responses") / "responses.npz"
    labels = responses.points(800, LIMITS)
    each = [responses.measure(flux, labels, LIMITS, name) for name in responses.ELEMENTS]
    responses.save(responses.compress(each, labels, toy_catalog.WAVELENGTH, 40), path, "toy")
    return path


@pytest.fixture
def settings(toy, responses_path):
    """A configuration of preset fast; `section` and `train` override its keys."""

    def make(section=None, **train):
        return toy.config(**TRAIN | {"fast": SECTION | {"responses": str(responses_path)} | (section or {})} | train)

    return make


@pytest.fixture(scope="session")
def fast_trained(toy, responses_path, tmp_path_factory):
    out = tmp_path_factory.mktemp("fast") / "model"
    loop.fit(toy.catalog(), toy.config(**TRAIN, fast=SECTION | {"responses": str(responses_path)}), out)
    return out


def weights(folder):
    return load_file(folder / model_files.WEIGHTS)


def same(one, other):
    return set(one) == set(other) and all(torch.equal(one[name], other[name]) for name in one)


def history(folder):
    with open(folder / "history.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_only_what_a_survey_has_is_seen(toy, fast_trained, settings, tmp_path):
    """Other abundances, other true Teff and log g, no clean flux, other test stars: the same weights."""
    catalog = toy.catalog()
    rng = np.random.default_rng(0)
    for name in ("feh", "c_fe", "alpha_fe"):
        catalog.labels[name] = rng.permutation(catalog.labels[name])
    catalog.labels[["teff", "logg", "snr"]] = np.nan
    catalog.flux_clean = None
    catalog.out_of_grid = None
    others = np.setdiff1d(np.arange(len(catalog.status)), np.concatenate(data.select(catalog, settings().train)))
    catalog.flux[others] = 0.5
    catalog.labels.loc[others, ["teff_obs", "logg_obs"]] = 1.0
    loop.fit(catalog, settings(), tmp_path)
    assert same(weights(fast_trained), weights(tmp_path))


@pytest.mark.parametrize("what", ["flux", "sigma", "teff_obs"])
def test_what_a_survey_has_is_used(toy, fast_trained, settings, tmp_path, what):
    catalog = toy.catalog()
    row = data.select(catalog, settings().train)[0][0]
    if what == "teff_obs":
        catalog.labels.loc[row, what] += 30.0
    else:
        getattr(catalog, what)[row] *= 1.2
    loop.fit(catalog, settings(), tmp_path)
    assert not same(weights(fast_trained), weights(tmp_path))


def test_resumed_training_is_bit_identical(toy, fast_trained, settings, tmp_path):
    """Cut within stages, of two epochs each, and between two."""
    for epochs in (1, 2, 2, 2, 2, 2, 2, 1, 1):
        loop.fit(toy.catalog(), settings(), tmp_path, stop_after=epochs)
        assert not (tmp_path / model_files.WEIGHTS).exists()
    loop.fit(toy.catalog(), settings(), tmp_path)
    assert same(weights(fast_trained), weights(tmp_path))
    rows = [[{k: v for k, v in row.items() if k != "seconds"} for row in history(f)] for f in (fast_trained, tmp_path)]
    assert rows[0] == rows[1]


def test_the_number_of_threads_does_not_matter(toy, fast_trained, settings, tmp_path, monkeypatch):
    before, seen, of_epoch = torch.get_num_threads(), set(), fast_loop.train_epoch

    def train_epoch(*arguments):
        seen.add(torch.get_num_threads())
        return of_epoch(*arguments)

    monkeypatch.setattr(fast_loop, "train_epoch", train_epoch)
    torch.set_num_threads(3)
    try:
        loop.fit(toy.catalog(), settings(), tmp_path)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    # The toy's sums may agree on any number of threads; a catalog's do not.
    assert seen == {1}
    assert same(weights(fast_trained), weights(tmp_path))


def test_encoding_takes_one_thread(toy, fast_trained, monkeypatch):
    """More wait for one another, ten times as long where other work keeps a core busy."""
    model, catalog = model_files.load(fast_trained), toy.catalog()
    before, seen, encode = torch.get_num_threads(), [], model.vae.settle

    def settle(*arguments):
        seen.append(torch.get_num_threads())
        return encode(*arguments)

    monkeypatch.setattr(model.vae, "settle", settle)
    torch.set_num_threads(3)
    try:
        latents.infer(model, catalog.flux[4:8])
        latents.noise_widths(model, catalog.flux[4:8], catalog.sigma[4:8])
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert seen == [1, 1]


def test_another_seed_gives_other_weights_and_the_random_state_is_left_alone(toy, fast_trained, settings, tmp_path):
    catalog = toy.catalog()
    catalog.attributes["seed"] = "8"
    before = torch.random.get_rng_state()
    loop.fit(catalog, settings(), tmp_path)
    assert torch.equal(before, torch.random.get_rng_state())
    assert not same(weights(fast_trained), weights(tmp_path))


def test_other_responses_do_not_resume(toy, settings, responses_path, tmp_path):
    loop.fit(toy.catalog(), settings(), tmp_path / "model", stop_after=1)
    other = responses.load(responses_path)
    other.coefficients[:] *= 2
    responses.save(other, tmp_path / "other.npz", "toy")
    with pytest.raises(UserError, match="another training: responses was"):
        loop.fit(toy.catalog(), settings({"responses": str(tmp_path / "other.npz")}), tmp_path / "model")


def test_history_and_model_json(toy, fast_trained):
    rows = history(fast_trained)
    assert tuple(rows[0]) == COLUMNS
    assert [bool(row["linear_train"]) for row in rows] == 2 * [True] + 6 * [False] + 2 * [True] + 6 * [False]
    assert [bool(row["guide_train"]) for row in rows] == 2 * [False] + 2 * [True] + 12 * [False]
    assert [bool(row["reconstruction_train"]) for row in rows] == 14 * [False] + 2 * [True]
    assert all(float(rows[last]["total_val"]) for last in range(1, 16, 2))
    document = json.loads((fast_trained / "model.json").read_text())
    assert document["architecture"]["preset"] == "fast"
    assert document["training"]["stages"] == dict.fromkeys(stages.NAMES, 2)
    assert all(map(math.isfinite, document["metrics"]["validation"].values()))
    assert {"linear", "kl", "guide", "reconstruction", "classification"} <= set(document["metrics"]["train"])


def test_loaded_model_answers_as_the_trained_one(toy, fast_trained):
    one, other = model_files.load(fast_trained), model_files.load(fast_trained)
    spectra = torch.from_numpy(toy.catalog().flux[:3])
    with torch.no_grad():
        output = one.vae(spectra)
        assert torch.equal(output.reconstruction, other.vae(spectra).reconstruction)
    factor = output.posterior.cholesky
    assert torch.equal(factor, factor.tril())
    assert (torch.diagonal(factor, dim1=1, dim2=2) > 0).all()
    assert output.reconstruction.shape == (3, len(one.pixels))


def test_details_are_what_the_components_leave_out(toy, settings, tmp_path):
    """Of few components, on flux without noise that training has not seen."""
    loop.fit(toy.catalog(), settings({"components": 4}), tmp_path)
    model, catalog = model_files.load(tmp_path), toy.catalog()
    rows = np.flatnonzero(catalog.usable)
    clean = catalog.flux_clean[np.ix_(rows, model.pixels)]
    errors = []
    with torch.no_grad():
        for _ in range(2):
            off = model.vae(torch.from_numpy(catalog.flux[rows])).reconstruction.numpy() - clean
            errors.append(np.sqrt(np.mean(off**2)))
            for line in model.vae.details.values():
                line.weight.zero_()
                line.bias.zero_()
    assert errors[0] < 0.9 * errors[1]


def test_bad_pixels_do_not_teach(toy, settings, tmp_path):
    results = []
    for value in (0.0, 3.0):
        catalog = toy.catalog()
        catalog.mask = np.zeros(catalog.flux.shape, bool)
        catalog.mask[:, 20:24] = catalog.mask[10:30, 100:140] = True
        catalog.flux[catalog.mask] = value
        loop.fit(catalog, settings(epochs=8), tmp_path / str(value))
        results.append(weights(tmp_path / str(value)))
    assert same(*results)


def test_another_grid_is_refused(toy, settings, tmp_path):
    catalog = toy.catalog()
    catalog.wavelength = catalog.wavelength * 1.0001
    with pytest.raises(UserError, match=r"responses on 300 pixels over 5000\.0-.*train\.preset: paper"):
        loop.fit(catalog, settings(), tmp_path)


def test_diverged_training_says_so(toy, settings, tmp_path):
    with pytest.raises(UserError, match=r"the loss is not finite in epoch \d+; lower train\.max_learning_rate"):
        loop.fit(toy.catalog(), settings(max_learning_rate=1e18), tmp_path)


def test_lost_latents_are_reported(toy, settings, tmp_path, caplog):
    # So strong a prior leaves the posterior no room to say anything.
    loop.fit(toy.catalog(), settings(beta=1e4, epochs=16, max_learning_rate=1e-2), tmp_path)
    assert "z_alpha has lost its element" in caplog.text


def test_decoders_do_not_teach_the_latents_nor_guides_the_atmosphere(toy, settings):
    config = settings()
    catalog = toy.catalog()
    masks = {name: np.arange(300) % 3 == k for k, name in enumerate(("iron", "carbon", "alpha"))}
    training = fast_loop.prepare(catalog, config, masks, *data.select(catalog, config.train))
    model, stars = training.players.vae, training.stars
    w = fast_loop.settled(training, "abundances", stars)["w"]
    values, _ = stages.abundance_losses(
        training.players, stars, stars.scores, w, torch.zeros(len(stars), 3), config.train, 1.0
    )
    values["total"].backward()
    assert all(p.grad is None for p in model.atmosphere.parameters())
    known = fast_loop.settled(training, "spectra", stars)
    model.encoder.zero_grad()
    stages.spectrum_losses(training.players, stars, **known)["total"].backward()
    assert all(p.grad is None or not p.grad.any() for p in model.encoder.parameters())


@pytest.mark.parametrize("selective", [True, False])
def test_each_guide_teaches_its_own_latent(toy, settings, selective):
    from halochem.train.fast import Guides

    torch.manual_seed(0)
    guides = Guides(8, selective)
    e, w = torch.randn(5, 3, requires_grad=True), torch.randn(5, 2)
    for k, scores in enumerate(guides(e, w, torch.ones(8))):
        e.grad = None
        scores.sum().backward(retain_graph=True)
        taught = {i for i in range(3) if (e.grad[:, i] != 0).any()}
        assert taught == ({k} if selective else set(range(k + 1)))


@pytest.mark.slow
def test_latents_follow_their_abundances(settings, tmp_path):
    """The method itself: of unseen stars each z grows with its own abundance, whichever way the network began."""
    toy = toy_catalog.Toy.make(tmp_path, n_stars=1500)
    catalog = toy.catalog()
    # The toy's abundances are independent, unlike the halo's.
    none = {"feh_alpha": 0.0, "feh_c": 0.0, "c_alpha": 0.0}
    section = {"latent_scale": "gaussian", "manifold_share": 0.2, "spectra_batch": 64}
    config = settings(section, epochs=100, max_learning_rate=5e-3, batch_size=100, prior_correlation=none)
    loop.fit(catalog, config, tmp_path / "model")
    model = model_files.load(tmp_path / "model")
    test = np.setdiff1d(np.arange(1500), np.concatenate(data.select(catalog, config.train)))
    with torch.no_grad():
        output = model.vae(torch.from_numpy(catalog.flux[test]))
    z = output.posterior.mean.numpy()
    r = np.corrcoef(z.T, catalog.labels.loc[test, ["feh", "c_fe", "alpha_fe"]].to_numpy().T)[:3, 3:]
    assert (np.diag(r) > 0.8).all()
    assert (np.abs(r[~np.eye(3, dtype=bool)]) < 0.4).all()


def test_straightening_makes_carbon_change_less_along_other_elements(toy, settings, responses_path):
    """In the model itself: the changes that it learns from are its own, and smaller for what it has learnt."""
    shares = {"straightening": 0.3, "quantiles": 0.1, "reading": 0.05, "atmosphere": 0.05, "spectra": 0.05}
    section = {"spectra_batch": 20} | {f"{name}_share": share for name, share in shares.items()}
    config = settings(section, epochs=60, max_learning_rate=5e-3)
    catalog = toy.catalog()
    masks = {name: np.arange(300) % 3 == k for k, name in enumerate(("iron", "carbon", "alpha"))}
    training = fast_loop.prepare(catalog, config, masks, *data.select(catalog, config.train))
    model, stars, stage = training.players.vae, training.stars, "straightening"
    first = sum(list(stages.lengths(config.train).values())[: stages.NAMES.index(stage)])
    known = fast_loop.begin(training, stage, 0, None)
    # Moved along a direction and back, and by how much z_c changes: by hand, without the loss.
    assert known["ends"].shape == (len(stars), 2, 2, 5)
    middle = known["ends"].mean(dim=2)
    torch.testing.assert_close(middle, known["x"][:, None].expand_as(middle), atol=1e-5, rtol=0)
    torch.testing.assert_close(known["fixed"][:, 0, 1], model.quantiles(model.finish(known["ends"][:, 0, 1])))
    before = stages.straightening_losses(training.players, **known)["total"].item()
    for epoch in range(first, first + stages.lengths(config.train)[stage]):
        fast_loop.train_epoch(training, epoch, known)
    after = stages.straightening_losses(training.players, **known)["total"].item()
    assert after < 0.9 * before
    x = known["x"]
    unmoved = [0, 2]
    torch.testing.assert_close(model.normal(x)[:, unmoved], model.quantiles(model.finish(x))[:, unmoved])
