"""Every link between pages leads somewhere, every heading it names is there, and every page can be reached."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from docs_pages import ROOT, pages

LINK = re.compile(r"\]\((?!https?://|mailto:)([^)\s]+)\)")
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


def text_of(page: Path) -> str:
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the page's headings."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), flags=re.MULTILINE)
    return {"".join(filter(_kept, heading.lower())).replace(" ", "-") for heading in headings}


def _kept(letter: str) -> bool:
    category = unicodedata.category(letter)
    return letter in "- " or category[0] in "LM" or category in ("Nd", "Pc")


def links(page: Path) -> list[tuple[Path, str]]:
    """(file, anchor) of each link of a page to something in the repository."""
    found = []
    for target in LINK.findall(text_of(page)):
        name, _, anchor = target.partition("#")
        found.append(((page.parent / name).resolve() if name else page, anchor))
    return found


@pytest.mark.parametrize("page", pages(), ids=str)
def test_links(page):
    for target, anchor in links(ROOT / page):
        assert target.exists(), f"{page}: {target} is not there"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{page}: {target.name} has no heading #{anchor}"


def test_every_page_can_be_reached_from_the_readme():
    reached, ahead = set(), [(ROOT / "README.md").resolve()]
    while ahead:
        page = ahead.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            ahead += [target for target, _ in links(page) if target.is_file()]
    missing = [str(page) for page in pages() if (ROOT / page).resolve() not in reached]
    assert not missing


def test_every_stage_is_in_the_readme():
    """A newcomer finds a stage's command, rule, package, tests and page in one table."""
    from halochem import cli

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line for line in readme.splitlines() if line.startswith("| ")]
    for stage in (*cli.STAGES, *cli.TOOLS):
        (row,) = [row for row in rows if f"| `halochem {stage}`" in row]
        package = cli.TOOLS.get(stage, stage).replace(".", "/")
        assert f"(src/halochem/{package}/)" in row
        assert "(tests/" in row
        assert "(docs/" in row


def test_picture_of_the_readme_is_small():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (picture,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", readme)
    assert (ROOT / picture).stat().st_size < 300_000
