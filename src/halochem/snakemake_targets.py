"""`snakemake --configfile FILE TARGET`, as one types it.

Snakemake's --configfile takes every word that follows for a further file of settings, a target too, and then stops at
"Config file results/tables/halo-42.parquet not found". profiles/default/profile.yaml, which Snakemake reads by itself
in this repository and nowhere else, calls `free_targets`.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SETTINGS_SUFFIXES = (".yaml", ".yml", ".json")


def divide(words: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """The words behind --configfile: files of settings, and from the first word that cannot be one, targets.

    The first word is a file of settings whatever its name. A target is a rule, or a product; of the products some
    are JSON, hence the second test.
    """
    words = list(words)
    for place, word in enumerate(words[1:], start=1):
        if word.suffix not in SETTINGS_SUFFIXES or word.parts[0] == "results":
            return words[:place], [str(target) for target in words[place:]]
    return words, []


def free_targets() -> None:
    """Make the `snakemake` that runs in this process give targets behind --configfile back; twice is as once.

    Where a later Snakemake has no such function, its own behaviour stays.
    """
    from snakemake import cli

    original = getattr(cli, "args_to_api", None)
    if original is None or hasattr(original, "frees_targets"):
        return

    @functools.wraps(original)
    def args_to_api(args: Any, parser: Any) -> Any:
        args.configfile, targets = divide(args.configfile)
        for path in args.configfile:
            if not path.is_file():
                sys.exit(f"halochem: {path}: no such file of settings (--configfile)")
        # None of them twice, in the order given.
        args.targets = list(dict.fromkeys([*targets, *args.targets]))
        return original(args, parser)

    args_to_api.frees_targets = True  # type: ignore[attr-defined]
    cli.args_to_api = args_to_api
