"""What is listed is what git lists, on trees made by chance.

FUZZ_ROUNDS=5000 FUZZ_SEED=1 makes a long run of it.
"""

import os
from pathlib import Path

import pytest
from tests.unit.indexing.sources.trees import TreeMaker, listed_by_git

from cocosearch.errors import IndexingError
from cocosearch.indexing.sources.listing import list_files
from cocosearch.projects import load_project
from cocosearch.settings import Settings

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "40"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))


def ours(root: Path) -> set[str]:
    try:
        return {file.path for file in list_files(load_project(root, "tree"), Settings()).files}
    except IndexingError as error:
        if "is ignored by the git repository" not in str(error):
            raise
        return set()


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_a_tree_is_listed_as_git_lists_it(tmp_path: Path, seed: int) -> None:
    maker = TreeMaker(seed)
    root = tmp_path / "root"
    maker.make(root)
    assert ours(root) == listed_by_git(root)
    below = [path for path in root.iterdir() if path.is_dir() and not path.is_symlink() and path.name != ".git"]
    for directory in below:
        if not (directory / ".git").exists():
            assert ours(directory) == listed_by_git(directory)
