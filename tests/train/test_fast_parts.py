"""The parts of preset fast: components, filters, moments, the halo's scale, stages."""

import numpy as np
import pytest
import torch

from halochem.config import Sample, validate
from halochem.errors import UserError
from halochem.responses import Responses
from halochem.sample.halo import halo_density
from halochem.train import (
    components,
    fast,
    filters,
    halo_scale,
    layers,
    moments,
    optimise,
    quantiles,
    refinement,
    stages,
)
from halochem.train.losses import prior_cholesky


def test_components_are_those_of_the_covariance():
    rng = np.random.default_rng(0)
    flux = (1 + rng.normal(size=(400, 3)) * [3, 2, 1] @ rng.normal(size=(3, 50)) * 0.1).astype(np.float32)
    found = components.Components(50, 3)
    components.fit(found, flux, None, 0.02, seed=1)
    scores = found.scores(torch.from_numpy(flux)).numpy()
    assert np.abs(scores.mean(axis=0)).max() < 1e-4
    values = np.linalg.svd(flux - flux.mean(axis=0), compute_uv=False)[:3] / np.sqrt(400)
    np.testing.assert_allclose(scores.std(axis=0), values, rtol=1e-3)
    np.testing.assert_allclose(found.spread, values, rtol=1e-3)
    whitened = found.features(torch.from_numpy(scores))[:, :3].numpy()
    np.testing.assert_allclose(np.cov(whitened.T), np.eye(3), atol=0.01)


@pytest.fixture(scope="module")
def toy_responses():
    """Elements along axes 0, 1, 2 of four pixels; carbon in axis 0 too, twice as strong as iron there."""
    n = 2000
    rng = np.random.default_rng(1)
    coefficients = np.zeros((3, n, 4))
    coefficients[0, :, [0, 3]] = 1.0
    coefficients[1, :, 0], coefficients[1, :, 1] = 2.0, 1.0
    coefficients[2, :, 2] = -1.0
    atmosphere = rng.uniform(3000, 7000, n), rng.uniform(2.5, 6, n)
    return Responses(*atmosphere, rng.normal(size=(n, 3)), coefficients, np.eye(4), np.arange(4.0))


def test_filters_see_their_element_and_no_other(toy_responses):
    found = filters.measure(toy_responses, np.eye(4), sigma=0.01, count=2, suppression=10.0)
    cells = torch.from_numpy(found.cells(np.array([[3100.0, 3.0], [6900.0, 5.9]])))
    for element in range(3):
        for other in range(3):
            change = torch.from_numpy(toy_responses.coefficients[other, :2]).float()
            chi2 = found.chi2(element, change, cells)
            assert (chi2 > 100).all() if other == element else (chi2 < 0.1).all()


def test_the_direction_points_towards_more(toy_responses):
    found = filters.measure(toy_responses, np.eye(4), sigma=0.01, count=2, suppression=1.0)
    for element in range(3):
        change = torch.from_numpy(toy_responses.coefficients[element, 0]).float()
        assert (found.direction[element] @ change > 0).all()


def test_stars_beyond_the_edges_are_in_the_outer_cells(toy_responses):
    found = filters.measure(toy_responses, np.eye(4), 0.01, 1, 1.0)
    assert found.cells(np.array([[1000.0, 0.0], [9000.0, 9.0]])).tolist() == [0, 47]


def running(latents, u, batches=60):
    """The dependence after many batches of the same stars."""
    adversary = moments.Moments(latents.shape[1], 4, 21)
    polynomials = moments.atmosphere_polynomials(u)
    for _ in range(batches):
        loss, dependence = adversary(latents, polynomials)
    return loss, dependence.item()


