"""What model.json says of a network, so that its weights can be used by other programs (docs/how-to/use-weights.md)."""

from __future__ import annotations

from typing import Any

from halochem.config import Train
from halochem.train import components, decoders, encoder, fast, halo_scale, layers, losses, refinement
from halochem.train.fast import FastVae
from halochem.train.vae import Vae

INPUT = "flux over its continuum, on the wavelengths of the tensor `wavelength` (Å, in air); "
ATMOSPHERE = "Teff, log g = u * std + mean, by `scalers`"
FACTOR = "entries of the lower triangle row by row, those on the diagonal after softplus"


def describe(model: Vae | FastVae, train: Train) -> dict[str, Any]:
    """Layers, functions and order of everything between a spectrum and z, w, u and the reconstruction."""
    own = _fast(train) if isinstance(model, FastVae) else _paper(train)
    seen = decoders.reads(train.elements)
    latents = [element.latent for element in train.elements]
    prior = losses.prior_cholesky(train.prior_correlation, train.elements)
    return {
        "latents": latents,
        "elements": [element.model_dump(mode="json") for element in train.elements],
        "prior_covariance": (prior @ prior.T).tolist(),
        **own,
        "decoder_reads": {
            name: [*(latents if train.preset == "fast" else [latents[k] for k in columns]), "w_1", "w_2"]
            for name, columns in seen.items()
        },
        "decoder_pixels_are": "first <= wavelength < last, of the decoder's intervals in `regions`; ascending",
        "tensors": {name: list(value.shape) for name, value in model.state_dict().items()},
    }


def _paper(train: Train) -> dict[str, Any]:
    blocks = [
        {
            "conv1d": {"filters": filters, "kernel": kernel, "padding": kernel // 2},
            "instance_norm": {"epsilon": 1e-5} if train.instance_norm else None,
            "prelu": "one slope a filter",
            "max_pool": {"size": kernel, "stride": kernel, "padding": kernel // 2} if k < 2 else None,
        }
        for k, (filters, kernel) in enumerate(zip(encoder.FILTERS, encoder.KERNELS, strict=True))
    ]
    conv = {
        "blocks": blocks,
        "attention": "first half of the channels times the softmax over pixels of the second half, summed over pixels",
    }
    return {
        "input": INPUT + "`fill` where a pixel is bad; (flux - offset) / scale is fed",
        "encoder_layers": conv if train.encoder == "conv" else {},
        "encoder_mlp": [*encoder.HIDDEN, "PReLU after each, one slope a unit"],
        "heads": f"of the {encoder.N_FEATURES} features, linear: heads.mean -> posterior mean of z; heads.cholesky -> "
        f"factor L of its covariance L L^T, {FACTOR}; heads.auxiliary -> w",
        "atmosphere": f"u = linear.weight w + linear.bias; {ATMOSPHERE}",
        "decoder_mlp": [*decoders.HIDDEN, "number of pixels", "activation after each"],
        "decoder_activation": "(gamma + (1 - gamma) / (1 + exp(-beta x))) x, gamma and beta of each unit",
        "decoder_output": "flux = 1 + mlp(latents, w); decoders that share a pixel are summed there",
    }


def _fast(train: Train) -> dict[str, Any]:
    return {
        "input": INPUT + "`components.mean` where a pixel is bad",
        "scores": "(flux - components.mean) components.basis",
        "features": "scores / components.spread, then asinh(scores / (noise_units components.noise))",
        "noise_units": components.NOISE_UNITS,
        "mlp": "linear layers (weights of index 0, 2, 4, ...) with SiLU between them (ReLU in `bend`)",
        "encoder_layers": "w = atmosphere(features); x = (first three of encoder(features, w), w): where the least "
        "squares begin",
        "generator": "G(x) = generators.1(P(x)) * components.spread; P(x): products of normalised Hermite polynomials "
        "of the five x, each within the limits, of the degrees in `powers`",
        "limits": [-layers.FURTHEST, layers.FURTHEST],
        "powers": [list(power) for power in fast.POWERS],
        "refinement": "steps of Gauss and Newton for the sum over components of (scores - G(x))^2 / v, plus the sum of "
        "((x - where it began) / widths)^2; v = max(mean square of scores - G(x) with (components - 5) degrees of "
        "freedom, 0.1 components.noise^2); a step is cut to longest_step in each x",
        "refinement_steps": refinement.STEPS,
        "refinement_widths": list(refinement.WIDTHS),
        "longest_step": refinement.LONGEST_STEP,
        "covariance_of_x": "the inverse of the last normal equations' matrix",
        "atmosphere": "v = reread(h, x), h the last hidden layer of generators.1 at P(x); w = v + bend(x, v), both "
        f"within the limits there; u = w; {ATMOSPHERE}",
        "quantiles": "of latent k, given those before it in x and w, each within the limits: quantiles.each.k gives "
        "shares (after a softmax), centres and logarithms of the widths of normal distributions; e_k is the number at "
        "which the standard normal distribution has the share that their sum has at x_k",
        "straightening": "straight(x), x within the limits, is added to the second e",
        "scale": "s = scale.sign * e; z of the first element: scale.first at s_1; of element k: scale.others[k - 2] at "
        "(s_1, s_k); linear between nodes and beyond them",
        "scale_nodes": {"first": -halo_scale.LIMIT, "last": halo_scale.LIMIT, "count": halo_scale.NODES},
        "decoder_output": "flux = components.mean + (decoders.NAME(P(x)) * components.spread) components.basis^T on "
        "the decoder's pixels, plus details.NAME of the last hidden layer of decoders.NAME",
    }
