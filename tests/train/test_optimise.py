"""Which weights Muon moves, and how fast each stage's are moved."""

import numpy as np
import pytest
import torch

from halochem.config import validate
from halochem.train import fast, optimise, stages
from halochem.train.layers import mlp


def held(moves):
    return [[id(p) for group in one.param_groups for p in group["params"]] for one in moves]


def test_muon_has_the_hidden_matrices_and_adam_the_rest():
    nets = [mlp(3, 5, 7, 2), mlp(4, 6, 1)]
    others, hidden = held(optimise.optimisers(nets, muon=True))
    assert hidden == [id(nets[0][0].weight), id(nets[0][2].weight), id(nets[1][0].weight)]
    everything = [id(p) for net in nets for p in net.parameters()]
    assert sorted(others + hidden) == sorted(everything)
    assert held(optimise.optimisers(nets)) == [everything]


def players():
    train = validate({"train": {"preset": "fast", "epochs": 40}}, "test").train
    vae = fast.build({name: np.arange(60) % 3 == k for k, name in enumerate(("iron", "carbon", "alpha"))}, train, 1)
    return stages.Players(vae, None, None, None, {})


@pytest.mark.parametrize("rate", [0.02, 0.0])
def test_stages_that_learn_a_regression_have_muon(rate):
    train = validate({"train": {"preset": "fast", "epochs": 40, "fast": {"hidden_rate": rate}}}, "test").train
    found = {stage: len(stages.optimisers(players(), stage, train)) for stage in stages.NAMES}
    assert found == {stage: 2 if rate and stage in stages.REGRESSIONS else 1 for stage in stages.NAMES}


def test_all_that_learns_is_learnt_in_one_stage():
    one = players()
    learnt = [id(p) for stage in stages.NAMES for net in one.learners(stage) for p in net.parameters()]
    assert len(learnt) == len(set(learnt))
    left = {name.split(".")[0] for name, p in one.vae.named_parameters() if id(p) not in set(learnt)}
    assert left == {"reread", "details"}  # by least squares


def test_rates_and_batches_of_the_stages():
    train = validate({"train": {"preset": "fast", "epochs": 40, "max_learning_rate": 0.01}}, "test").train
    assert stages.rates(train, "manifold") == (0.01, 0.02)
    assert stages.rates(train, "spectra") == pytest.approx((0.003, 0.006))
    sizes = {stage: stages.batch_size(train, stage) for stage in stages.NAMES}
    assert sizes.pop("atmosphere") == sizes.pop("abundances") == train.batch_size
    assert sizes.pop("quantiles") == 64
    assert set(sizes.values()) == {256}


def test_the_cycle_sets_rates_and_the_first_beta():
    moves = optimise.optimisers([mlp(2, 3, 1)], muon=True)
    rates = [optimise.set_rates(moves, step, 10, (1.0, 0.5)) for step in range(10)]
    assert max(rates) == pytest.approx(1.0)
    assert rates[-1] == moves[0].param_groups[0]["lr"] == pytest.approx(2 * moves[1].param_groups[0]["lr"])
    assert moves[0].param_groups[0]["betas"][0] == pytest.approx(0.95)


def test_a_step_moves_both_kinds():
    net = mlp(2, 3, 1)
    before = [p.detach().clone() for p in net.parameters()]
    moves = optimise.optimisers([net], muon=True)
    optimise.set_rates(moves, 3, 10, (0.1, 0.1))
    optimise.descend(moves, net(torch.ones(4, 2)).sum())
    assert all((p != old).any() for p, old in zip(net.parameters(), before, strict=True))
