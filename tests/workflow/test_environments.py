"""workflow/envs: the conda environments ask for what requirements.lock holds, and every stage finds its packages."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = sorted((ROOT / "workflow" / "envs").glob("*.yaml"))
# conda's name -> PyPI's, where they differ
PYPI = {"astropy-base": "astropy", "matplotlib-base": "matplotlib", "pytorch": "torch"}
NOT_OF_PYPI = {"python", "pip", "gfortran", "make"}
# What snakemake itself needs, not the stages.
OF_THE_WORKFLOW = {"snakemake", "snakemake-executor-plugin-slurm", "packaging"}


def asked(path: Path) -> dict[str, Requirement]:
    """PyPI name -> requirement, of an environment's packages that come from there."""
    found = {}
    for text in yaml.safe_load(path.read_text(encoding="utf-8"))["dependencies"]:
        wanted = Requirement(text.replace(" =", "==", 1) if re.search(r" =\d", text) else text)
        if wanted.name not in NOT_OF_PYPI:
            found[canonicalize_name(PYPI.get(wanted.name, wanted.name))] = wanted
    return found


def locked() -> dict[str, str]:
    """PyPI name -> version."""
    rows = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pairs = (row.split("==") for row in rows if row and not row.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def declared() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    texts = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    return {canonicalize_name(Requirement(text).name): Requirement(text) for text in texts}


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environment_admits_what_is_locked(path):
    versions, project = locked(), declared()
    for name, wanted in asked(path).items():
        assert name in versions, f"{path.name}: {wanted} is not in requirements.lock"
        assert wanted.specifier.contains(versions[name]), f"{path.name}: {wanted}, but {versions[name]} is locked"
        assert wanted.specifier == project[name].specifier, (
            f"{path.name}: {wanted}, but pyproject.toml: {project[name]}"
        )


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_python_is_that_of_the_lock(path):
    first = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()[0]
    version = re.search(r"Python (\d+\.\d+)", first)[1]
    assert f"python ={version}" in yaml.safe_load(path.read_text(encoding="utf-8"))["dependencies"]


def test_together_they_hold_every_package_of_the_stages():
    have = {name for path in ENVIRONMENTS for name in asked(path)}
    assert set(declared()) - OF_THE_WORKFLOW - have == set()


def test_every_rule_that_is_a_job_has_one():
    rules = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    used = re.findall(r'conda:\s+"\.\./envs/(\w+)\.yaml"', rules)
    assert len(used) == len(re.findall(r"^rule ", rules, re.MULTILINE))
    assert set(used) == {path.stem for path in ENVIRONMENTS}
    for path in ENVIRONMENTS:
        assert path.with_suffix(".post-deploy.sh").is_file()


def closure(names: set[str]) -> set[str]:
    """These distributions and all that they need, as installed here."""
    found, todo = set(), list(names)
    while todo:
        name = canonicalize_name(todo.pop())
        if name in found:
            continue
        found.add(name)
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        for need in map(Requirement, needs):
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                todo.append(need.name)
    return found


# rule -> the modules that its command imports when it runs
STAGES = {
    "analysis": ["sample.command", "sample.draw", "sample.figures", "observe.catalog", "evaluate.evaluation"],
    "synthesis": ["synthesize.command", "synthesize.engines", "synthesize.build", "synthesize.chunk"],
    "training": [
        "train.loop",
        "encode.product",
        "evaluate.bounds",
        "evaluate.anomalies",
        "report.build",
        "verify.check",
    ],
}
BLOCK = """
import sys
foreign, modules = sys.argv[1].split(","), sys.argv[2].split(",")
class Only:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in foreign:
            raise ModuleNotFoundError(f"{name} is not in this environment", name=name)
sys.meta_path.insert(0, Only())
import importlib
for module in modules:
    importlib.import_module(f"halochem.{module}")
"""


@pytest.mark.slow
@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_stages_import_nothing_else(path):
    """With all modules out of reach that the environment does not bring, as `--sdm conda` would have it."""
    brings = closure(set(asked(path)))
    foreign = {
        module
        for module, names in metadata.packages_distributions().items()
        if not {canonicalize_name(name) for name in names} & brings and module != "halochem"
    }
    assert "snakemake" in foreign
    command = [sys.executable, "-c", BLOCK, ",".join(sorted(foreign)), ",".join(STAGES[path.stem])]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
