"""Which files of a project are indexed: what git would list, less what is a secret, too large, or not a file of the project."""

import hashlib
import logging
import os
import shutil
import stat
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pathspec import GitIgnoreSpec

from cocosearch.errors import IndexingError
from cocosearch.indexing.secrets import is_secret_name
from cocosearch.projects import Project, git_root
from cocosearch.settings import Settings

log = logging.getLogger(__name__)

GIT_TIMEOUT_SECONDS = 120
# Where git does not say what belongs to the project, these never do.
_UNTRACKED_DIRECTORIES = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".jj",
        "node_modules",
        "__pycache__",
        ".venv",
        "venv",
        ".tox",
        ".nox",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
    }
)


class SkipReason(StrEnum):
    """Why a file is not in the index."""

    SECRET = "secret"  # noqa: S105 - the name of a reason
    TOO_LARGE = "too large"
    EMPTY = "empty"
    BINARY = "binary"
    SYMLINK = "symbolic link"
    NOT_A_FILE = "not a regular file"
    UNREADABLE = "unreadable"
    BAD_NAME = "name is not UTF-8"
    EXCLUDED = "excluded by cocosearch.yaml"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to index. The stamp changes when the content may have changed (as in git's index: size, times, inode)."""

    path: str  # relative to the project's root, with '/'
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a project at one moment, sorted by path, and how many others were skipped for which reason."""

    files: tuple[SourceFile, ...]
    skipped: dict[SkipReason, int]

    def digest(self) -> bytes:
        """Changes with any file's path or stamp."""
        state = hashlib.sha256()
        for file in self.files:
            state.update(f"{file.path}\0{file.size}\0{file.mtime_ns}\0{file.ctime_ns}\0{file.inode}\n".encode("utf-8", "surrogateescape"))
        return state.digest()


def list_files(project: Project, settings: Settings) -> Listing:
    """List a project's files.

    Raises:
        IndexingError: the root is gone or unreadable, or there are too many files. An error, not an empty listing: an empty listing would
            delete the index.
    """
    root = project.root
    if not os.access(root, os.R_OK | os.X_OK) or not root.is_dir():
        raise IndexingError(f"{root} is missing or cannot be read by this user. The existing index is kept.")
    include = GitIgnoreSpec.from_lines(project.config.include)
    exclude = GitIgnoreSpec.from_lines(project.config.exclude)
    prefix = root.relative_to(project.pattern_base).as_posix() + "/" if root != project.pattern_base else ""
    skipped: Counter[SkipReason] = Counter()
    files: list[SourceFile] = []
    for path in _candidates(root, skipped):
        configured = prefix + path
        found: SourceFile | SkipReason | None
        if is_secret_name(path):
            found = SkipReason.SECRET
        elif (project.config.include and not include.match_file(configured)) or exclude.match_file(configured):
            found = SkipReason.EXCLUDED
        elif not _is_utf8(path):
            found = SkipReason.BAD_NAME
        else:
            found = _inspect(root, path, settings.max_file_bytes)
        if isinstance(found, SkipReason):
            skipped[found] += 1
        elif found is not None:
            files.append(found)
        if len(files) > settings.max_project_files:
            raise IndexingError(
                f"{root} has more than {settings.max_project_files} files. Exclude some in cocosearch.yaml, "
                "or raise COCOSEARCH_MAX_PROJECT_FILES."
            )
    files.sort(key=lambda file: file.path)
    return Listing(tuple(files), dict(skipped))


def _inspect(root: Path, path: str, max_bytes: int) -> SourceFile | SkipReason | None:
    """The file's stamp, or why it is skipped; None if it vanished since it was listed (git lists deleted files too)."""
    try:
        info = os.lstat(root / path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        return SkipReason.UNREADABLE
    if not stat.S_ISREG(info.st_mode):
        return SkipReason.SYMLINK if stat.S_ISLNK(info.st_mode) else SkipReason.NOT_A_FILE
    if info.st_size == 0:
        return SkipReason.EMPTY
    if info.st_size > max_bytes:
        return SkipReason.TOO_LARGE
    return SourceFile(path, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino)


def _is_utf8(path: str) -> bool:
    """False for a name that Python could only decode by surrogates: the database takes none."""
    return not any("\ud800" <= character <= "\udfff" for character in path)


def _candidates(root: Path, skipped: Counter[SkipReason]) -> Iterator[str]:
    """Paths that git would list, else those of a walk that honours `.gitignore`."""
    if git_root(root) is not None and shutil.which("git"):
        listed = _git_files(root)
        if listed is not None:
            yield from _with_submodules(root, listed, skipped)
            return
    yield from _walk(root, "", (), skipped)


def _git_files(root: Path) -> list[str] | None:
    """Tracked and untracked files below the root that are not ignored; None where git refuses.

    The project may be hostile: its configuration must not make git run a program (core.fsmonitor), nor may its owner matter
    (safe.directory), since only names are asked for.
    """
    command = ["git", "-C", str(root), "-c", "safe.directory=*", "-c", "core.fsmonitor=false"]
    command += ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=GIT_TIMEOUT_SECONDS, env=environment)
    except subprocess.TimeoutExpired:
        raise IndexingError(f"git did not list the files of {root} in {GIT_TIMEOUT_SECONDS} s. Is its file system slow or gone?") from None
    if done.returncode != 0:
        log.warning("git cannot list %s, walking it instead: %s", root, done.stderr.decode("utf-8", "replace").strip())
        return None
    return [os.fsdecode(path) for path in done.stdout.split(b"\0") if path]


def _with_submodules(root: Path, listed: list[str], skipped: Counter[SkipReason]) -> Iterator[str]:
    """Git names a submodule, and a repository inside the work tree, as one entry: list what is in it."""
    for path in listed:
        directory = root / path
        if (path.endswith("/") or directory.is_dir()) and not directory.is_symlink() and (directory / ".git").exists():
            inside = path.rstrip("/")
            yield from (f"{inside}/{below}" for below in _candidates(directory, skipped))
        else:
            yield path


def _walk(root: Path, relative: str, specs: tuple[tuple[str, GitIgnoreSpec], ...], skipped: Counter[SkipReason]) -> Iterator[str]:
    """Walk a directory; `specs` are the `.gitignore` files above, outermost first, each with the directory that it lies in."""
    try:
        entries = sorted(os.scandir(root / relative), key=lambda entry: entry.name)
    except (PermissionError, FileNotFoundError, NotADirectoryError):
        skipped[SkipReason.UNREADABLE] += 1
        return
    ignore_file = root / relative / ".gitignore"
    if ignore_file.is_file() and not ignore_file.is_symlink():
        lines = ignore_file.read_text(encoding="utf-8", errors="replace").splitlines()
        specs = (*specs, (relative, GitIgnoreSpec.from_lines(lines)))
    for entry in entries:
        path = f"{relative}/{entry.name}" if relative else entry.name
        is_directory = entry.is_dir(follow_symlinks=False)
        if _ignored(path + "/" if is_directory else path, specs):
            continue
        if not is_directory:
            yield path
        elif entry.name not in _UNTRACKED_DIRECTORIES:
            yield from _walk(root, path, specs, skipped)


def _ignored(path: str, specs: tuple[tuple[str, GitIgnoreSpec], ...]) -> bool:
    """The innermost `.gitignore` that says anything about a path decides (gitignore(5))."""
    for directory, spec in reversed(specs):
        verdict = spec.check_file(path[len(directory) + 1 :] if directory else path).include
        if verdict is not None:
            return verdict
    return False
