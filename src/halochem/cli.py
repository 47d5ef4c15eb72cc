"""The `halochem` command: one sub-command a stage, nothing else.

A stage's options and work are in `halochem.<stage>.command`: `SUMMARY`, `add_arguments(parser)`, `run(args)`.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import logging
import os
import sys

from halochem import __version__
from halochem.errors import UserError

STAGES = ("sample", "synthesize", "observe", "train", "encode", "evaluate", "report", "doctor")
# Commands beside the pipeline: name -> package
TOOLS = {"emulator": "synthesize.emulator", "ingest": "ingest", "verify": "verify", "export": "export"}


def build_parser() -> argparse.ArgumentParser:
    """The parser of all stages."""
    parser = argparse.ArgumentParser(
        prog="halochem", description="Stellar spectroscopy from synthesis to catalog, one command a stage."
    )
    parser.add_argument("--version", action="version", version=f"halochem {__version__}")
    commands = parser.add_subparsers(dest="stage", metavar="STAGE", required=True)
    for stage in (*STAGES, *TOOLS):
        module = importlib.import_module(f"halochem.{TOOLS.get(stage, stage)}.command")
        command = commands.add_parser(stage, help=module.SUMMARY, description=module.__doc__)
        command.formatter_class = argparse.RawDescriptionHelpFormatter
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one stage. Returns 0, 2 after one line on what is wrong with the input, or what the stage itself returns."""
    arguments = build_parser().parse_args(argv)
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(message)s",
        datefmt="%H:%M:%S",
        force=True,
    )
    try:
        status = arguments.run(arguments)
    except UserError as error:
        print(f"halochem {arguments.stage}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        # As in whole_file.py, which is not imported here: no stage should wait for the packages of another.
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        words = f"{error.filename or 'a file'}: cannot be written ({os.strerror(error.errno)})"
        print(f"halochem {arguments.stage}: {words}; make room and run it again", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"halochem {arguments.stage}: interrupted; run it again to go on", file=sys.stderr)
        return 130
    return status or 0


if __name__ == "__main__":
    sys.exit(main())
