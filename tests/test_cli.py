"""The command line: every stage is there, and answers --help without doing or loading anything heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

from halochem import cli


@pytest.mark.parametrize("stage", cli.STAGES)
def test_help_of_every_stage(stage, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main([stage, "--help"])
    assert end.value.code == 0
    assert "--config" in capsys.readouterr().out


def test_help_lists_every_stage(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert all(stage in text for stage in cli.STAGES)


def test_fault_of_the_user_is_one_line_and_status_2(tmp_path):
    command = [
        sys.executable,
        "-m",
        "halochem.cli",
        "sample",
        "--seed",
        "-1",
        "--out",
        str(tmp_path / "x.parquet"),
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1
    assert run.stderr.startswith("halochem sample: --seed")


def test_starting_the_command_loads_nothing_heavy():
    code = "import sys; from halochem import cli; cli.build_parser(); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "halochem.train.command" in loaded
    assert not loaded & {"torch", "matplotlib", "sklearn"}
