import argparse

import pandas as pd
import pytest
import yaml

from halochem.encode import command
from halochem.errors import UserError


def run(*arguments):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args([str(a) for a in arguments]))


@pytest.fixture
def config_path(config, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"train": config.dump()["train"]}))
    return path


def test_command_writes_the_table(toy, trained, config_path, table_path, tmp_path):
    out = tmp_path / "deep" / "table.parquet"
    run("--config", config_path, "--catalog", toy.catalog_path, "--model", trained, "--out", out)
    pd.testing.assert_frame_equal(pd.read_parquet(out), pd.read_parquet(table_path))


def test_same_input_same_bytes(toy, trained, config_path, tmp_path):
    for name in ("a", "b"):
        run("--config", config_path, "--catalog", toy.catalog_path, "--model", trained, "--out", tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_no_model(toy, config_path, tmp_path):
    with pytest.raises(UserError, match=r"model\.json: no such file"):
        run("--config", config_path, "--catalog", toy.catalog_path, "--model", tmp_path, "--out", tmp_path / "t")


def test_no_catalog(trained, config_path, tmp_path):
    with pytest.raises(UserError, match=r"none\.h5: no such file"):
        run("--config", config_path, "--catalog", tmp_path / "none.h5", "--model", trained, "--out", tmp_path / "t")
