import pytest
import torch

from halochem import config
from halochem.train import schedule


def test_lambda_steps_at_the_published_epochs():
    steps = config.load(None).train.adversary_weight
    weights = {epoch: schedule.adversary_weight(steps, epoch) for epoch in (0, 199, 200, 1999, 2000, 3999)}
    assert weights == {0: 0.0, 199: 0.0, 200: 1e-2, 1999: 1e-2, 2000: 1e-1, 3999: 1e-1}


@pytest.mark.parametrize("total", [2, 3, 7, 100])
def test_one_cycle_is_torchs(total):
    optimiser = torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-3, total_steps=total)
    for step in range(total):
        group = optimiser.param_groups[0]
        rate, momentum = schedule.one_cycle(step, total, 1e-3)
        assert rate == pytest.approx(group["lr"], rel=1e-9)
        assert momentum == pytest.approx(group["betas"][0], rel=1e-9)
        optimiser.step()
        if step + 1 < total:
            theirs.step()


def test_one_cycle_of_a_single_step_is_finite():
    rate, momentum = schedule.one_cycle(0, 1, 1e-3)
    assert 0 < rate < 1e-3
    assert 0.85 <= momentum <= 0.95
