"""Progress in a log: plain lines, not too many, and the items as they were."""

from __future__ import annotations

import logging
import sys

import pytest

from halochem import progress


@pytest.fixture(autouse=True)
def in_a_log(monkeypatch, caplog):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    caplog.set_level(logging.INFO, "halochem")


def test_items_pass_and_the_last_is_said(caplog):
    assert list(progress.track(iter("abc"), 3, "stars")) == ["a", "b", "c"]
    assert [record.getMessage() for record in caplog.records] == ["stars: 3 of 3, 0 s"]


def test_a_line_now_and_then(caplog):
    list(progress.track(range(5), 5, "stars", every_seconds=0.0))
    assert [record.getMessage().split(",")[0] for record in caplog.records] == [f"stars: {k} of 5" for k in range(1, 6)]


def test_nothing_is_said_before_it_is_done(caplog):
    items = progress.track(range(3), 3, "stars", every_seconds=0.0)
    next(items)
    assert not caplog.records
