"""Tiny runs of the real stages, their page, and a real browser to open it in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tiny_runs import TinyRun, make_run, write_report


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """40 stars of seed 1, two of them failed."""
    return make_run(tmp_path_factory.mktemp("run"), 1, 40, failed=(3, 5))


@pytest.fixture(scope="session")
def second_run(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """16 stars of seed 2."""
    return make_run(tmp_path_factory.mktemp("run"), 2, 16)


@pytest.fixture(scope="session")
def report(tiny_run: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the tiny run, its figures in a folder beside it."""
    folder = tmp_path_factory.mktemp("report")
    write_report(*tiny_run.options(), "--figures-dir", folder / "figures", "--out", folder / "report.html")
    return folder / "report.html"


CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser():
    """This machine's own Chromium, without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (pip install '.[dev]')")
    found = next((path for path in map(shutil.which, CHROMIUMS) if path), None)
    if found is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        # No sandbox: inside a container it cannot be set up, and the page is our own.
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()
