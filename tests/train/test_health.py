import logging

import numpy as np
import pytest

from halochem.train import health, loop

NAMES = ("z_m", "z_c", "z_alpha")


@pytest.fixture
def stars():
    rng = np.random.default_rng(0)
    means, u = rng.normal(size=(1000, 3)), rng.normal(size=(1000, 2))
    return means, u, rng.integers(0, 64, 1000)


def warnings(caplog, epoch, means, u, classes, loss, watch=None):
    caplog.clear()
    watch = watch or health.Health("model", NAMES, 100)
    with caplog.at_level(logging.WARNING):
        watch.look(epoch, means, u, classes, loss)
    return [record.getMessage() for record in caplog.records]


def test_a_healthy_training_is_silent(stars, caplog):
    means, u, classes = stars
    # z knows nothing of Teff and log g, nor does the adversary: that is what training is for.
    assert warnings(caplog, 99, means, u, classes, 4.15) == []


def test_a_collapsed_latent_is_named_once(stars, caplog):
    means, u, classes = stars
    means = means * [1, 1, 0.03]
    watch = health.Health("model", NAMES, 100)
    assert warnings(caplog, 10, means, u, classes, 4.15, watch) == []  # too early to tell
    (line,) = warnings(caplog, 30, means, u, classes, 4.15, watch)
    assert "model: z_alpha has collapsed: its mean differs by 0.031 from star to star in epoch 30" in line
    assert "lower train.beta" in line
    assert warnings(caplog, 40, means, u, classes, 4.15, watch) == []
    assert warnings(caplog, 50, stars[0], u, classes, 4.15, watch) == []
    assert len(warnings(caplog, 60, means, u, classes, 4.15, watch)) == 1


def test_an_adversary_that_does_not_see_what_there_is(stars, caplog):
    means, u, classes = stars
    u = np.column_stack([means[:, 0] ** 2 - 1 + 0.3 * u[:, 0], u[:, 1]])
    (line,) = warnings(caplog, 50, means, u, classes, 4.15)
    assert "the adversary has collapsed: it learns" in line
    assert "R² 0.9" in line
    # One that does see it is well.
    assert warnings(caplog, 50, means, u, classes, 2.5) == []


def test_few_stars_prove_nothing(stars):
    means, u, _ = stars
    assert health.explained(means[:50], means[:50, :2]) == 0.0
    assert health.explained(means, np.column_stack([means[:, 0], u[:, 0]])) > 0.99


def test_training_says_so(toy, tmp_path, caplog):
    """So heavy a prior leaves the posterior nothing to say."""
    loop.fit(toy.catalog(), toy.config(beta=1e3, epochs=12, max_learning_rate=1e-2), tmp_path)
    assert "z_m has collapsed" in caplog.text
    assert sum("z_m has collapsed" in record.getMessage() for record in caplog.records) == 1
