import numpy as np
import pytest
import torch

from halochem import config, regions, wavelengths
from halochem.train import encoder, vae


@pytest.fixture(scope="module")
def published():
    settings = config.load(None)
    wavelength = wavelengths.pixel_grid(settings.spectrum)
    masks = regions.pixel_masks(regions.load("config/regions.yaml"), wavelength, "config/regions.yaml")
    return vae.build(masks, settings.train, 1)


def test_published_number_of_parameters(published):
    counts = published.count_parameters()
    # By hand: the convolutions, their PReLUs, the MLP; the heads 363 and the linear map 6; the decoders' hidden
    # layers, and 131 for each of their 1103 pixels.
    assert counts["encoder"] == 768 + 360_704 + 2_753_024 + 896 + 43_456
    assert counts["heads"] + counts["linear"] == 369
    assert counts["decoders"] == 2 * 11_040 + 11_072 + 131 * 1103
    assert round(counts["total"] / 1e6, 2) == 3.34


def test_shapes_of_the_published_encoder(published):
    with torch.no_grad():
        output = published(torch.ones(2, 4150))
    assert output.posterior.mean.shape == (2, 3)
    assert output.posterior.w.shape == (2, 2)
    assert output.reconstruction.shape == (2, 1103)


def test_cholesky_factor_is_lower_triangular_with_positive_diagonal():
    torch.manual_seed(0)
    factor = encoder.Heads()(10 * torch.randn(50, 32)).cholesky
    assert torch.equal(factor, factor.tril())
    assert (torch.diagonal(factor, dim1=1, dim2=2) > 0).all()
    assert (factor[:, 1, 0] < 0).any()  # below the diagonal any sign may stand


@pytest.fixture(scope="module")
def two_depths():
    lines = np.exp(-0.5 * ((np.arange(600)[:, None] - np.arange(40, 600, 60)) / 3) ** 2).sum(axis=1)
    return torch.from_numpy(np.stack([-0.2 * lines, -0.4 * lines])).float()


def test_instance_norm_divides_out_line_strength_but_for_the_padding(two_depths):
    def change(net, flux):
        """How much doubling the absorption changes the features, relative to the features."""
        with torch.no_grad():
            shallow, deep = net(flux)
        return ((deep - shallow).norm() / shallow.norm()).item()

    torch.manual_seed(1)
    net = encoder.ConvEncoder()
    # Where the padding continues the continuum (0), twice the absorption looks the same.
    assert change(net, two_depths) < 0.02
    # The flux itself is padded with 0 beyond a continuum of 1: strength leaks in.
    assert change(net, 1 + two_depths) > 0.05
    # Without the norm it is simply seen.
    assert change(encoder.ConvEncoder(instance_norm=False), two_depths / 0.1) > 0.3


def test_mlp_encoder_is_light():
    count = sum(p.numel() for p in encoder.MlpEncoder(4150).parameters())
    assert count < 600_000


@pytest.mark.parametrize(
    ("options", "spread"),
    [({"encoder": "conv"}, None), ({"encoder": "conv", "instance_norm": False}, 1), ({"encoder": "mlp"}, 1)],
)
def test_what_the_encoder_is_fed(toy, options, spread):
    train = toy.config(**options).train
    masks = {name: np.arange(300) % 3 == k for k, name in enumerate(regions.DECODERS)}
    net = vae.build(masks, train, 1)
    flux = 1 - 0.3 * np.random.default_rng(0).random((50, 300), np.float32)
    bad = np.zeros(flux.shape, bool)
    bad[:, 7] = bad[:10, 9] = True
    broken = np.where(bad, np.float32(1e6), flux)
    vae.set_input_scaling(net, train, broken, bad)
    good = torch.from_numpy(~bad[10:])
    fed = ((torch.from_numpy(broken[10:]) - net.offset) / net.scale)[good]
    if spread is None:
        assert torch.equal(fed, torch.from_numpy(flux[10:])[good])  # as published: the flux itself
    else:
        assert fed.square().mean().sqrt().item() == pytest.approx(spread, rel=0.1)
    assert net.fill[7] == 1  # bad in every star
    assert net.fill[9].item() == pytest.approx(flux[10:, 9].mean())
