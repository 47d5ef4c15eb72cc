"""Say what of halochem's needs is on this machine, what is missing and how to get it, one line each.

[ok] is here, [--] is missing but optional, [!!] is missing and needed. Exits with 0 when `make run` has all
that it needs, with 2 otherwise. Run it in the repository's root.
"""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "say what is here, what is missing and how to get it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `halochem doctor`."""
    parser.add_argument("--config", type=Path, help="configuration (default: the published run)")


def run(args: argparse.Namespace) -> None:
    """Print every finding; raises UserError when something needed is missing."""
    from halochem import config as configuration
    from halochem.doctor import checks
    from halochem.errors import UserError

    findings = checks.examine(configuration.load(args.config), Path.cwd())
    for finding in findings:
        print(finding)
    missing = [finding.subject for finding in findings if finding.mark == checks.NEEDED]
    if missing:
        raise UserError(f"needed and missing: {', '.join(missing)}; see the lines marked {checks.NEEDED} above")
