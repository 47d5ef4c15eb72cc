"""The examples of docs/how-to/use-weights.md, without halochem: the same numbers as by it."""

import json

import numpy as np
import pytest
import torch
from test_fast_loop import fast_trained, responses_path  # noqa: F401
from test_loop import first

from halochem.encode import latents
from halochem.train import loop, model_files


@pytest.fixture(scope="module")
def examples(pytestconfig):
    text = (pytestconfig.rootpath / "docs" / "how-to" / "use-weights.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in text.split("```python\n")[1:]]
    assert len(blocks) == 4
    assert all("halochem." not in block and "import halochem" not in block for block in blocks)
    return blocks


def agree(found, catalog, folder, stars):
    flux = catalog.flux[stars]
    expected = latents.infer(model_files.load(folder), flux)
    np.testing.assert_allclose(np.transpose(found["z"]), expected.z, atol=2e-4)
    np.testing.assert_allclose(found["teff"], expected.atmosphere[:, 0], rtol=1e-5)
    np.testing.assert_allclose(found["logg"], expected.atmosphere[:, 1], rtol=1e-5)


def run(code, folder, catalog_path, stars):
    """The names after a block that begins from a model and a catalog."""
    code = code.replace("results/models/halo-1", str(folder)).replace("results/catalogs/halo-1.h5", str(catalog_path))
    found = {}
    exec(code.replace("[:100]", f"[{stars.start}:{stars.stop}]"), found)
    return found


def test_preset_fast(examples, toy, fast_trained):  # noqa: F811
    with torch.no_grad():
        found = run("".join(examples[:3]), fast_trained, toy.catalog_path, slice(4, 104))
    found["z"] = torch.stack(found["z"]).numpy()
    agree(found, toy.catalog(), fast_trained, slice(4, 104))


def test_published_network(examples, toy, tmp_path):
    catalog = first(toy.catalog(), 40)
    loop.fit(catalog, toy.config(encoder="conv", epochs=2), tmp_path)
    # What stands above: imports and reading, without the network of preset fast.
    head = examples[0].split("def mlp")[0]
    with torch.no_grad():
        found = run(head + examples[3], tmp_path, toy.catalog_path, slice(5, 9))
    found["z"] = found["z"].numpy().T
    agree(found, catalog, tmp_path, slice(5, 9))


@pytest.mark.parametrize("kind", ["paper", "fast"])
def test_model_json_names_every_tensor_and_its_shape(kind, trained, fast_trained):  # noqa: F811
    folder = trained if kind == "paper" else fast_trained
    document = json.loads((folder / "model.json").read_text())["architecture"]
    tensors = {name: list(value.shape) for name, value in model_files.load_file(folder / "weights.safetensors").items()}
    tensors.pop("wavelength")
    assert document["tensors"] == tensors
    assert document["latents"] == ["z_m", "z_c", "z_alpha"]
    np.testing.assert_allclose(
        document["prior_covariance"], [[1, -0.17, -0.3], [-0.17, 1, 0], [-0.3, 0, 1]], atol=1e-12
    )
