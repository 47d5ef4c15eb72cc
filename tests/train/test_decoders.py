import numpy as np
import pytest
import torch

from halochem.train import decoders, losses
from halochem.train.decoders import READS, TEACHES
from halochem.train.vae import Vae

N_PIXELS = {"iron": 7, "carbon": 5, "alpha": 4}


def test_activation_is_equation_8():
    torch.manual_seed(0)
    activation = decoders.Activation(6).double()
    x = torch.linspace(-4, 4, 60, dtype=torch.float64).reshape(10, 6)
    gamma, beta = activation.gamma.detach().numpy(), activation.beta.detach().numpy()
    expected = (gamma + (1 - gamma) / (1 + np.exp(-beta * x.numpy()))) * x.numpy()
    np.testing.assert_allclose(activation(x).detach().numpy(), expected, rtol=1e-12)


def test_activation_parameters_learn():
    activation = decoders.Activation(3)
    activation(torch.ones(2, 3)).sum().backward()
    assert (activation.beta.grad != 0).all()
    assert (activation.gamma.grad != 0).all()


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("selective", [True, False])
def test_which_latents_a_decoder_reads_and_teaches(name, selective):
    torch.manual_seed(1)
    net = decoders.Decoders(N_PIXELS, selective)
    z = torch.randn(8, 3, requires_grad=True)
    w = torch.randn(8, 2, requires_grad=True)
    start = sum(N_PIXELS[other] for other in list(READS)[: list(READS).index(name)])
    own = slice(start, start + N_PIXELS[name])
    flux = torch.rand(8, N_PIXELS[name])

    def loss(z, w):
        sigma = torch.full((8, 1), 0.02)
        return losses.negative_log_likelihood(net(z, w)[:, own], flux, sigma).sum()

    loss(z, w).backward()
    taught = {column for column in range(3) if (z.grad[:, column] != 0).any()}
    assert taught == ({TEACHES[name]} if selective else set(READS[name]))
    assert (w.grad != 0).any()  # w is never detached

    # It reads all its latents, detached or not, and no other.
    with torch.no_grad():
        before = loss(z, w)
        moved = {column for column in range(3) if loss(z + torch.eye(3)[column], w) != before}
    assert moved == set(READS[name])


@pytest.mark.parametrize("selective", [True, False])
def test_gradient_reaches_the_right_rows_of_the_posterior(toy, selective):
    """Through the whole model: the mean's weights of a latent move only by decoders that may teach it."""
    masks = {name: np.zeros(300, bool) for name in READS}
    for k, mask in enumerate(masks.values()):
        mask[10 * k : 10 * k + 5] = True
    net = Vae(masks, toy.config(selective_gradient_flow=selective).train)
    for k, name in enumerate(READS):
        net.zero_grad()
        output = net(torch.rand(6, 300), noise=torch.randn(6, 3))
        output.reconstruction[:, 5 * k : 5 * k + 5].sum().backward()
        taught = {row for row in range(3) if (net.heads.mean.weight.grad[row] != 0).any()}
        assert taught == ({TEACHES[name]} if selective else set(READS[name]))
        # Entries of the Cholesky factor in the order (0,0) (1,0) (1,1) (2,0) (2,1) (2,2).
        rows = [0, 1, 1, 2, 2, 2]
        moved = {rows[i] for i in range(6) if (net.heads.cholesky.weight.grad[i] != 0).any()}
        assert moved == taught


def test_each_pixel_belongs_to_one_decoder_and_comes_back_in_order(toy):
    masks = {name: np.zeros(300, bool) for name in READS}
    masks["iron"][[5, 100, 200]] = True
    masks["carbon"][[50, 150]] = True
    masks["alpha"][[0, 299]] = True
    net = Vae(masks, toy.config().train)
    assert net.pixels.tolist() == [0, 5, 50, 100, 150, 200, 299]
    with torch.no_grad():
        for value, name in enumerate(READS, start=2):
            last = net.decoders.each[name].mlp
            last[-2].weight.zero_()
            last[-2].bias.fill_(1.0)
            last[-1].gamma.fill_(float(value))  # Eq. 8 with beta 0: (gamma + 1) / 2
            last[-1].beta.zero_()
        flux = net.decode(torch.zeros(1, 3), torch.zeros(1, 2))[0]
    by_decoder = {name: 1 + (value + 1) / 2 for value, name in enumerate(READS, start=2)}
    expected = [by_decoder[name] for name in ("alpha", "iron", "carbon", "iron", "carbon", "iron", "alpha")]
    assert flux.tolist() == expected
