"""Each fault of the public release, as a named switch: off by default, and doing what the release did."""

import csv
import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from halochem import config, regions
from halochem.train import adversary, data, loop, model_files, schedule, vae

HISTORY = ("total_val", "linear_val", "learning_rate")


def switched(toy, name, **train):
    return toy.config(reproduce={name: True}, **train)


def test_all_are_off_and_each_has_its_line_in_the_page(request):
    assert config.Config().train.reproduce.asked == []
    page = (request.config.rootpath / "docs" / "model.md").read_text()
    for name in config.Reproduce.model_fields:
        assert f"`{name}`" in page


def test_softmax_before_cross_entropy(toy):
    """The loss of sure guesses lies between log(1 + 63 / e) and log(e + 63), right or wrong."""
    train = switched(toy, "softmax_before_cross_entropy").train
    masks = {name: np.arange(300) % 3 == k for k, name in enumerate(regions.DECODERS)}
    networks = loop.Networks.build(masks, train, 1, "cpu")
    stars = data.Stars(*(torch.zeros(4, 1) for _ in range(4)), torch.arange(4))
    with torch.no_grad():
        networks.adversary.mlp[-1].weight.zero_()
        networks.adversary.mlp[-1].bias.copy_(100.0 * (torch.arange(64) == 2))
        loss = loop.adversary_loss(networks, torch.zeros(4, 3), stars, train).item()
    expected = (math.log(1 + 63 / math.e) + 3 * math.log(math.e + 63)) / 4
    assert loss == pytest.approx(expected, rel=1e-5)


def test_logg_bins_of_teff(toy):
    catalog = toy.catalog()
    catalog.labels["logg_obs"] = 2.5 + 2 * np.linspace(0, 1, len(catalog.labels)) ** 8  # far from uniform
    found = {}
    for name in ("", "logg_bins_of_teff"):
        train = toy.config(reproduce={name: True} if name else {}).train
        rows, _ = data.select(catalog, train)
        scaler = data.fit_scaler(catalog, rows)
        teff, logg = data.class_edges(catalog, rows, scaler, train)
        u = scaler.standardise(data.observed_u(catalog, rows))
        assert teff[0] == u[:, 0].min()
        found[name] = (teff, logg, set(adversary.classes(u, (teff, logg)) % 8))
    assert not np.allclose(*found[""][:2])
    assert np.array_equal(*found["logg_bins_of_teff"][:2])
    assert found[""][2] != found["logg_bins_of_teff"][2]


