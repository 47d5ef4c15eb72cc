"""The checks of `halochem doctor`: each looks at one thing and changes nothing."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml
from packaging.requirements import Requirement

from halochem.config import Config
from halochem.errors import UserError
from halochem.synthesize import build, ispec_input, ispec_location, ispec_pool
from halochem.synthesize.atmospheres.marcs_grid import Grid

OK, OPTIONAL, NEEDED = "[ok]", "[--]", "[!!]"

ENGINE = Path("resources/turbospectrum/engine.json")
PROFILE = Path("slurm/config.yaml")


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    mark: str
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.mark} {self.subject}: {self.text}"


def examine(config: Config, root: Path) -> list[Finding]:
    """Every finding, in the order in which a run needs the things; `root` is the repository."""
    return [
        packages(),
        compiler(root),
        *engine(root),
        marcs(config),
        ispec(config),
        gpu(),
        slurm(root),
    ]


def packages(distribution: str = "halochem") -> Finding:
    """Python's version and the packages that the distribution requires, with their versions."""
    try:
        required = importlib.metadata.requires(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return Finding(NEEDED, "Python packages", f"{distribution} is not installed; `make install`")
    faults, count = [], 0
    for requirement in map(Requirement, required):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        count += 1
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            faults.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            faults.append(f"{requirement.name} {version} is not {requirement.specifier}")
    python = ".".join(map(str, sys.version_info[:3]))
    if faults:
        text = f"{', '.join(faults)} (Python {python}); `make install`, or pip install -r requirements.lock"
        return Finding(NEEDED, "Python packages", text)
    return Finding(OK, "Python packages", f"all {count} that halochem needs, Python {python}")


def compiler(root: Path) -> Finding:
    """gfortran; no longer needed once Turbospectrum is built."""
    path = shutil.which("gfortran")
    if path is None:
        mark = OPTIONAL if (root / ENGINE).is_file() else NEEDED
        text = (
            "not found; apt install gfortran (Debian, Ubuntu), dnf install gcc-gfortran (Fedora), brew "
            "install gcc (macOS), conda install -c conda-forge gfortran"
        )
        return Finding(mark, "gfortran", text)
    version = _output(path, "-dumpfullversion", "-dumpversion").strip() or "of unknown version"
    return Finding(OK, "gfortran", f"{version}, {path}")


def engine(root: Path) -> list[Finding]:
    """Turbospectrum, line lists and model atmospheres, as `halochem synthesize --prepare` makes them."""
    if not (root / ENGINE).is_file():
        later = "not prepared yet; the first run does it (with pip, over the network)"
        return [Finding(OPTIONAL, what, later) for what in ("Turbospectrum", "line lists", "atmospheres")]
    try:
        installation = build.load(root / ENGINE)
    except UserError as error:
        return [Finding(NEEDED, "Turbospectrum, line lists, atmospheres", str(error))]
    version, by = installation.description["turbospectrum"], installation.description["compiler"]
    made = f"{version}, builds {' and '.join(installation.builds)}, {by}"
    lists = f"{', '.join(installation.line_lists)}, SHA-256 as prepared"
    return [
        Finding(OK, "Turbospectrum", made),
        Finding(OK, "line lists", lists),
        Finding(OK, "atmospheres", "c3k, SHA-256 as prepared"),
    ]


def ispec(config: Config) -> Finding:
    """iSpec, needed only where it is the engine; and its namesake, named wherever it is."""
    try:
        folder = ispec_location.find_ispec(config.synthesis.ispec_dir)
        inputs = ispec_input.find_inputs(config.synthesis)
        python = ispec_pool.interpreter(config.synthesis.ispec_python)
        version = ispec_pool.check_interpreter(python)
    except UserError as error:
        mark = NEEDED if config.synthesis.engine == "ispec" else OPTIONAL
        return Finding(mark, "iSpec", str(error).removeprefix("iSpec is "))
    chosen = ", ".join(path.name for path in (inputs.atmospheres, inputs.line_list.parent, inputs.abundances.parent))
    return Finding(OK, "iSpec", f"{folder}, with {chosen}, {len(inputs.molecules)} molecular lists; Python {version}")


def marcs(config: Config) -> Finding:
    """MARCS models, needed only where they are the atmospheres."""
    folder = config.synthesis.marcs_dir
    if folder is None:
        text = "no synthesis.marcs_dir; c3k needs none. From the MARCS site or an iSpec grid (docs/atmospheres.md)"
        return Finding(OPTIONAL, "MARCS models", text)
    try:
        grid = Grid(folder.expanduser())
    except UserError as error:
        return Finding(NEEDED if config.synthesis.atmospheres == "marcs" else OPTIONAL, "MARCS models", str(error))
    return Finding(OK, "MARCS models", f"{grid.description}, SHA-256 {grid.sha256[:16]}")


def gpu() -> Finding:
    """A GPU that PyTorch can use."""
    try:
        import torch
    except ImportError:
        return Finding(OPTIONAL, "GPU", "not looked for, PyTorch is missing")
    if not torch.cuda.is_available():
        reason = "this PyTorch is built without CUDA" if torch.version.cuda is None else "CUDA finds none"
        return Finding(OPTIONAL, "GPU", f"none ({reason}); training runs on the processor")
    memory = torch.cuda.get_device_properties(0).total_memory / 2**30
    return Finding(OK, "GPU", f"{torch.cuda.get_device_name(0)}, {memory:.0f} GiB")


def slurm(root: Path) -> Finding:
    """Slurm's commands, and whether the partitions that the profile names exist."""
    if not (shutil.which("sbatch") and shutil.which("sinfo")):
        return Finding(OPTIONAL, "Slurm", "no sbatch and sinfo here; --profile slurm needs a cluster's login node")
    found = partitions()
    if not found:
        return Finding(OPTIONAL, "Slurm", "installed, but sinfo names no partition; is slurmctld running?")
    unknown = sorted(_partitions(root / PROFILE) - found)
    known = ", ".join(sorted(found))
    if unknown:
        text = f"no partition {', '.join(unknown)} here (there are {known}); edit {PROFILE}"
        return Finding(OPTIONAL, "Slurm", text)
    return Finding(OK, "Slurm", f"partitions {known}")


def partitions() -> set[str]:
    """The cluster's partitions; none where Slurm does not answer."""
    return {name.rstrip("*") for name in _output("sinfo", "-h", "-o", "%P").split()}


def _partitions(profile: Path) -> set[str]:
    if not profile.is_file():
        return set()
    values = yaml.safe_load(profile.read_text(encoding="utf-8"))
    sections = [values.get("default-resources", {}), *values.get("set-resources", {}).values()]
    return {section["slurm_partition"] for section in sections if "slurm_partition" in section}


def _output(*command: str) -> str:
    """What a command prints, or nothing where it fails or hangs."""
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return run.stdout if run.returncode == 0 else ""
