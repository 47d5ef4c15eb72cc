"""One model trained on a toy catalog, and the table made with it, for all tests of this folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path.append(str(Path(__file__).parents[1] / "train"))
from toy_catalog import LEARNING, Toy

from halochem.encode import product
from halochem.train import loop, model_files

torch.set_num_threads(1)
FAILED = (3, 150)


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    return Toy.make(tmp_path_factory.mktemp("toy"), n_stars=600, failed=FAILED)


@pytest.fixture(scope="session")
def config(toy):
    return toy.config(**LEARNING)


@pytest.fixture(scope="session")
def trained(toy, config):
    out = toy.folder / "model"
    loop.fit(toy.catalog(), config, out)
    return out


@pytest.fixture(scope="session")
def model(trained):
    return model_files.load(trained)


@pytest.fixture(scope="session")
def table_path(toy, config, model):
    path = toy.folder / "table.parquet"
    product.make(toy.catalog(), model, config, path)
    return path
