"""`halochem doctor` as a command: its lines and its exit status."""

from __future__ import annotations

import argparse

import pytest

from halochem.doctor import command
from halochem.errors import UserError


def run_in(folder, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args([]))


def test_one_marked_line_each_and_an_error_where_a_need_is_unmet(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="gfortran"):
        run_in(tmp_path, monkeypatch)
    lines = capsys.readouterr().out.splitlines()
    subjects = [line[5:].split(":")[0] for line in lines]
    assert subjects == [
        *("Python packages", "gfortran", "Turbospectrum", "line lists", "atmospheres"),
        *("MARCS models", "iSpec", "GPU", "Slurm"),
    ]
    assert all(line[:4] in ("[ok]", "[--]", "[!!]") for line in lines)
