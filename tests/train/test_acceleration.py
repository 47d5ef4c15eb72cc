"""What a GPU is asked to do, asked of a CPU: the same code, without the speed."""

import pytest
import torch
from safetensors.torch import load_file
from test_loop import first, same, weights

from halochem.errors import UserError
from halochem.train import acceleration, loop, model_files

CPU = torch.device("cpu")


def test_a_cpu_is_left_as_it_is(toy):
    for encoder in ("conv", "mlp"):
        train = toy.config(encoder=encoder).train
        assert not acceleration.mixed_precision(train, CPU)
        assert not acceleration.compiled(train, CPU)


def test_compile_without_triton(toy, monkeypatch):
    monkeypatch.setattr("torch.utils._triton.has_triton", lambda: False)
    train, cuda = toy.config(compile="on").train, torch.device("cuda")
    with pytest.raises(UserError, match=r"train\.compile: on, but there is no working Triton"):
        acceleration.compiled(train, cuda)
    assert not acceleration.compiled(toy.config().train, cuda)


def test_bfloat16_rounds_the_encoder_and_nothing_else(toy, tmp_path):
    catalog = first(toy.catalog(), 40)
    config = toy.config(encoder="conv", epochs=1, mixed_precision="on")
    loop.fit(catalog, config, tmp_path / "mixed")
    loop.fit(catalog, toy.config(encoder="conv", epochs=1), tmp_path / "full")
    mixed, full = weights(tmp_path / "mixed"), weights(tmp_path / "full")
    assert all(value.dtype == full[name].dtype for name, value in mixed.items())
    assert not same(mixed, full)
    for name, value in full.items():
        torch.testing.assert_close(mixed[name], value, rtol=0.02, atol=0.02)
    model = model_files.load(tmp_path / "mixed")
    assert model.vae.precision is None  # encoding is exact
    flux = torch.from_numpy(catalog.flux[:3])
    with torch.no_grad():
        exact = model.vae(flux)
        model.vae.precision = torch.bfloat16
        rounded = model.vae(flux)
    assert rounded.reconstruction.dtype == rounded.posterior.mean.dtype == torch.float32
    assert not torch.equal(exact.posterior.mean, rounded.posterior.mean)
    torch.testing.assert_close(exact.posterior.mean, rounded.posterior.mean, rtol=0.05, atol=0.02)
    # The decoders' own arithmetic is not rounded.
    z, w = torch.randn(3, 3), torch.randn(3, 2)
    with torch.no_grad():
        decoded = model.vae.decode(z, w)
        model.vae.precision = None
        assert torch.equal(model.vae.decode(z, w), decoded)


@pytest.mark.slow
def test_a_compiled_model_trains_the_same(toy, trained, tmp_path):
    """By the compiler's front end; its back end needs a C++ compiler or Triton, and changes roundings only."""
    config = toy.config(compile="on")
    torch._dynamo.reset()
    original = torch.nn.Module.compile
    torch.nn.Module.compile = lambda self: original(self, backend="aot_eager")
    try:
        loop.fit(toy.catalog(), config, tmp_path)
    finally:
        torch.nn.Module.compile = original
        torch._dynamo.reset()
    plain, compiled = load_file(trained / "weights.safetensors"), weights(tmp_path)
    assert plain.keys() == compiled.keys()
    for name, value in plain.items():
        torch.testing.assert_close(compiled[name], value, rtol=1e-4, atol=1e-5)