def test_seven_bins(toy):
    catalog, train = toy.catalog(), switched(toy, "seven_bins").train
    rows, _ = data.select(catalog, train)
    scaler = data.fit_scaler(catalog, rows)
    edges = data.class_edges(catalog, rows, scaler, train)
    assert [len(e) for e in edges] == [8, 8]
    assert set(data.tensors(catalog, rows, np.arange(3), scaler, edges).classes.numpy() // 8) == set(range(7))


def test_shared_pixels_summed(request):
    """In the release's 13 pixels what the iron and the carbon decoder say is added up; elsewhere nothing changes."""
    from halochem.wavelengths import pixel_grid

    path = request.config.rootpath / "config" / "regions.released.yaml"
    values = {"encoder": "mlp", "regions": str(path), "reproduce": {"shared_pixels_summed": True}}
    settings = config.validate({"train": values}, "test")
    wavelength = pixel_grid(settings.spectrum)
    masks = regions.pixel_masks(regions.of(settings.train), wavelength, path)
    net = vae.build(masks, settings.train, 1)
    assert (net.shared_pixels, len(net.pixels)) == (13, 1103)
    z, w = torch.randn(5, 3), torch.randn(5, 2)
    with torch.no_grad():
        together = torch.full((5, len(wavelength)), torch.nan)
        together[:, net.pixels] = net.decode(z, w)
        expected = torch.zeros(5, len(wavelength))
        for name, mask in masks.items():
            expected[:, torch.from_numpy(mask)] += net.decoders.each[name](net.decoders.inputs(name, z, w))
    anywhere = np.logical_or.reduce(list(masks.values()))
    assert torch.equal(together[:, anywhere], expected[:, anywhere])
    assert (expected[:, masks["iron"] & masks["carbon"]].mean() - expected[:, masks["iron"]].mean()).abs() > 0.3


def test_a_model_of_shared_pixels_trains_and_loads(toy, tmp_path):
    text = toy.regions_path.read_text().replace("[5140, 5230]", "[5120, 5230]")
    (tmp_path / "regions.yaml").write_text(text)
    settings = switched(toy, "shared_pixels_summed", epochs=2, regions=str(tmp_path / "regions.yaml"))
    loop.fit(toy.catalog(), settings, tmp_path / "model")
    model = model_files.load(tmp_path / "model")
    assert model.vae.shared_pixels == 9
    assert len(set(model.pixels)) == len(model.pixels)


def last_line(folder):
    with open(folder / "history.csv", encoding="utf-8") as file:
        return {name: float(value) for name, value in list(csv.DictReader(file))[-1].items() if value}


def test_validation_is_test(toy, tmp_path):
    """Every training star trains, the test stars watch, and still do not teach."""
    catalog, settings = toy.catalog(), switched(toy, "validation_is_test", epochs=2)
    rows, validation = data.select(catalog, settings.train)
    assert not set(rows) & set(validation)
    assert set(rows) == set(np.concatenate(data.select(catalog, toy.config().train)))
    assert set(rows) | set(validation) == set(np.flatnonzero(catalog.usable))
    loop.fit(catalog, settings, tmp_path / "one")
    catalog.flux[validation] = 0.5
    loop.fit(catalog, settings, tmp_path / "other")
    one, other = (load_file(tmp_path / name / "weights.safetensors") for name in ("one", "other"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert last_line(tmp_path / "one")["total_val"] != last_line(tmp_path / "other")["total_val"]


def test_unfinished_schedule(toy, tmp_path):
    """4000 epochs of a cycle of 5000: the rate ends where four fifths of the cycle are done."""
    assert schedule.cycle_steps(4000, 55) == 220_000
    assert schedule.cycle_steps(4000, 55, unfinished=True) == 275_000
    settings = switched(toy, "unfinished_schedule", epochs=4)
    loop.fit(toy.catalog(), settings, tmp_path)
    n_batches = math.ceil(len(data.select(toy.catalog(), settings.train)[0]) / settings.train.batch_size)
    rate, _ = schedule.one_cycle(4 * n_batches - 1, 5 * n_batches, 1e-3)
    assert last_line(tmp_path)["learning_rate"] == rate > 1e-5


def test_posterior_sample_in_evaluation(toy, tmp_path):
    """z scatters about the posterior's mean by its width, and is the same in whatever blocks the stars come."""
    from halochem.encode import latents

    found = {}
    for name in ("mean", "sample"):
        settings = toy.config(epochs=2, reproduce={"posterior_sample_in_evaluation": name == "sample"})
        loop.fit(toy.catalog(), settings, tmp_path / name)
        found[name] = model_files.load(tmp_path / name)
    flux = toy.catalog().flux[10:110]
    mean, sample = (latents.infer(model, flux) for model in found.values())
    assert np.array_equal(mean.covariance, sample.covariance)
    factor = np.linalg.cholesky(mean.covariance)
    draws = np.linalg.solve(factor, (sample.z - mean.z)[:, :, None])[:, :, 0]
    assert abs(draws.mean()) < 0.2
    assert draws.std() == pytest.approx(1, abs=0.15)
    assert np.allclose(np.corrcoef(draws.T), np.eye(3), atol=0.3)
    assert not np.array_equal(mean.reconstruction, sample.reconstruction)
    again = latents.infer(found["sample"], flux[::-1], batch_size=7)
    assert np.allclose(again.z[::-1], sample.z, atol=1e-5)


def test_config_release_turns_all_on(request, monkeypatch):
    monkeypatch.chdir(request.config.rootpath)
    train = config.load("config/release.yaml").train
    assert train.reproduce.asked == list(config.Reproduce.model_fields)
    assert set(regions.of(train)) == set(regions.DECODERS)
