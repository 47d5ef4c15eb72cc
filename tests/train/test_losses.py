import numpy as np
import pytest
import scipy.stats
import torch

from halochem.errors import UserError
from halochem.train import losses

CORRELATION = {"feh_alpha": -0.3, "feh_c": -0.17, "c_alpha": 0.0}


def tensor(values):
    return torch.as_tensor(np.asarray(values), dtype=torch.float64)


@pytest.mark.parametrize("per_pixel", [True, False])
def test_reconstruction_loss_is_the_mean_negative_log_density(per_pixel):
    rng = np.random.default_rng(0)
    flux, model = rng.normal(1, 0.1, (4, 9)), rng.normal(1, 0.1, (4, 9))
    sigma = rng.uniform(0.01, 0.1, (4, 9 if per_pixel else 1))
    expected = -scipy.stats.norm.logpdf(flux, model, sigma).mean(axis=1)
    found = losses.negative_log_likelihood(tensor(model), tensor(flux), tensor(sigma))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def test_bad_pixels_do_not_count():
    rng = np.random.default_rng(1)
    flux, model, sigma = rng.normal(1, 0.1, (3, 9)), rng.normal(1, 0.1, (3, 9)), np.full((3, 1), 0.02)
    good = rng.random((3, 9)) < 0.6
    expected = [-scipy.stats.norm.logpdf(flux[i, g], model[i, g], 0.02).mean() for i, g in enumerate(good)]
    flux = np.where(good, flux, 1e6)
    found = losses.negative_log_likelihood(tensor(model), tensor(flux), tensor(sigma), torch.from_numpy(good))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def posterior(n=3):
    rng = np.random.default_rng(2)
    mean = rng.normal(0, 1, (n, 3))
    factor = np.tril(rng.normal(0, 0.3, (n, 3, 3)))
    factor[:, range(3), range(3)] = rng.uniform(0.2, 1.2, (n, 3))
    return mean, factor


def test_kl_against_monte_carlo():
    mean, factor = posterior()
    prior = losses.prior_cholesky(CORRELATION)
    found = losses.kl_divergence(tensor(mean), tensor(factor), tensor(prior)).numpy()
    for k in range(len(mean)):
        q = scipy.stats.multivariate_normal(mean[k], factor[k] @ factor[k].T)
        p = scipy.stats.multivariate_normal(np.zeros(3), prior @ prior.T)
        draws = q.rvs(200_000, random_state=k)
        terms = q.logpdf(draws) - p.logpdf(draws)
        assert abs(found[k] - terms.mean()) < 5 * terms.std() / np.sqrt(len(terms))


def test_kl_is_zero_for_the_prior_itself_and_the_usual_formula_without_correlations():
    prior = tensor(losses.prior_cholesky(CORRELATION))
    assert losses.kl_divergence(torch.zeros(1, 3, dtype=torch.float64), prior[None], prior).abs() < 1e-12
    mean, width = np.array([[0.5, -1.0, 2.0]]), np.array([0.3, 1.0, 2.0])
    expected = 0.5 * np.sum(mean**2 + width**2 - np.log(width**2) - 1)  # Eq. A.3
    found = losses.kl_divergence(tensor(mean), tensor(np.diag(width))[None], torch.eye(3, dtype=torch.float64))
    np.testing.assert_allclose(found.item(), expected, rtol=1e-12)


def test_prior_holds_the_published_correlations_in_the_order_of_the_latents():
    factor = losses.prior_cholesky(CORRELATION)
    expected = [[1, -0.17, -0.3], [-0.17, 1, 0], [-0.3, 0, 1]]
    np.testing.assert_allclose(factor @ factor.T, expected, atol=1e-12)


def test_impossible_correlations_are_refused():
    with pytest.raises(UserError, match=r"train\.prior_correlation: .*exclude each other"):
        losses.prior_cholesky({"feh_alpha": 0.9, "feh_c": 0.9, "c_alpha": -0.9})
