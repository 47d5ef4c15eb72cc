"""The blocks of README.md and docs/: which there are, and what their pages say of how they are tested.

A fenced block of bash or python, or of commands that does not say so, is run as it stands, in the order of its page.
Above a block that cannot be run so stands one of

    <!-- test: dry run; REASON -->             snakemake and make get -n: they plan, and do nothing
    <!-- test: dry run of make test; REASON -->    the same for commands that begin so; others run
    <!-- test: needs NAME; REASON -->          run where NAME is at hand (docs_workspace.NEEDS), else skipped
    <!-- test: not run; REASON -->             never run: the reason is what the test's report says

A block of yaml whose first line is a comment `# NAME.yaml` is written to that file first; every yaml block is a
configuration and must be a valid one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*) *$")
MARKER = re.compile(r"^ *<!-- test: (?P<way>dry run|needs|not run)(?: (?P<what>[^;]+))?; (?P<reason>.+?) -->$")
# In a block without a language a line that begins so is a command.
COMMAND = re.compile(r"^(\$ )?(halochem|snakemake|make|python3?|pip|pytest|source|git|export|for|sbatch|conda|apt) ")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: Path  # relative to the root
    line: int  # of the fence, from 1
    language: str
    text: str
    way: str = ""  # "", "dry run", "needs", "not run"
    what: str = ""
    reason: str = ""

    @property
    def name(self) -> str:
        """Where it is: page:line."""
        return f"{self.page}:{self.line}"

    @property
    def is_command(self) -> bool:
        """Whether it has something to run, whatever it calls itself."""
        if self.language in ("bash", "python", "sh", "shell", "console"):
            return True
        return not self.language and any(COMMAND.match(line) for line in self.text.splitlines())


def pages() -> list[Path]:
    """README.md and every page of docs/, relative to the root."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path.relative_to(ROOT) for path in found]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order. ValueError for a fence that does not end or a marker of no known form."""
    return parse((ROOT / page).read_text(encoding="utf-8"), page)


def parse(source: str, page: Path) -> list[Block]:
    """The fenced blocks of the text of a page."""
    lines = source.splitlines()
    found, place = [], 0
    while place < len(lines):
        fence = FENCE.match(lines[place])
        if fence is None:
            place += 1
            continue
        indent = fence["indent"]
        end = next((k for k in range(place + 1, len(lines)) if lines[k] == f"{indent}```"), None)
        if end is None:
            raise ValueError(f"{page}:{place + 1}: a fence that does not end")
        text = "\n".join(line.removeprefix(indent) for line in lines[place + 1 : end]) + "\n"
        found.append(Block(page, place + 1, fence["language"], text, *_marker(lines, place, page)))
        place = end + 1
    return found


def hidden_commands(source: str) -> list[int]:
    """Lines, from 1, of commands in code that is indented and not fenced, which nothing would run."""
    found, fenced = [], False
    for number, line in enumerate(source.splitlines(), start=1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced and line.startswith("    ") and COMMAND.match(line.strip()):
            found.append(number)
    return found


def _marker(lines: list[str], fence: int, page: Path) -> tuple[str, str, str]:
    above = next((lines[k] for k in range(fence - 1, -1, -1) if lines[k].strip()), "")
    if "<!-- test" not in above:
        return "", "", ""
    match = MARKER.match(above)
    if match is None:
        raise ValueError(f"{page}:{fence}: a marker of no known form: {above.strip()}")
    return match["way"], match["what"] or "", match["reason"]
