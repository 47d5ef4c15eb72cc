"""A toy catalog, and a model trained on it for a few epochs, for all tests of this folder."""

from __future__ import annotations

import pytest
import torch
from toy_catalog import Toy

from halochem.train import loop, model_files

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    return Toy.make(tmp_path_factory.mktemp("toy"), n_stars=200, failed=(3, 150))


@pytest.fixture(scope="session")
def trained(toy):
    """The folder of a model that is good enough to be loaded and checked."""
    out = toy.folder / "model"
    loop.fit(toy.catalog(), toy.config(), out)
    return out


@pytest.fixture
def model(trained):
    return model_files.load(trained)
