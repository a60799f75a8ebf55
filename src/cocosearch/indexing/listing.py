"""Which files of a project are indexed: what git would list, less what is a secret, too large, or not a file of the project."""

import hashlib
import logging
import os
import re
import shutil
import stat
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from cocosearch.errors import IndexingError
from cocosearch.indexing.secrets import is_secret_name
from cocosearch.indexing.skips import MAX_PATH_BYTES, SkipReason
from cocosearch.projects import Project, git_root
from cocosearch.settings import Settings

__all__ = ["Listing", "SkipReason", "SourceFile", "list_files"]

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
_USERS_GIT_VARIABLES = frozenset({"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH"})
# No honest index names these; a forged one could point anywhere on the disk.
_FOREIGN_PARTS = frozenset({"", ".", "..", ".git"})


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
    if not os.access(root, os.R_OK | os.X_OK, effective_ids=True) or not root.is_dir():
        raise IndexingError(f"{root} is missing or cannot be read by this user. The existing index is kept.")
    if root.resolve() != root:
        raise IndexingError(
            f"{root} has become a symbolic link, or lies behind one. The existing index is kept; index {root.resolve()} instead."
        )
    include = GitIgnoreSpec.from_lines(project.config.include)
    exclude = GitIgnoreSpec.from_lines(project.config.exclude)
    prefix = root.relative_to(project.pattern_base).as_posix() + "/" if root != project.pattern_base else ""
    skipped: Counter[SkipReason] = Counter()
    files: list[SourceFile] = []
    real_directories: dict[str, bool] = {}
    for path in _candidates(root, skipped):
        configured = prefix + path
        found: SourceFile | SkipReason | None
        if is_secret_name(path):
            found = SkipReason.SECRET
        elif (project.config.include and not include.match_file(configured)) or exclude.match_file(configured):
            found = SkipReason.EXCLUDED
        elif not _is_utf8(path):
            found = SkipReason.BAD_NAME
        elif len(path.encode()) > MAX_PATH_BYTES:
            found = SkipReason.LONG_PATH
        elif not _in_real_directory(root, path, real_directories):
            found = SkipReason.SYMLINK
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
    except OSError:
        return SkipReason.UNREADABLE
    if not stat.S_ISREG(info.st_mode):
        return SkipReason.SYMLINK if stat.S_ISLNK(info.st_mode) else SkipReason.NOT_A_FILE
    if info.st_size == 0:
        return SkipReason.EMPTY
    if info.st_size > max_bytes:
        return SkipReason.TOO_LARGE
    return SourceFile(path, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino)


def _in_real_directory(root: Path, path: str, known: dict[str, bool]) -> bool:
    """False below a directory that is a link: git goes on listing what was tracked there before."""
    directory = path.rpartition("/")[0]
    if directory not in known:
        known[directory] = (root / directory).resolve() == root / directory
    return known[directory]


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
    yield from _walk(root, skipped)


def _git_files(root: Path) -> list[str] | None:
    """Tracked and untracked files below the root that are not ignored; None where git refuses.

    The project may be hostile: its configuration must not make git run a program (core.fsmonitor), nor may its owner matter
    (safe.directory), since only names are asked for.
    """
    command = ["git", "-C", str(root), "-c", "safe.directory=*", "-c", "core.fsmonitor=false"]
    command += ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    # Without GIT_DIR and the like: in a git hook they lead to the hook's repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _USERS_GIT_VARIABLES}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=GIT_TIMEOUT_SECONDS, env=environment)
    except subprocess.TimeoutExpired:
        raise IndexingError(f"git did not list the files of {root} in {GIT_TIMEOUT_SECONDS} s. Is its file system slow or gone?") from None
    if done.returncode != 0:
        log.warning("git cannot list %s, walking it instead: %s", root, done.stderr.decode("utf-8", "replace").strip())
        return None
    paths = (os.fsdecode(path) for path in done.stdout.split(b"\0") if path)
    return [path for path in paths if _FOREIGN_PARTS.isdisjoint(path.removesuffix("/").split("/"))]


def _with_submodules(root: Path, listed: list[str], skipped: Counter[SkipReason]) -> Iterator[str]:
    """Git names a submodule, and a repository inside the work tree, as one entry: list what is in it."""
    for path in listed:
        if _is_repository(root / path):
            inside = path.removesuffix("/")
            yield from (f"{inside}/{below}" for below in _candidates(root / path, skipped))
        else:
            yield path


def _is_repository(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode) and (path / ".git").exists()
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class _IgnoreRule:
    """One line of a `.gitignore`; pathspec translates it, but knows a path only together with those above it."""

    pattern: GitIgnoreSpecPattern
    directories_only: bool

    def matches(self, path: str, *, is_directory: bool) -> bool:
        if self.directories_only and not is_directory:
            return False
        found = self.pattern.match_file(path)
        return found is not None and found.match.lastgroup is None  # the group is a directory above, which was judged by itself


_Rules: TypeAlias = tuple[tuple[str, Sequence[_IgnoreRule]], ...]  # of each directory, outermost first


def _walk(root: Path, skipped: Counter[SkipReason]) -> Iterator[str]:
    """Files below a directory, honouring each `.gitignore`."""
    waiting: list[tuple[str, _Rules]] = [("", ())]
    while waiting:
        relative, rules = waiting.pop()
        try:
            entries = sorted(os.scandir(root / relative), key=lambda entry: entry.name)
        except OSError:
            skipped[SkipReason.UNREADABLE] += 1
            continue
        rules = (*rules, (relative, _read_ignore_file(root / relative / ".gitignore")))
        for entry in entries:
            path = f"{relative}/{entry.name}" if relative else entry.name
            is_directory = entry.is_dir(follow_symlinks=False)
            if _ignored(path, rules, is_directory=is_directory):
                continue
            if not is_directory:
                yield path
            elif entry.name not in _UNTRACKED_DIRECTORIES:
                waiting.append((path, rules))


def _read_ignore_file(path: Path) -> list[_IgnoreRule]:
    """The rules of a `.gitignore`, last one first; like git, without lines that mean nothing."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return []
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return []
    rules = []
    for line in text.split("\n"):
        stripped = line.removesuffix("\r")
        stripped = stripped if stripped.endswith("\\ ") else stripped.rstrip(" ")
        try:
            pattern = GitIgnoreSpecPattern(stripped.removesuffix("/"))
        except (ValueError, re.error):
            log.debug("%s: '%s' is not a pattern", path, line)
        else:
            if pattern.include is not None:
                rules.append(_IgnoreRule(pattern, stripped.endswith("/")))
    return rules[::-1]


def _ignored(path: str, rules: _Rules, *, is_directory: bool) -> bool:
    """The innermost `.gitignore` that says anything about a path decides, and in it the last line (gitignore(5))."""
    for directory, lines in reversed(rules):
        below = path[len(directory) + 1 :] if directory else path
        for rule in lines:
            if rule.matches(below, is_directory=is_directory):
                return bool(rule.pattern.include)
    return False
