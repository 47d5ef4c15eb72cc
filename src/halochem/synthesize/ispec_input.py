"""What a user's iSpec computes with: files of its `input` folder, as the configuration chooses, and their hashes."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from halochem.config import Config, Synthesis
from halochem.errors import UserError
from halochem.files import sha256
from halochem.synthesize.ispec_location import find_ispec

# Å. iSpec cuts runs above 100 nm itself, losing wings at the cuts; it knows no step below 0.01 Å.
LONGEST, FINEST, MARGIN_MAX = 990.0, 0.01, 400.0
# iSpec gives abundances relative to all nuclei; Turbospectrum's are relative to hydrogen, 12.036 above.
TO_HYDROGEN = 12.036


@dataclass(frozen=True)
class Inputs:
    """The files that iSpec computes with."""

    folder: Path  # of iSpec
    atmospheres: Path  # folder of a grid
    line_list: Path  # atomic_lines.tsv
    abundances: Path  # stdatom.dat
    isotopes: Path  # SPECTRUM.lst
    molecules: tuple[Path, ...]  # *.bsyn


def check_keys(config: Config) -> None:
    """Raise UserError for a key that engine ispec would pass over, or cannot follow."""
    synthesis = config.synthesis
    no_effect = {
        "line_list": (synthesis.line_list is not None, "iSpec has its own lists; choose one by ispec_line_list"),
        "atmospheres": (synthesis.atmospheres == "marcs", "iSpec has its own grids; choose one by ispec_atmospheres"),
        "marcs_dir": (synthesis.marcs_dir is not None, "iSpec has its own grids; choose one by ispec_atmospheres"),
        "build": (synthesis.build != "native", "iSpec runs its own Turbospectrum as it was built there"),
    }
    for key, (given, why) in no_effect.items():
        if given:
            raise UserError(f"synthesis.{key}: has no effect with engine: ispec; {why}; remove the key")
    if synthesis.step < FINEST:
        raise UserError(f"synthesis.step {synthesis.step:g}: iSpec knows no step below {FINEST:g} Å; set it to that")
    if synthesis.margin > MARGIN_MAX:
        raise UserError(
            f"synthesis.margin {synthesis.margin:g}: expected at most {MARGIN_MAX:g} Å with engine: ispec, which runs "
            f"pieces of {LONGEST:g} Å"
        )


def find_inputs(synthesis: Synthesis) -> Inputs:
    """The files chosen by the configuration, all there. Raises UserError naming what is missing and what there is."""
    folder = find_ispec(synthesis.ispec_dir)
    data = folder / "input"
    if not data.is_dir():
        raise UserError(
            f"{data}: iSpec's input folder is missing; it comes with the distribution from iSpec's web site, not with "
            "its git repository"
        )
    atmospheres = _chosen(data / "atmospheres", "parameters.tsv", "ispec_atmospheres", synthesis.ispec_atmospheres)
    lines = _chosen(data / "linelists/transitions", "atomic_lines.tsv", "ispec_line_list", synthesis.ispec_line_list)
    abundances = _chosen(data / "abundances", "stdatom.dat", "ispec_abundances", synthesis.ispec_abundances)
    isotopes = data / "isotopes" / "SPECTRUM.lst"
    if not isotopes.is_file():
        raise UserError(f"{isotopes}: iSpec's table of isotopes is missing; unpack iSpec again")
    molecules = tuple(sorted((data / "linelists/turbospectrum/molecules").glob("*.bsyn")))
    if not molecules:
        raise UserError(
            f"{data / 'linelists/turbospectrum/molecules'}: no molecular list (*.bsyn) there, and iSpec would go on "
            "without molecules; unpack iSpec again"
        )
    for path in molecules:
        # iSpec takes the range from the name, and fails on another.
        if not re.fullmatch(r".*_\d+-\d+\.bsyn", path.name):
            raise UserError(f"{path}: expected a name that ends in _FIRST-LAST.bsyn, in nm; rename or remove the file")
    return Inputs(folder, atmospheres.parent, lines, abundances, isotopes, molecules)


def _chosen(folder: Path, file: str, key: str, name: str) -> Path:
    path = folder / name / file
    if "/" not in name and path.is_file():
        return path
    there = sorted(entry.parent.name for entry in folder.glob(f"*/{file}"))
    known = f"there are {', '.join(there)}" if there else "there is none; unpack iSpec again"
    raise UserError(f"synthesis.{key}: {name}: no {path.name} of that name in {folder}; {known}")


def solar_abundances(path: Path) -> dict[int, float]:
    """log10 N(X)/N(H) + 12 of iSpec's stdatom.dat: atomic number -> abundance. Raises UserError for another file."""
    try:
        rows = [row.split() for row in path.read_text(encoding="utf-8").splitlines()[1:] if row.strip()]
        solar = {int(row[0]): float(row[1]) + TO_HYDROGEN for row in rows if int(row[0]) <= 92}
    except (ValueError, IndexError):
        solar = {}
    if len(solar) != 92:
        raise UserError(f"{path}: expected a header, then rows of atomic number and abundance for 92 elements")
    return solar


def description(inputs: Inputs) -> dict[str, str]:
    """What of iSpec the spectra depend on, as attributes. Reads every list once, for its hash."""
    binaries = inputs.folder / "synthesizer" / "turbospectrum" / "bin"
    sources = sorted((inputs.folder / "ispec").rglob("*.py"))
    lines = sha256(inputs.line_list)
    molecules = _hash(f"{path.name} {sha256(path)}" for path in inputs.molecules)
    return {
        "engine": f"ispec {_commit(inputs.folder) or inputs.folder.name}",
        "ispec_sources": _hash(f"{path.relative_to(inputs.folder)} {sha256(path)}" for path in sources),
        "build": "iSpec's own Turbospectrum",
        "turbospectrum_hash": "-".join(sha256(binaries / name)[:16] for name in ("babsma_lu", "bsyn_lu")),
        "atmospheres": inputs.atmospheres.name,
        "atmospheres_hash": _grid_hash(inputs.atmospheres),
        "line_list": inputs.line_list.parent.name,
        "line_list_hash": f"{lines[:16]}-{molecules}",
        "line_list_sha256": lines,
        "isotopes_hash": sha256(inputs.isotopes)[:16],
        "solar_composition": inputs.abundances.parent.name,
        "solar_composition_hash": sha256(inputs.abundances)[:16],
    }


def _hash(rows) -> str:
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]


def _grid_hash(folder: Path) -> str:
    files = sorted(path for path in (folder / "grid").rglob("*") if path.is_file())
    models = (f"{path.relative_to(folder)} {sha256(path)}" for path in files)
    return _hash([sha256(folder / "parameters.tsv"), *models])


def _commit(folder: Path) -> str:
    """The commit of a git checkout; "" for a folder that is none."""
    if not (folder / ".git").exists() or shutil.which("git") is None:
        return ""
    command = ["git", "-C", str(folder), "rev-parse", "--short=10", "HEAD"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stdout.strip() if run.returncode == 0 else ""
