"""Trees and repositories to list, and their listings."""

import os
import subprocess
from pathlib import Path

from cocosearch.indexing.sources.listing import Listing, list_files
from cocosearch.projects import load_project
from cocosearch.settings import Settings

SETTINGS = Settings(max_file_bytes=2048)


def git(directory: Path, *arguments: str, stdin: bytes | None = None) -> bytes:
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    environment = {**os.environ, **identity, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(["git", "-C", str(directory), *arguments], capture_output=True, check=True, env=environment, input=stdin)
    return done.stdout


def write(root: Path, *paths: str, text: str = "text\n") -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def listing(root: Path, settings: Settings = SETTINGS) -> Listing:
    return list_files(load_project(root), settings)


def paths(root: Path) -> list[str]:
    return [file.path for file in listing(root).files]
