"""Every command of README.md and docs/, run in a small copy of the repository; what is not run says why."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import docs_workspace
import pytest
from docs_pages import Block, blocks, hidden_commands, pages, parse

from halochem import cli, config

ALL = [block for page in pages() for block in blocks(page)]
COMMANDS = [block for block in ALL if block.is_command]


class Run:
    """The blocks of each page run in their order, each once; python blocks of a page share their names."""

    def __init__(self, workspace: docs_workspace.Workspace):
        self.workspace = workspace
        self.names: dict[Path, dict] = {}
        self.outcome: dict[str, BaseException | None] = {}
        self.planned: set[tuple[str, ...]] = set()

    def reach(self, block: Block) -> None:
        """Run `block` after those before it on its page. Raises what it raises, skips where it is not to be run."""
        for earlier in (other for other in ALL if other.page == block.page and other.line <= block.line):
            if earlier.name not in self.outcome:
                self.outcome[earlier.name] = self._outcome(earlier)
        error = self.outcome[block.name]
        if error is not None:
            raise error

    def _outcome(self, block: Block) -> BaseException | None:
        try:
            self._run(block)
        except (Exception, pytest.skip.Exception, SystemExit) as error:
            return error
        return None

    def _run(self, block: Block) -> None:
        if block.language == "yaml":
            first = block.text.splitlines()[0]
            if first.startswith("# ") and first.endswith(".yaml"):
                (self.workspace.folder / first.removeprefix("# ")).write_text(block.text, encoding="utf-8")
        if not block.is_command:
            return
        if block.way == "not run":
            pytest.skip(f"{block.name}: {block.reason}")
        if block.way == "needs" and not docs_workspace.NEEDS[block.what]():
            pytest.skip(f"{block.name}: no {block.what}; {block.reason}")
        if block.language == "python":
            self._python(block)
        elif block.way == "dry run" and not block.what:
            self._plan(block)
        else:
            dry = block.what.removeprefix("of ") if block.way == "dry run" else None
            print(self.workspace.bash(block.text, dry))

    def _plan(self, block: Block) -> None:
        """Plan each command of a block; what another page has had planned already would give the same."""
        for command in block.text.replace("\\\n", " ").splitlines():
            words = tuple(shlex.split(command, comments=True))
            if words and words not in self.planned:
                print(self.workspace.bash(command, ""))
                self.planned.add(words)

    def _python(self, block: Block) -> None:
        # Lines keep their numbers, so that a traceback points into the page.
        code = compile("\n" * block.line + block.text, str(block.page), "exec")
        with _in(self.workspace.folder):
            exec(code, self.names.setdefault(block.page, {"__name__": "__main__"}))


@contextlib.contextmanager
def _in(folder: Path) -> Iterator[None]:
    import matplotlib

    before, backend = Path.cwd(), matplotlib.get_backend()
    matplotlib.use("agg")
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        matplotlib.use(backend)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, engine_json: Path) -> Run:
    """The workspace with the results that the pages begin from: those of `make run`."""
    found = Run(docs_workspace.make(tmp_path_factory.mktemp("docs") / "halochem"))
    found.workspace.bash("make run")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("block", COMMANDS, ids=lambda block: block.name)
def test_command(run, block):
    run.reach(block)


@pytest.mark.parametrize("block", COMMANDS, ids=lambda block: block.name)
def test_command_is_declared(block):
    assert block.language in ("", "bash", "python"), f"{block.name}: commands in a block of {block.language}"
    if block.way == "needs":
        assert block.what in docs_workspace.NEEDS
    if block.way == "dry run":
        assert any(word in block.text for word in ("snakemake", "make")), f"{block.name}: nothing in it can be planned"
    if block.way == "not run":
        assert not block.what


@pytest.mark.parametrize("page", pages(), ids=str)
def test_no_command_is_outside_a_fence(page):
    assert hidden_commands((docs_workspace.ROOT / page).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("block", [block for block in ALL if block.language == "yaml"], ids=lambda block: block.name)
def test_yaml_is_a_configuration(block, tmp_path):
    (tmp_path / "page.yaml").write_text(block.text, encoding="utf-8")
    config.load(tmp_path / "page.yaml")


# Of another Makefile: iSpec's.
FOREIGN = {"make turbospectrum"}


def _inline(page: Path) -> list[str]:
    """Commands in running text: `halochem …` and `make …` between single backquotes."""
    text = re.sub(r"^ *```.*?^ *```$", "", (docs_workspace.ROOT / page).read_text(encoding="utf-8"), flags=re.M | re.S)
    found = re.findall(r"(?<!`)`((?:halochem|make) [^`]+)`(?!`)", text)
    return [command for command in (" ".join(words.split()) for words in found) if command not in FOREIGN]


@pytest.mark.parametrize("page", pages(), ids=str)
def test_commands_in_running_text_exist(page):
    """Their stage, their options and their targets are known; FILE and the like stand for something, so none runs."""
    makefile = (docs_workspace.ROOT / "Makefile").read_text(encoding="utf-8")
    stages = cli.build_parser()._subparsers._group_actions[0].choices
    for command in _inline(page):
        program, *words = shlex.split(command)
        if program == "make":
            targets = [word for word in words if "=" not in word and not word.startswith("-")]
            assert all(f"\n{target}:" in makefile for target in targets), f"{page}: {command}"
            continue
        stage = words[0]
        if stage.startswith("--") or stage.isupper():
            continue
        assert stage in stages, f"{page}: {command}: no such stage"
        known = stages[stage].format_help()
        if stage == "emulator" and len(words) > 1 and not words[1].startswith("-"):
            known = stages[stage]._subparsers._group_actions[0].choices[words[1]].format_help()
        for word in words:
            if word.startswith("--"):
                assert word.partition("=")[0] in known, f"{page}: {command}: no option {word}"


def test_marker_and_fences():
    page = Path("page.md")
    source = "<!-- test: dry run of make test; it is one -->\n\n```bash\nmake test\n```\n\n```\nplain\n```\n"
    first, second = parse(source, page)
    assert (first.way, first.what, first.reason, first.is_command) == ("dry run", "of make test", "it is one", True)
    assert (second.way, second.is_command) == ("", False)
    assert parse("```\nhalochem doctor\n```\n", page)[0].is_command
    assert parse("1. a\n\n   ```bash\n   echo a\n     b\n   ```\n", page)[0].text == "echo a\n  b\n"
    assert hidden_commands("a\n\n    make run\n\n```bash\n    make run\n```\n") == [3]
    with pytest.raises(ValueError, match=r"page.md:2: a marker of no known form"):
        parse("\n<!-- test: not run -->\n```bash\nfalse\n```\n", page)
    with pytest.raises(ValueError, match="does not end"):
        parse("```bash\n", page)


def test_a_failing_block_fails(tmp_path):
    workspace = docs_workspace.Workspace(tmp_path)
    with pytest.raises(AssertionError, match="exit status 3"):
        workspace.bash("(exit 3) | cat\necho not reached\n")
    failing = Run(workspace)
    with pytest.raises(ZeroDivisionError):
        failing._python(parse("```python\n1 / 0\n```\n", Path("page.md"))[0])