@pytest.fixture(scope="module")
def atmosphere():
    return torch.rand(20_000, 2, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def normal():
    return torch.randn(20_000, 3, generator=torch.Generator().manual_seed(1))


def test_independent_normal_latents_have_no_moments(normal, atmosphere):
    assert running(normal, atmosphere)[1] < 0.03


@pytest.mark.parametrize(
    "spoil",
    [
        lambda z, u: z + (u[:, :1] - 0.5) * torch.tensor([1.0, 0.0, 0.0]),  # mean moves with Teff
        lambda z, u: z * (0.7 + 0.6 * u[:, 1:]),  # width with log g
        lambda z, u: z + 0.8 * z[:, [1, 2, 0]] * (u[:, :1] - 0.5),  # correlation with Teff
        lambda z, u: z * 0.8,
        lambda z, u: z + 0.3 * z.roll(1, 1),
        lambda z, u: torch.where(z.abs() > 1, z * 1.3, z * 0.5),
    ],
)
def test_dependence_and_departures_are_seen(normal, atmosphere, spoil):
    clean = running(normal, atmosphere)[1]
    assert running(spoil(normal, atmosphere), atmosphere)[1] > 3 * clean


def test_following_the_gradient_removes_the_dependence(normal, atmosphere):
    spoilt = normal + torch.tensor([1.0, 0, 0]) * (atmosphere[:, :1] - 0.5)
    shift = torch.zeros(1, requires_grad=True)
    adversary, polynomials = moments.Moments(3, 4, 21), moments.atmosphere_polynomials(atmosphere)
    optimiser = torch.optim.Adam([shift], lr=0.03)
    for _ in range(150):
        loss, _ = adversary(spoilt + torch.tensor([1.0, 0, 0]) * shift * (atmosphere[:, :1] - 0.5), polynomials)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert shift.item() == pytest.approx(-1, abs=0.1)


def test_the_halo_scale_gives_normal_latents_the_halos_abundances():
    density = halo_density(Sample())
    scale = halo_scale.Triangle(prior_cholesky({"feh_alpha": -0.3, "feh_c": -0.17, "c_alpha": 0.0}))
    scale.fill(halo_scale.halo_nodes(density))
    e = torch.randn(50_000, 3, generator=torch.Generator().manual_seed(2))
    z, _ = scale(e)
    moments_ = density.moments
    assert z.mean(dim=0).abs().max() < 0.03
    assert (z.std(dim=0) - 1).abs().max() < 0.03
    r = np.corrcoef(z.numpy().T)
    for (i, j), name in {(0, 1): "feh_c", (0, 2): "feh_alpha", (1, 2): "c_alpha"}.items():
        assert r[i, j] == pytest.approx(moments_.correlation[name], abs=0.03)


@pytest.mark.parametrize("halo", [True, False])
def test_the_scales_derivatives_and_signs(halo):
    scale = halo_scale.Triangle(prior_cholesky({"feh_alpha": -0.3, "feh_c": -0.17, "c_alpha": 0.0})).double()
    if halo:
        scale.fill(halo_scale.halo_nodes(halo_density(Sample())))
    scale.sign.copy_(torch.tensor([1.0, -1.0, 1.0]))
    # Within a cell of the tables, where the interpolation is smooth.
    e = torch.tensor([[0.513, -0.813, 1.263], [-1.737, 0.367, 0.063]], dtype=torch.float64, requires_grad=True)
    z, slope = scale(e)
    for row in range(3):
        (gradient,) = torch.autograd.grad(z[:, row].sum(), e, retain_graph=True)
        torch.testing.assert_close(gradient, slope[:, row] * scale.sign)
    assert (torch.diagonal(slope, dim1=1, dim2=2) > 0).all()


def test_a_straight_scale_has_the_priors_correlations():
    cholesky = prior_cholesky({"feh_alpha": -0.3, "feh_c": -0.17, "c_alpha": 0.0})
    z, _ = halo_scale.Triangle(cholesky)(torch.randn(50_000, 3, generator=torch.Generator().manual_seed(3)))
    r = np.corrcoef(z.numpy().T)
    assert (r[0, 1], r[0, 2]) == pytest.approx((-0.17, -0.3), abs=0.02)


def test_beyond_the_tables_the_scale_goes_on():
    scale = halo_scale.Triangle(np.eye(3))
    z, _ = scale(torch.tensor([[9.0, -9.0, 0.0]]))
    assert z[0].tolist() == pytest.approx([9, -9, 0], rel=1e-4, abs=1e-4)


def test_stages_share_the_epochs():
    train = validate({"train": {"preset": "fast", "epochs": 50}}, "test").train
    assert stages.lengths(train) == {
        "atmosphere": 5, "abundances": 8, "manifold": 8, "refinement": 8,
        "reading": 5, "quantiles": 8, "straightening": 2, "spectra": 6,
    }  # fmt: skip
    assert tuple(stages.lengths(train)) == stages.NAMES
    found = [stages.locate(train, epoch) for epoch in range(50)]
    assert found[4:6] == [("atmosphere", 4, 5), ("abundances", 0, 8)]
    assert found[-1] == ("spectra", 5, 6)


@pytest.mark.parametrize("section", [{}, {"manifold_share": 0.45, "quantiles_share": 0.05, "spectra_share": 0.05}])
def test_each_stage_has_an_epoch(section):
    for epochs in range(8, 60):
        train = validate({"train": {"preset": "fast", "epochs": epochs, "fast": section}}, "test").train
        found = stages.lengths(train)
        assert min(found.values()) >= 1
        assert sum(found.values()) == epochs


def test_too_few_epochs_for_the_stages():
    with pytest.raises(UserError, match="needs 8 epochs or more, got 7"):
        validate({"train": {"preset": "fast", "epochs": 7}}, "test")


MIXTURE = torch.from_numpy(np.random.default_rng(4).normal(size=(5, 11)).astype(np.float32))


def curve(x):
    """A smooth map of five numbers to twelve scores, one of which no number moves."""
    mixed = x @ MIXTURE
    return torch.cat([torch.sin(0.5 * mixed) + mixed, torch.zeros_like(x[:, :1])], dim=1)


@pytest.fixture(scope="module")
def truth():
    return torch.randn(400, 5, generator=torch.Generator().manual_seed(5))


def test_refinement_finds_what_gave_the_scores(truth):
    noise = torch.tensor(0.02)
    rng = torch.Generator().manual_seed(6)
    scores = curve(truth) + noise * torch.randn(400, 12, generator=rng)
    start = truth + torch.tensor(refinement.WIDTHS) * torch.randn(400, 5, generator=rng)
    x, factor = refinement.refine(curve, scores, start, noise)
    error = x - truth
    assert (error.std(dim=0) < 0.3 * (start - truth).std(dim=0)).all()
    # The covariance is that of the errors: their normalised squares have a mean of 7/5, as of Student's t, since the
    # variance is from seven degrees of freedom.
    pulls = torch.linalg.solve_triangular(factor, error[:, :, None], upper=False)[:, :, 0]
    assert 1.0 < (pulls**2).mean() < 1.8


def test_what_the_spectrum_does_not_tell_stays(truth):
    start = truth + 0.1
    x, factor = refinement.refine(lambda x: curve(x)[:, -1:], torch.randn(400, 1), start, torch.tensor(0.02))
    torch.testing.assert_close(x, start)
    torch.testing.assert_close(factor, torch.diag(torch.tensor(refinement.WIDTHS)).expand(400, 5, 5))


def test_a_spectrum_like_no_other_is_left_as_it_was_read(truth):
    x, _ = refinement.refine(curve, curve(truth) + 1e3 * torch.randn(400, 12), truth, torch.tensor(0.02))
    assert ((x - truth).abs() < 0.05).all()


def test_the_forms_have_the_pixels_sums_of_squares():
    masks = {name: np.arange(60) % 3 == k for k, name in enumerate(("iron", "carbon", "alpha"))}
    vae = fast.build(masks, validate({"train": {"preset": "fast", "fast": {"components": 8}}}, "test").train, 1)
    vae.components.basis.copy_(torch.linalg.qr(torch.randn(60, 8)).Q)
    scores = torch.randn(5, 8)
    for name, form in stages.pixel_forms(vae).items():
        flux = scores @ vae.components.basis[masks[name]].T
        torch.testing.assert_close(((scores @ form) ** 2).sum(dim=1), (flux**2).sum(dim=1))


def test_shares_that_leave_nothing_for_the_abundances():
    shares = {"atmosphere_share": 0.25, "manifold_share": 0.3, "quantiles_share": 0.2, "spectra_share": 0.05}
    with pytest.raises(UserError, match=r"leave 0\.05 of the epochs for the abundances"):
        validate({"train": {"preset": "fast", "epochs": 20, "fast": shares}}, "test")


def learn(model, x, steps=400):
    """Quantiles taught the distribution of x."""
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(steps):
        loss = -model.log_density(x[torch.arange(step * 500, step * 500 + 500) % len(x)]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


@pytest.fixture(scope="module")
def skewed():
    """Three normal numbers and w; latents that depend on w and on one another, in mean, width and shape."""
    rng = torch.Generator().manual_seed(8)
    e, w = torch.randn(20_000, 3, generator=rng), 2 * torch.rand(20_000, 2, generator=rng) - 1
    first = e[:, 0] * (1 + 0.4 * w[:, 0]) + 0.5 * w[:, 1]
    second = torch.sinh(0.7 * e[:, 1]) + 0.5 * first
    third = e[:, 2] + 0.3 * second * w[:, 0]
    return e, torch.column_stack([first, second, third, w])


def test_quantiles_give_back_what_was_independent(skewed):
    e, x = skewed
    torch.manual_seed(0)
    model = quantiles.Quantiles()
    learn(model, x)
    with torch.no_grad():
        found = model(x)
    assert (found - e).std(dim=0).max() < 0.12
    assert found.mean(dim=0).abs().max() < 0.05
    assert (found.std(dim=0) - 1).abs().max() < 0.05


def test_the_slope_of_a_quantile_is_the_ratio_of_densities(skewed):
    """Of the third latent at given others, whose density is then known but for a factor."""
    torch.manual_seed(1)
    model = quantiles.Quantiles().double()
    learn(model, skewed[1].double(), 30)
    x = skewed[1][:1].double().repeat(2001, 1)
    x[:, 2] = torch.linspace(-3, 3, 2001)
    with torch.no_grad():
        e, log_density = model(x)[:, 2], model.log_density(x)
    slope = torch.diff(e) / torch.diff(x[:, 2])
    middle = (e[1:] + e[:-1]) / 2
    ratio = slope / torch.exp((log_density[1:] + log_density[:-1]) / 2 + middle**2 / 2)
    assert (slope > 0).all()
    torch.testing.assert_close(ratio / ratio.mean(), torch.ones(2000, dtype=torch.float64), rtol=2e-3, atol=0)


def test_quantiles_far_out_are_finite_and_have_derivatives():
    model = quantiles.Quantiles()
    x = torch.tensor([[50.0, -50.0, 9.0, 30.0, -30.0], [-1e4, 1e4, 0, 0, 0]], requires_grad=True)
    e = model(x)
    (gradient,) = torch.autograd.grad(e.sum(), x)
    assert torch.isfinite(e).all()
    assert torch.isfinite(gradient).all()
    assert e.abs().max() < 7.5


def test_a_line_by_least_squares():
    rng = torch.Generator().manual_seed(3)
    inputs, weight = torch.randn(500, 4, generator=rng), torch.rand(500, 1, generator=rng)
    targets = inputs @ torch.arange(8.0).reshape(4, 2) + torch.tensor([3.0, -1.0])
    targets[:5], weight[:5] = 1e6, 0.0  # of no weight
    line = torch.nn.Linear(4, 2)
    layers.fit_line(line, inputs, targets, 1e-9, weight)
    torch.testing.assert_close(line(inputs)[5:], targets[5:], rtol=1e-4, atol=1e-4)
    # A column without information stays out.
    layers.fit_line(line, torch.cat([inputs[:, :3], 0 * inputs[:, 3:]], dim=1), targets, 1e-3, weight)
    assert line.weight[:, 3].abs().max() < 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_a_kink_is_read_that_no_line_has(seed):
    """log g beyond an edge reads as the mean of what is there; at every seed, since ReLUs can die."""
    train = validate({"train": {"preset": "fast", "epochs": 40}}, "test").train
    vae = fast.build({name: np.arange(60) % 3 == k for k, name in enumerate(("iron", "carbon", "alpha"))}, train, seed)
    players = stages.Players(vae, None, None, None, {})
    rng = torch.Generator().manual_seed(seed)
    x, told = torch.randn(6000, 5, generator=rng), torch.randn(6000, 2, generator=rng)
    known = torch.stack([x[:, 3], torch.where(x[:, 4] < 0.5, x[:, 4], 1.1)], dim=1)
    line = torch.nn.Linear(5, 2)
    layers.fit_line(line, x, known, 1e-6)
    w, moves = line(x).detach(), stages.optimisers(players, "reading", train)
    for k in range(600):
        optimise.set_rates(moves, k, 600, stages.rates(train, "reading"))
        rows = torch.randint(len(x), (256,), generator=rng)
        optimise.descend(moves, ((vae.bent(x[rows], w[rows]) - known[rows] - 0.3 * told[rows]) ** 2).mean())
    with torch.no_grad():
        before, after = (((found - known)[:, 1] ** 2).mean().sqrt() for found in (w, vae.bent(x, w)))
    assert after < 0.5 * before
