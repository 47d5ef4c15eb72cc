"""Fixtures of the workflow's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from workflow_project import Project, copy_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh copy of the workflow."""
    return copy_project(tmp_path / "project")
