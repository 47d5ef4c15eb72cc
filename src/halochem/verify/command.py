"""Verify a folder of results: checksums, row counts, ranges, and whether the files of a catalog agree.

Every file is held to the size and SHA-256 in MANIFEST.json, every value of the tables to the range that its column
is defined with, and labels, catalog, table and evaluation to each other. One line a fault; exits with 0 when there is
none, with 1 otherwise. `--write` makes MANIFEST.json of what is there, provided that nothing else is wrong.
"""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "verify a folder of results, or write its manifest"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `halochem verify`."""
    parser.add_argument("folder", type=Path, nargs="?", default=Path("results"), help="default: results")
    parser.add_argument("--write", action="store_true", help="write MANIFEST.json (of the products, not their logs)")
    parser.add_argument("--config", type=Path, help="with --write: the configuration that made the results")
    parser.add_argument(
        "--inputs",
        type=Path,
        nargs="*",
        default=[],
        help="with --write: files that went in, beside those that the configuration names and the engine's",
    )


def run(args: argparse.Namespace) -> int:
    """Print every fault and, at the end, how many there are. Returns 0 without a fault, else 1."""
    from halochem.errors import UserError
    from halochem.verify import check, products

    if not args.folder.is_dir():
        raise UserError(f"{args.folder}: no such folder; expected one of results, as a run leaves it")
    if args.write:
        findings = check.Findings(args.folder)
        found = products.find(args.folder)
        findings.n_products = len(found)
        check.check_content(findings, found)
        if not findings.faults:
            _write(args)
    else:
        findings = check.verify(args.folder)
    for line in (*findings.lines(), *(f"note: {note}" for note in findings.notes)):
        print(line)
    count = sum(map(len, findings.faults.values()))
    words = "no fault" if count == 0 else f"{count} fault{'s' if count > 1 else ''}"
    print(f"{args.folder}: {findings.n_products} products, {words}")
    return 0 if count == 0 else 1


def _write(args: argparse.Namespace) -> None:
    from halochem import config
    from halochem.errors import UserError
    from halochem.verify import manifest

    for path in args.inputs:
        if not path.is_file():
            raise UserError(f"--inputs {path}: no such file")
    settings = config.load(args.config or _settings_beside(args.folder))
    inputs = dict.fromkeys([*manifest.inputs_of(settings), *args.inputs])
    manifest.write(manifest.build(args.folder, settings, inputs), args.folder / manifest.MANIFEST)


def _settings_beside(folder: Path) -> Path:
    """The settings that a run of the workflow leaves in its results."""
    from halochem.errors import UserError

    path = folder / "config.yaml"
    if not path.is_file():
        raise UserError(f"{path}: no such file; name the configuration that made the results with --config")
    return path
