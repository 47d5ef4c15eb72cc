"""The ablation's variants: what each changes is what it says, and nothing is left changed."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.append(str(Path(__file__).parents[2] / "benchmarks" / "model"))
sys.path.append(str(Path(__file__).parents[1] / "train"))
import ablation
import variants
from toy_catalog import WAVELENGTH, Toy

from halochem import regions, responses
from halochem.train import fast, fast_loop, filters, stages


@pytest.mark.parametrize("name", variants.VARIANTS)
def test_every_variant_is_a_configuration(name):
    variant = variants.VARIANTS[name]
    config = ablation.settings(variant.train)
    assert config.train.epochs == (variants.FAST if config.train.preset == "fast" else variants.PAPER)["epochs"]
    assert config.sample.n_stars == ablation.STARS
    assert variant.base is None or variant.base in variants.VARIANTS
    default = ablation.settings(variants.VARIANTS["paper" if variant.train["preset"] == "paper" else "fast"].train)
    assert name in ("fast", "paper") or config != default or variant.experiment


def taught(guides, element):
    """Which latents the guide of an element teaches."""
    e = torch.randn(5, 3, requires_grad=True)
    guides(e, torch.randn(5, 2), torch.ones(4))[element].sum().backward()
    return [k for k in range(3) if e.grad is not None and e.grad[:, k].abs().sum() > 0]


def test_guides_read_and_teach_what_is_asked():
    guides = variants.ReadingGuides(4, True, variants.PUBLISHED_READS)
    assert [taught(guides, k) for k in range(3)] == [[0], [1], [2]]
    guides = variants.ReadingGuides(4, False, variants.ALL_READS)
    assert [taught(guides, k) for k in range(3)] == [[0, 1, 2]] * 3
    guides = variants.ReadingGuides(4, False, variants.PUBLISHED_READS)
    assert taught(guides, 0) == [0, 1]


def test_triangular_reading_is_the_presets_own():
    ours = variants.ReadingGuides(4, True, ((0,), (0, 1), (0, 1, 2)))
    own = fast.Guides(4, True)
    own.load_state_dict(ours.state_dict())
    e, w, spread = torch.randn(5, 3), torch.randn(5, 2), torch.rand(4)
    for one, other in zip(ours(e, w, spread), own(e, w, spread), strict=True):
        torch.testing.assert_close(one, other)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return Toy.make(tmp_path_factory.mktemp("toy"), n_stars=120)


@pytest.fixture(scope="module")
def config(toy):
    path = toy.folder / "responses.npz"
    limits = {"teff": (4000, 6000), "logg": (2.5, 4.5), "feh": (-4, 1), "c_fe": (-2, 4), "alpha_fe": (-1, 1.5)}
    labels = responses.points(200, limits)
    rng = np.random.default_rng(0)
    each = [rng.normal(0, 0.01, (200, len(WAVELENGTH))).astype(np.float32) for _ in responses.ELEMENTS]
    responses.save(responses.compress(each, labels, WAVELENGTH, 20), path, "toy")
    section = {"responses": str(path), "components": 10, "filters": 4}
    return toy.config(preset="fast", fast=section, batch_size=40, epochs=8)


def prepared(toy, config):
    catalog = toy.catalog()
    masks = regions.pixel_masks(regions.load(config.train.regions), catalog.wavelength, config.train.regions)
    rows = np.arange(80)
    return catalog, masks, fast_loop.prepare(catalog, config, masks, rows, np.arange(80, 84))


def test_region_filters_are_the_residual_in_the_regions_pixels(toy, config):
    catalog = toy.catalog()
    with variants.region_pixels(catalog, config):
        _, masks, training = prepared(toy, config)
    assert isinstance(training.players.filters, variants.RegionFilters)
    assert filters.measure.__module__ == "halochem.train.filters"  # put back
    residual = torch.randn(6, 10)
    basis, sigma = (training.players.vae.components.state_dict()[name].numpy() for name in ("basis", "noise"))
    for element, name in enumerate(regions.DECODERS):
        flux = residual.numpy() @ basis[masks[name]].T
        expected = (flux**2).sum(axis=1) / sigma**2 / (basis[masks[name]] ** 2).sum()
        found = training.players.filters.chi2(element, residual, training.stars.cells[:6])
        np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_oracle_redraws_the_noise_of_each_epoch(toy, config, monkeypatch):
    seen = []

    def record(training, epoch, known):
        seen.append(training.stars.scores.clone())
        return {}, 0.0

    monkeypatch.setattr(fast_loop, "train_epoch", record)
    catalog = toy.catalog()
    rows, validation = fast_loop.data.select(catalog, config.train)
    masks = regions.pixel_masks(regions.load(config.train.regions), catalog.wavelength, config.train.regions)
    training = fast_loop.prepare(catalog, config, masks, rows, validation)
    observed = training.stars.scores.clone()
    with variants.new_noise(catalog, config):
        for epoch in (0, 1):
            fast_loop.train_epoch(training, epoch, {})
    assert fast_loop.train_epoch is record
    clean = training.players.vae.scores(torch.from_numpy(catalog.flux_clean[rows]))
    off = [(scores - clean) / training.stars.noise for scores in (*seen, observed)]
    assert all(each.std().item() == pytest.approx(1, abs=0.1) for each in off)
    assert abs(torch.corrcoef(torch.stack([off[0].flatten(), off[1].flatten()]))[0, 1]) < 0.15


def test_latents_without_quantiles_and_without_refinement(toy, config):
    catalog, _, training = prepared(toy, config)
    model, scores = training.players.vae, training.stars.scores
    with torch.no_grad(), variants.raw_latents(catalog, config):
        x, factor = model.settle(scores)
        torch.testing.assert_close(model.posterior(x, factor).mean, model.scale(x[:, :3])[0])
        assert not torch.equal(x, model.read(scores))
        with variants.as_read(catalog, config):
            torch.testing.assert_close(model.settle(scores)[0], model.read(scores))
    assert not torch.equal(model.quantiles(x), x[:, :3])  # put back


def test_carbon_is_left_askew(toy, config):
    catalog, _, training = prepared(toy, config)
    model = training.players.vae
    torch.nn.init.ones_(model.straight[-1].bias)
    x = model.settle(training.stars.scores)[0].detach()
    with torch.no_grad(), variants.VARIANTS["askew"].experiment(catalog, config):
        torch.testing.assert_close(model.normal(x), model.quantiles(model.finish(x)))
    assert (model.normal(x) - model.quantiles(model.finish(x)))[:, 1].abs().min() > 0.5  # put back


def test_moments_of_the_latents_alone_know_no_atmosphere(toy, config):
    _, _, training = prepared(toy, config)
    whole = training.stars.polynomials
    for name, kept in (("latents-alone", slice(0, 1)), ("atmosphere-alone", slice(1, None))):
        with variants.VARIANTS[name].experiment(None, None):
            _, _, training = prepared(toy, config)
        found = training.stars.polynomials
        torch.testing.assert_close(found[:, kept], whole[:, kept])
        assert found.abs().sum() == pytest.approx(whole[:, kept].abs().sum().item())
    assert (whole[:, 0] == 1).all()


def test_published_adversary_teaches_instead_of_the_moments(toy, config):
    _, _, training = prepared(toy, config)
    players, stars = training.players, training.stars
    w, draw = torch.zeros(len(stars), 2), torch.randn(len(stars), 3)
    with variants.published_adversary(None, None):
        values = [
            stages.abundance_losses(players, stars, stars.scores, w, draw, config.train, weight)[0]["total"]
            for weight in (0.0, 1.0)
        ]
    mean, _ = players.vae.latents(stars.scores, w)
    guess = torch.nn.functional.cross_entropy(players.adversary(mean), stars.classes)
    assert (values[0] - values[1]).item() == pytest.approx(guess.item(), rel=1e-4)


def test_a_training_leaves_its_numbers(toy, config, monkeypatch, tmp_path):
    """The harness from catalog to JSON, on the toy."""
    train = config.dump()["train"]
    # Guides that read otherwise are in the weights, so that encoding needs the experiment too.
    monkeypatch.setattr(variants, "VARIANTS", {"one": variants.Variant("one", "toy", train, variants.both)})
    monkeypatch.setattr(ablation, "settings", lambda train, stars: toy.config(**train))
    result = ablation.train("one", toy.catalog_path, tmp_path, 120)
    assert result["test_stars"] == 36
    assert {"r.z_m.feh", "rmse_linear.c_fe", "r.z_alpha.teff"} <= set(result["numbers"])
    assert result["cpu_seconds"] > 0
