"""Straightening: directions are those of the elements, and what is learnt from them makes carbon blind to others."""

import numpy as np
import pytest
import torch

from halochem.responses import MOMENTS, Responses
from halochem.train import optimise, straightening
from halochem.train.layers import mlp

MIXTURE = torch.from_numpy(np.linalg.qr(np.random.default_rng(2).normal(size=(12, 5)))[0].T.astype(np.float32))


def generate(x):
    return x @ (5 * MIXTURE)


def test_steps_give_the_answers():
    wanted = torch.randn(40, 2, 5, generator=torch.Generator().manual_seed(0))
    found, weight = straightening.steps(generate, torch.randn(40, 5), generate(wanted), torch.tensor(0.01))
    torch.testing.assert_close(found, wanted, atol=1e-3, rtol=1e-3)
    assert (weight > 0.99).all()


def test_a_generator_that_has_diverged_ends_in_no_exception():
    far, change = lambda x: 1e20 * x.sum(dim=1, keepdim=True), torch.ones(3, 2, 1)
    found, _ = straightening.steps(far, torch.ones(3, 5), change, torch.tensor(1e-3))
    assert found.shape == (3, 2, 5)


def test_what_does_not_stand_out_of_the_noise_does_not_count():
    wanted = 0.01 * torch.ones(4, 1, 5)
    _, weight = straightening.steps(generate, torch.zeros(4, 5), generate(wanted), torch.tensor(1.0))
    assert (weight < 1e-3).all()


@pytest.fixture(scope="module")
def answers():
    """Iron's lines weaken with Teff, carbon's grow with [C/Fe], alpha's are what they are."""
    rng = np.random.default_rng(1)
    n = 600
    teff, logg, abundances = rng.uniform(4000, 6000, n), rng.uniform(2, 5, n), rng.uniform(-1, 1, (n, 3))
    coefficients = np.zeros((3, n, 3))
    coefficients[0, :, 0] = 1 - (teff - 5000) / 2000
    coefficients[1, :, 1] = 1 + 0.5 * abundances[:, 1]
    coefficients[2, :, 2] = 0.7
    table = Responses(teff, logg, abundances, coefficients, np.eye(3), np.arange(3.0))
    return straightening.learn_answers(table, np.eye(3), 0.01, seed=1)


def test_the_table_is_learnt(answers):
    found = answers(torch.tensor([[4500.0, 3.0, 0.0, 0.5, 0.0], [5500.0, 4.0, 0.5, -0.5, -0.5]]))
    expected = torch.diag_embed(torch.tensor([[1.25, 1.25, 0.7], [0.75, 0.75, 0.7]]))
    torch.testing.assert_close(found, expected, atol=0.03, rtol=0)


def test_beyond_the_table_it_is_read_at_its_edge(answers):
    far, further = (answers(torch.tensor([[5000.0, 3.0, 0.0, c, 0.0]])) for c in (50.0, 500.0))
    torch.testing.assert_close(far, further)


def test_the_same_seed_gives_the_same_network_and_leaves_the_random_state_alone():
    rng = np.random.default_rng(5)
    numbers = (rng.normal(size=shape) for shape in (130, 130, (130, 3), (3, 130, 2)))
    table = Responses(*numbers, np.eye(2), np.arange(2.0))
    state = torch.get_rng_state()
    one, two, other = (straightening.learn_answers(table, np.eye(2), 0.1, seed).net[0].weight for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_labels_are_on_the_halos_scale():
    found = straightening.labels_of(np.array([[5000.0, 4.0]]), torch.tensor([[0.0, 1.0, -2.0]]))
    (feh, _), (c, sc), (a, sa) = MOMENTS.values()
    np.testing.assert_allclose(found[0], [5000, 4, feh, c + sc, a - 2 * sa], rtol=1e-6)


def test_a_shift_makes_carbon_blind_to_iron():
    """A latent that iron moves by an eighth of what carbon does."""
    torch.manual_seed(0)
    x = torch.randn(4000, 2)  # iron, and carbon with some of iron in it
    x[:, 1] += 0.125 * x[:, 0]
    net = mlp(2, 32, 1)
    moves = optimise.optimisers([net], muon=True)
    step = straightening.STEP * torch.tensor([1.0, 0.125])  # along iron
    for k in range(300):
        optimise.set_rates(moves, k, 300, (3e-3, 0.02))
        some = x[torch.randint(len(x), (256,))]
        ends = torch.stack([some + step, some - step], dim=1)
        latent = ends[:, :, 1] + net(ends)[:, :, 0]
        changes = (latent[:, 0] - latent[:, 1]) / (2 * straightening.STEP)
        optimise.descend(moves, straightening.loss(changes[:, None], torch.ones(256, 1), net(some)))
    with torch.no_grad():
        shifted = x[:, 1] + net(x)[:, 0]
    before, after = (torch.corrcoef(torch.stack([x[:, 0], latent]))[0, 1] for latent in (x[:, 1], shifted))
    assert before > 0.1
    assert after.abs() < 0.05
