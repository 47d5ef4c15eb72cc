import re

import numpy as np
import pytest
import torch

from halochem import split
from halochem.errors import UserError
from halochem.train import data


def test_validation_is_carved_from_the_training_stars(toy):
    catalog, train = toy.catalog(), toy.config(validation_fraction=0.2).train
    rows, validation = data.select(catalog, train)
    is_train = split.is_train(catalog.seed, len(catalog.status), train.train_fraction)
    usable = set(np.flatnonzero(is_train & (catalog.status != 2)))
    assert set(rows) | set(validation) == usable
    assert not set(rows) & set(validation)
    assert len(validation) == round(0.2 * len(usable))
    assert len(usable) < is_train.sum()  # a failed star is among the training stars, so the test means something


def test_no_validation_when_not_asked_for(toy):
    assert len(data.select(toy.catalog(), toy.config(validation_fraction=0).train)[1]) == 0


def test_too_few_stars(toy):
    catalog = toy.catalog()
    catalog.status[:] = 2
    with pytest.raises(UserError, match="0 usable training stars of 200"):
        data.select(catalog, toy.config().train)


def test_u_is_what_an_observer_knows_and_is_standardised(toy):
    catalog, train = toy.catalog(), toy.config().train
    rows, _ = data.select(catalog, train)
    scaler = data.fit_scaler(catalog, rows)
    u = scaler.standardise(data.observed_u(catalog, rows))
    np.testing.assert_allclose(u.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(u.std(axis=0), 1, rtol=1e-12)
    np.testing.assert_allclose(scaler.restore(u)[:, 0], catalog.labels["teff_obs"].to_numpy()[rows])
    assert (catalog.labels["teff_obs"] != catalog.labels["teff"]).all()


def test_missing_observed_parameters(toy):
    catalog = toy.catalog()
    catalog.labels = catalog.labels.drop(columns="logg_obs")
    with pytest.raises(UserError, match="/labels/logg_obs is missing"):
        data.observed_u(catalog, np.arange(3))


def test_parameter_that_is_not_finite(toy):
    catalog = toy.catalog()
    catalog.labels.loc[5, "logg_obs"] = np.nan
    with pytest.raises(UserError, match="row 5, logg_obs: expected a finite number"):
        data.observed_u(catalog, np.arange(4, 9))


def test_parameter_without_a_range(toy):
    catalog = toy.catalog()
    catalog.labels["teff_obs"] = 5000.0
    with pytest.raises(UserError, match="/labels/teff_obs is the same in all training stars"):
        data.fit_scaler(catalog, np.arange(10))


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
def test_unusable_sigma(toy, value):
    catalog = toy.catalog()
    catalog.sigma[8, 0] = value
    with pytest.raises(UserError, match=r"/sigma row 8 is .*expected a number above 0"):
        data.noise_of(catalog, np.arange(5, 10), np.arange(20))


def test_sigma_behind_a_mask_may_be_anything(toy):
    catalog = toy.catalog()
    catalog.sigma = np.full(catalog.flux.shape, 0.02, np.float32)
    catalog.sigma[2, 30] = np.nan
    catalog.mask = np.isnan(catalog.sigma)
    sigma = data.noise_of(catalog, np.arange(5), np.arange(25, 40))
    assert sigma.shape == (5, 15)
    assert np.isfinite(sigma).all()


def test_a_gpu_that_is_not_there():
    assert data.choose_device("cpu") == torch.device("cpu")
    if not torch.cuda.is_available():
        assert data.choose_device("auto") == torch.device("cpu")
        with pytest.raises(UserError, match=r"train\.device: cuda, but there is no CUDA device"):
            data.choose_device("cuda")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_one_line_says_that_there_is_no_gpu(caplog, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_GPUS", raising=False)
    monkeypatch.delenv("SLURM_STEP_GPUS", raising=False)
    with caplog.at_level("INFO", logger="halochem"):
        data.choose_device("auto")
        assert re.fullmatch(r"no GPU here \(.+\): on the processor, with \d+ threads?", caplog.messages[-1])
        monkeypatch.setenv("SLURM_JOB_GPUS", "0")
        data.choose_device("auto")
        assert caplog.messages[-1].startswith("Slurm gave this job GPU 0, but PyTorch cannot use it (")
        data.choose_device("cpu")
    assert len(caplog.messages) == 2
