"""A small copy of the repository in which the commands of the docs are run: as installed, with a quickstart of seconds.

What differs from a user's checkout: `.venv` leads to the Python of the tests, and config/quickstart.yaml asks for few
stars, eight epochs and no direct spectra. Nothing else stands in for anything.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
COPIED = ("Snakefile", "Makefile", "requirements.lock", "pyproject.toml", "workflow", "profiles", "config", "slurm")
# What is shipped in resources/, as a copy: a page's commands may write where it lies.
COPIED = (*COPIED, "docs", "benchmarks", "resources")
# What preparations leave there.
NOT_COPIED = ("prepared", "sources", "turbospectrum", "atmospheres", "__pycache__")
SMALL = {
    "sample": {"n_stars": 240},
    "synthesis": {"chunk_size": 120, "check_stars": 0},
    "train": {"epochs": 8},
}
# Seconds after which a block is taken to hang, on a machine with other work too.
LIMIT = 1200


def reference_data() -> Path | None:
    """The folder of files that cannot be shipped (MARCS models, a VALD extract), where there is one."""
    folder = Path(os.environ.get("HALOCHEM_REFERENCE_DATA") or ROOT.parent / "shared" / "data")
    return folder if folder.is_dir() else None


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


# name in a marker -> whether it is at hand
NEEDS = {
    "HALOCHEM_REFERENCE_DATA": lambda: reference_data() is not None,
    "ISPEC_DIR": lambda: bool(os.environ.get("ISPEC_DIR")),
    "CUDA": _has_cuda,
}


@dataclass
class Workspace:
    """The folder, and how to run something in it."""

    folder: Path

    def environment(self) -> dict[str, str]:
        """What a shell in it sees: `.venv` is not active, as for a user before `source .venv/bin/activate`."""
        path = os.pathsep.join([str(self.folder / ".venv" / "bin"), os.environ["PATH"]])
        python_path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]))
        return {**os.environ, "PATH": path, "PYTHONPATH": python_path, "NO_COLOR": "1", "MPLBACKEND": "agg"}

    def bash(self, text: str, dry: str | None = None) -> str:
        """Run a block; what it printed. AssertionError with that where a command of it fails.

        `dry`: snakemake and make with arguments that begin so ("" for all) only plan.
        """
        script = f"set -euo pipefail\n{'' if dry is None else _only_planned(dry)}{text}"
        # Not Python's own limit: what a command has started must go too.
        command = ["timeout", "-k", "5", str(LIMIT), "bash", "-c", script]
        streams = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        run = subprocess.run(command, cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, **streams)
        assert run.returncode == 0, f"exit status {run.returncode} of\n{text}\n{run.stdout[-4000:]}"
        return run.stdout


def _only_planned(prefix: str) -> str:
    """Shell functions in place of snakemake and make."""
    lines = []
    for command in ("snakemake", "make"):
        lines.append(
            f'{command}() {{ case "{command} $*" in "{prefix}"*) command {command} -n "$@";; '
            f'*) command {command} "$@";; esac; }}\n'
        )
    return "".join(lines)


def make(folder: Path) -> Workspace:
    """Make the workspace in a new folder."""
    folder.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns(*NOT_COPIED))
        else:
            shutil.copy(source, folder / name)
    (folder / "src").symlink_to(ROOT / "src")
    _lay_out_engine(folder)
    _install(folder)
    _make_small(folder / "config" / "quickstart.yaml")
    _lay_out_reference(folder)
    return Workspace(folder)


def _lay_out_engine(folder: Path) -> None:
    """Turbospectrum as it is built in this checkout; what the pages make of it stays in the folder."""
    resources = ROOT / "resources"
    shutil.copytree(resources / "turbospectrum", folder / "resources" / "turbospectrum")
    (folder / "resources" / "atmospheres").symlink_to(resources / "atmospheres")
    prepared = folder / "resources" / "linelists" / "prepared"
    prepared.mkdir()
    for path in (resources / "linelists" / "prepared").iterdir():
        if path.is_file():
            (prepared / path.name).symlink_to(path)


def _install(folder: Path) -> None:
    """What `make install` leaves behind, leading to the Python that runs the tests."""
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "activate").write_text(f'export PATH="{programs}:$PATH"\n')
    for name, module in (("python", ""), ("halochem", "-m halochem.cli"), ("snakemake", "-m snakemake")):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        (programs / name).chmod(0o755)
    (folder / ".venv" / ".installed").touch()


def _make_small(path: Path) -> None:
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    for section, values in SMALL.items():
        settings.setdefault(section, {}).update(values)
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")


def _lay_out_reference(folder: Path) -> None:
    """The files of a user that the pages speak of, by the names they have there."""
    reference = reference_data()
    if reference is None:
        return
    (folder / "marcs").symlink_to(reference / "marcs")
    (folder / "vald").mkdir()
    extract = (reference / "vald" / "5000-5005.vald").read_bytes()
    (folder / "vald" / "my-extract.gz").write_bytes(gzip.compress(extract))
