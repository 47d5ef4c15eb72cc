"""The Cannon on spectra that are what it takes them for."""

from __future__ import annotations

import numpy as np
import pytest

from halochem.evaluate import cannon

P, SIGMA = 60, 0.02
RNG = np.random.default_rng(0)
THETA = RNG.normal(size=(6, P)) * np.array([0.0, 0.1, 0.1, 0.02, 0.02, 0.02])[:, None]
THETA[0] = 0.8


def spectra(n, seed, sigma=SIGMA):
    rng = np.random.default_rng(seed)
    labels = rng.uniform([4000, -2], [6000, 0], (n, 2))
    scaled = (labels - [5000, -1]) / [577.35, 0.57735]
    clean = cannon.terms(scaled) @ THETA
    return labels, (clean + sigma * rng.normal(size=clean.shape)).astype(np.float32), scaled


def test_terms_and_their_slopes_agree():
    x = np.random.default_rng(1).normal(size=(4, 5))
    assert cannon.terms(x).shape == (4, 21)
    for k in range(5):
        step = np.eye(5)[k] * 1e-6
        numeric = (cannon.terms(x + step) - cannon.terms(x - step)) / 2e-6
        np.testing.assert_allclose(cannon.term_slopes(x)[:, k], numeric, atol=1e-8)


def test_it_reaches_the_bound_where_its_model_holds():
    labels, flux, _ = spectra(2000, 1)
    sigma = np.full((2000, 1), SIGMA, np.float32)
    model = cannon.fit(flux, sigma, labels)
    assert np.sqrt(np.median(model.variance)) < 0.2 * SIGMA
    true, flux, scaled = spectra(1000, 2)
    inside = (np.abs(scaled) < 1.5).all(axis=1)  # the limits would cut the scatter of the others
    error = (model.labels(flux, sigma[:1000]) - true) / [577.35, 0.57735]
    jacobian = cannon.term_slopes(scaled) @ THETA
    covariance = np.linalg.inv(jacobian @ jacobian.transpose(0, 2, 1)) * SIGMA**2
    pull = error / np.sqrt(np.einsum("nll->nl", covariance))
    assert np.sqrt((pull[inside] ** 2).mean(axis=0)) == pytest.approx([1, 1], abs=0.12)


def test_scatter_beyond_the_noise_is_found():
    labels, flux, _ = spectra(2000, 3, sigma=0.05)
    model = cannon.fit(flux, np.full((2000, 1), 0.03, np.float32), labels)
    assert np.sqrt(np.median(model.variance)) == pytest.approx(0.04, abs=0.002)


def test_bad_pixels_do_not_count():
    labels, flux, _ = spectra(1500, 4)
    sigma = np.full((1500, 1), SIGMA, np.float32)
    bad = np.random.default_rng(5).random(flux.shape) < 0.05
    spoilt = np.where(bad, 30.0, flux).astype(np.float32)
    model = cannon.fit(spoilt[:1000], sigma[:1000], labels[:1000], bad[:1000])
    error = model.labels(spoilt[1000:], sigma[1000:], bad[1000:]) - labels[1000:]
    assert (np.sqrt((error**2).mean(axis=0)) < [40, 0.04]).all()


def test_no_answer_outside_the_training_labels():
    labels, flux, _ = spectra(500, 6)
    model = cannon.fit(flux, np.full((500, 1), SIGMA, np.float32), labels)
    found = model.labels(np.full((3, P), 5.0, np.float32), np.full((3, 1), SIGMA, np.float32))
    assert (found >= labels.min(axis=0) - 1e-6).all()
    assert (found <= labels.max(axis=0) + 1e-6).all()
