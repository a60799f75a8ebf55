"""A repository for each test that asks for one."""

from pathlib import Path

import pytest
from tests.unit.indexing.sources.listings import git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q")
    return root
