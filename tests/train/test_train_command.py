import argparse

import pytest
import yaml

from halochem.errors import UserError
from halochem.train import checkpoint, command, loop


def run(*arguments):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args([str(a) for a in arguments]))


@pytest.fixture
def config_path(toy, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"train": toy.config(epochs=3).dump()["train"]}))
    return path


def test_command_goes_on_from_a_checkpoint(toy, config_path, tmp_path):
    out = tmp_path / "model"
    loop.fit(toy.catalog(), toy.config(epochs=3), out, stop_after=1)
    run("--config", config_path, "--catalog", toy.catalog_path, "--out", out)
    assert sorted(path.name for path in out.iterdir()) == ["history.csv", "model.json", "weights.safetensors"]
    assert len((out / "history.csv").read_text().splitlines()) == 4


def test_restart_ignores_a_checkpoint_of_another_training(toy, config_path, tmp_path):
    out = tmp_path / "model"
    loop.fit(toy.catalog(), toy.config(epochs=4), out, stop_after=1)
    with pytest.raises(UserError, match="belongs to another training"):
        run("--config", config_path, "--catalog", toy.catalog_path, "--out", out)
    run("--config", config_path, "--catalog", toy.catalog_path, "--out", out, "--restart")
    assert not (out / checkpoint.NAME).exists()


def test_no_such_catalog(config_path, tmp_path):
    with pytest.raises(UserError, match=r"none\.h5: no such file; `halochem observe` makes it"):
        run("--config", config_path, "--catalog", tmp_path / "none.h5", "--out", tmp_path)


def test_import_is_light():
    import subprocess
    import sys

    code = "import sys, halochem.train.command, halochem.encode.command; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
