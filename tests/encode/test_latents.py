import numpy as np
import pytest
import torch

from halochem.encode import latents


@pytest.fixture(scope="module")
def flux(toy):
    return toy.catalog().flux[10:40]


def test_latents_are_the_posterior_mean(model, flux):
    found = latents.infer(model, flux)
    with torch.no_grad():
        posterior = model.vae.encode(torch.from_numpy(flux))
    np.testing.assert_allclose(found.z, posterior.mean.numpy(), rtol=1e-6)
    np.testing.assert_array_equal(found.z, latents.infer(model, flux).z)  # nothing is drawn


def test_batch_size_does_not_matter(model, flux):
    whole, parts = latents.infer(model, flux), latents.infer(model, flux, batch_size=7)
    for name in ("z", "covariance", "w", "atmosphere", "reconstruction"):
        np.testing.assert_allclose(getattr(whole, name), getattr(parts, name), rtol=1e-4, atol=1e-5)


def test_covariance_is_that_of_the_cholesky_factor(model, flux):
    found = latents.infer(model, flux)
    with torch.no_grad():
        factor = model.vae.encode(torch.from_numpy(flux)).cholesky.double().numpy()
    np.testing.assert_allclose(found.covariance, np.einsum("nij,nkj->nik", factor, factor), rtol=1e-6)
    np.testing.assert_allclose(found.sigma**2, np.einsum("nii->ni", found.covariance))
    assert (np.abs(found.correlation(0, 2)) <= 1).all()


def test_atmosphere_is_in_physical_units(model, flux, toy):
    labels = toy.catalog().labels.iloc[10:40]
    found = latents.infer(model, flux).atmosphere
    assert np.abs(found[:, 0] - labels["teff"]).mean() < 300
    assert np.abs(found[:, 1] - labels["logg"]).mean() < 1


def test_reconstruction_is_on_the_decoders_pixels(model, flux):
    found = latents.infer(model, flux)
    assert found.reconstruction.shape == (30, len(model.pixels))
    residual = found.reconstruction - flux[:, model.pixels]
    assert residual.std() < 0.3 * flux[:, model.pixels].std()


def test_bad_pixels_do_not_matter(model, flux):
    bad = np.zeros(flux.shape, bool)
    bad[:, 30:40] = True
    one, other = (latents.infer(model, np.where(bad, value, flux), bad) for value in (0.0, 7.0))
    np.testing.assert_array_equal(one.z, other.z)


def test_no_stars(model):
    assert latents.infer(model, np.empty((0, 300), np.float32)).z.shape == (0, 3)


def test_relative_l2_by_hand():
    flux = np.array([[1.0, 2.0, 2.0], [1.0, 1.0, 1.0]])
    model = flux + np.array([[0.3, 0.0, 0.0], [0.1, 0.1, 0.1]])
    np.testing.assert_allclose(latents.relative_l2(model, flux), [0.09 / 9, 0.01])  # no square root
    good = np.array([[False, True, True], [False, False, False]])
    np.testing.assert_allclose(latents.relative_l2(model, flux, good), [0, np.nan])


@pytest.mark.parametrize("per_pixel", [True, False])
def test_reduced_chi2_of_pure_noise_is_one(per_pixel):
    rng = np.random.default_rng(0)
    sigma = rng.uniform(0.01, 0.05, (200, 400 if per_pixel else 1))
    model = np.ones((200, 400))
    flux = model + sigma * rng.normal(size=model.shape)
    found = latents.reduced_chi2(model, flux, sigma)
    assert abs(found.mean() - 1) < 5 * np.sqrt(2 / 400 / 200)
    good = rng.random(model.shape) < 0.5
    found = latents.reduced_chi2(model, np.where(good, flux, 9), sigma, good)
    assert abs(found.mean() - 1) < 5 * np.sqrt(2 / 200 / 200)


def test_noise_widths_are_those_of_repeated_noise(toy, model):
    """The scatter of the latents over many draws of a star's noise, against its derivative."""
    catalog = toy.catalog()
    rows = np.array([0, 1, 2, 4])
    flux, sigma = catalog.flux_clean[rows], np.full((4, 1), 0.004)
    widths = latents.noise_widths(model, flux, sigma)
    rng = np.random.default_rng(0)
    noisy = flux[None] + sigma * rng.normal(size=(400, *flux.shape))
    z = latents.infer(model, noisy.reshape(-1, flux.shape[1]).astype(np.float32)).z.reshape(400, 4, 3)
    np.testing.assert_allclose(widths, z.std(axis=0), rtol=0.15)


def test_noise_widths_leave_bad_pixels_out(toy, model):
    catalog = toy.catalog()
    flux, sigma = catalog.flux[:3], np.full((3, 300), 0.02)
    bad = np.zeros((3, 300), bool)
    bad[:, 100:200] = True
    sigma[bad] = np.nan
    some = latents.noise_widths(model, flux, sigma, bad)
    zero = latents.noise_widths(model, flux, np.where(bad, 0.0, sigma), bad)
    assert np.isfinite(some).all()
    np.testing.assert_allclose(some, zero)
    assert latents.noise_widths(model, flux[:0], sigma[:0]).shape == (0, 3)


def test_noise_widths_keep_no_batch_in_memory(toy, model):
    """Nor does the scale of preset fast, through which the derivatives go."""
    import gc

    from halochem.train.halo_scale import Triangle

    def tensors():
        gc.collect()
        return sum(type(found) is torch.Tensor for found in gc.get_objects())

    scale, e = Triangle(np.eye(3)), torch.randn(8, 3)
    flux, sigma = toy.catalog().flux_clean[:4], np.full((4, 1), 0.01)
    before = tensors()
    for _ in range(5):
        scale(e.clone().requires_grad_())
        latents.noise_widths(model, flux, sigma)
    assert tensors() == before


def test_noise_widths_of_an_encoder_without_derivatives(toy, model, monkeypatch):
    catalog = toy.catalog()
    given = (catalog.flux[10:60], np.full((50, 1), 0.004))
    expected = latents.noise_widths(model, *given)
    with_gradients = model.vae.encode
    monkeypatch.setattr(model.vae, "encode", torch.no_grad()(with_gradients))
    found = latents.noise_widths(model, *given)
    assert np.median(found / expected) == pytest.approx(1, abs=0.25)
    assert np.std(np.log(found / expected)) < 0.35
    np.testing.assert_allclose(latents.noise_widths(model, *(each[:3] for each in given)), found[:3], rtol=1e-4)
