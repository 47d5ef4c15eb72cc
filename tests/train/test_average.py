import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from halochem.train import average, loop


def test_average_by_hand():
    net = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(0.0)
        mean = average.Average(net, 0.5)
        value = 0.0
        for step, weight in enumerate((1.0, 2.0, -3.0, 8.0)):
            net.weight.fill_(weight)
            mean.follow(net, step)
            decay = min(0.5, (1 + step) / (10 + step))
            value = decay * value + (1 - decay) * weight
    assert mean.network.weight.item() == pytest.approx(value)
    assert net.weight.item() == 8.0


def test_the_average_is_what_is_saved(toy, tmp_path):
    """Another model than without, from the same steps of the network itself: their losses in the history are equal."""
    for decay in (0.0, 0.95):
        loop.fit(toy.catalog(), toy.config(average_decay=decay), tmp_path / str(decay))
    last, mean = (load_file(tmp_path / name / "weights.safetensors") for name in ("0.0", "0.95"))
    assert last.keys() == mean.keys()
    assert not torch.equal(last["heads.mean.weight"], mean["heads.mean.weight"])
    lines = [(tmp_path / name / "history.csv").read_text().splitlines() for name in ("0.0", "0.95")]
    trained, watched = slice(1, 6), slice(6, 11)
    one, other = ([line.split(",") for line in text] for text in lines)
    assert [line[trained] for line in one] == [line[trained] for line in other]
    assert one[-1][watched] != other[-1][watched]
