"""A copy of the workflow in a temporary folder, and Snakemake run in it as a user would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
COPIED = (
    "Snakefile",
    "workflow",
    "profiles",
    "config",
    "slurm",
    "resources/linelists",
    "resources/emulator",
    "resources/responses.npz",
)


@dataclass
class Project:
    """A folder with the workflow's files and nothing that a run has made."""

    folder: Path

    def write_config(self, values: dict) -> str:
        """Write a configuration file and return its name."""
        (self.folder / "test.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
        return "test.yaml"

    def snakemake(
        self, *arguments: str, timeout: int = 120, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake here; its two streams come back as one."""
        path = os.environ.get("PYTHONPATH", "")
        variables = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT / "src"), path])),
            "NO_COLOR": "1",
            **(environment or {}),
        }
        # `timeout -k` and not Python's: the executor plugin is known to hang, and its children must go too.
        command = ["timeout", "-k", "5", str(timeout), sys.executable, "-m", "snakemake", *arguments]
        streams = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.run(command, cwd=self.folder, env=variables, **streams)

    def planned(self, *arguments: str) -> dict[str, int]:
        """Rule -> number of jobs of a dry run."""
        result = self.snakemake("--dry-run", *arguments)
        assert result.returncode == 0, result.stdout
        if "Nothing to be done" in result.stdout:
            return {}
        table = result.stdout.rpartition("Job stats:\n")[2].splitlines()[2:]
        rows = [row.split() for row in table[: table.index("")]]
        return {rule: int(count) for rule, count in rows if rule != "total"}


def copy_project(folder: Path) -> Project:
    """A fresh copy of the workflow."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("prepared"))
        elif source.exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / name)
    return Project(folder)
