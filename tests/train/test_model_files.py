import json

import numpy as np
import pytest
import torch

from halochem.errors import UserError
from halochem.train import model_files


def test_model_json_says_what_the_model_is(toy, trained):
    document = json.loads((trained / "model.json").read_text())
    assert document["seed"] == 7
    assert document["architecture"]["encoder"] == "mlp"
    assert document["architecture"]["decoder_pixels"] == {"iron": 110, "carbon": 76, "alpha": 82}
    assert document["architecture"]["parameters"]["total"] > 10_000
    assert document["wavelength"] == {"first": 5000.0, "log_step": 1e-4, "n": 300}
    assert document["regions"]["intervals"]["carbon"] == [[5140.0, 5230.0]]
    assert document["config"]["train"]["epochs"] == 6
    assert document["config"]["spectrum"]["resolution"] == 2200
    assert set(document["metrics"]["validation"]) == {
        "reconstruction", "kl", "linear", "classification", "total"
    }  # fmt: skip
    assert document["training"]["stars"] + document["training"]["validation_stars"] == 139
    for name in ("teff_obs", "logg_obs"):
        assert document["scalers"][name]["std"] > 0


def test_loaded_model_is_the_one_trained(toy, trained, model):
    flux = torch.from_numpy(toy.catalog().flux[:3])
    again = model_files.load(trained)
    with torch.no_grad():
        assert torch.equal(model.vae(flux).reconstruction, again.vae(flux).reconstruction)
    assert np.array_equal(model.wavelength, toy.catalog().wavelength)
    assert not model.vae.training
    assert model.trained_on(toy.catalog())


def test_input_scaling_is_part_of_the_model(toy, model):
    flux = toy.catalog().flux
    assert 0 < model.vae.scale < 1
    assert torch.all((model.vae.offset > 0.1) & (model.vae.offset < 1.1))
    assert abs(model.vae.fill.mean().item() - np.nanmean(flux)) < 0.02


@pytest.mark.parametrize("change", [lambda w: w[:-1], lambda w: w * 1.0001])
def test_a_catalog_on_another_grid_is_refused(toy, model, change):
    catalog = toy.catalog()
    catalog.wavelength = change(catalog.wavelength)
    with pytest.raises(UserError, match=r"catalog\.h5: .* pixels over .* was trained on 300 pixels over 5000\.000"):
        model.check_grid(catalog)


def test_wavelengths_that_differ_by_rounding_are_not(toy, model):
    catalog = toy.catalog()
    catalog.wavelength = catalog.wavelength.astype(np.float32).astype(float)
    model.check_grid(catalog)


@pytest.fixture
def copy(trained, tmp_path):
    for name in ("model.json", "weights.safetensors"):
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    return tmp_path


def edit(folder, change):
    document = json.loads((folder / "model.json").read_text())
    change(document)
    (folder / "model.json").write_text(json.dumps(document))


def test_no_model(tmp_path):
    with pytest.raises(UserError, match=r"model\.json: no such file; `halochem train"):
        model_files.load(tmp_path)


def test_weights_missing(copy):
    (copy / "weights.safetensors").unlink()
    with pytest.raises(UserError, match=r"weights\.safetensors: no such file"):
        model_files.load(copy)


def test_weights_of_another_model(copy):
    path = copy / "weights.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"not the weights that model\.json describes"):
        model_files.load(copy)


def test_regions_edited_by_hand(copy):
    edit(copy, lambda d: d["regions"]["intervals"].update(carbon=[[5140.0, 5220.0]]))
    with pytest.raises(UserError, match="the regions do not give the pixels trained on"):
        model_files.load(copy)


def test_architecture_edited_by_hand(copy):
    edit(copy, lambda d: d["config"]["train"].update(encoder="conv"))
    with pytest.raises(UserError, match=r"weights\.safetensors: .*train the model anew"):
        model_files.load(copy)


def test_another_format(copy):
    edit(copy, lambda d: d.update(format=99))
    with pytest.raises(UserError, match="format 99, expected 1"):
        model_files.load(copy)


def test_not_json(copy):
    (copy / "model.json").write_text("{")
    with pytest.raises(UserError, match="not valid JSON"):
        model_files.load(copy)
