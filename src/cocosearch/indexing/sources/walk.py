"""Walk a project's directory: what `git ls-files --cached --others --exclude-standard` would list, without git."""

import errno
import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from cocosearch.errors import IndexingError
from cocosearch.files.beneath import MAX_PATH_BYTES, directory, open_directory
from cocosearch.files.git_places import GIT, GIT_OWN_NAMES, enclosing_places, is_git_name, looks_bare
from cocosearch.files.ignore_patterns import DIRECTORY_MARK
from cocosearch.indexing.sources.git_index import Tracked, TrackedKind
from cocosearch.indexing.sources.ignoring import GITIGNORE, Layers, from_above, is_ignored, view, with_file, within
from cocosearch.indexing.sources.skips import SkipReason
from cocosearch.indexing.sources.types import Notes
from cocosearch.indexing.sources.work_trees import NO_WORK_TREE, LinkedWorkTree, WorkTree, find_work_tree

MAX_SECONDS = 120
# Where git does not say what belongs to the project, these never do.
_UNTRACKED_DIRECTORIES = frozenset(
    {
        *(".git", ".hg", ".svn", ".jj", "node_modules", "__pycache__", ".venv", "venv", ".tox", ".nox", ".mypy_cache", ".ruff_cache"),
        ".pytest_cache",
    }
)
_ENTRIES_BETWEEN_LOOKS_AT_THE_CLOCK = 512

# A path, and what looks at the file there; to be called before the next one is asked for.
Candidate: TypeAlias = tuple[str, Callable[[], os.stat_result]]


@dataclass(frozen=True, slots=True)
class _Directory:
    """A directory to be walked, and what is known of it from above."""

    path: str  # below the project's root, "" for the root itself
    layers: Layers  # the rules of all ignore files above it
    tracked: Tracked | None  # None: nothing in it is tracked
    work_tree: WorkTree | None
    tracked_only: bool = False  # ignored: what is tracked in it belongs to the project nevertheless
    is_top: bool = False  # of the work tree, whose ignore rules begin here
    is_submodule: bool = False  # has an entry of its own in the index around


def walk(root: Path, base: int, skipped: Counter[SkipReason], notes: Notes) -> Iterator[Candidate]:
    """The files of a project, and whatever else has a name there but directories.

    Args:
        root: of the project.
        base: a descriptor of the root; only what lies below it is opened, but git's records of the work tree that the root is a part of.
        skipped: counts what is left out here, and why.
        notes: take up what could not be honoured.

    Raises:
        IndexingError: the root is ignored by the repository around it, or the walk takes longer than MAX_SECONDS.
    """
    yield from _Walk(str(root), base, skipped, notes).run(_start(root, notes))


def _start(root: Path, notes: Notes) -> _Directory:
    """The root, as its work tree has it."""
    for place in enclosing_places(root):
        with directory(place) as base:
            found = find_work_tree(base, str(place), None, notes)
            if isinstance(found, WorkTree):
                return _in_work_tree(root, place, base, found, notes)
            try:
                if stat.S_ISREG(os.stat(GIT, dir_fd=base, follow_symlinks=False).st_mode):
                    break  # a `.git` file that leads nowhere hides the repositories above, as from git
            except OSError:
                pass
    return _Directory("", (), None, None)


def _in_work_tree(root: Path, top: Path, base: int, work_tree: WorkTree, notes: Notes) -> _Directory:
    """The root, with the rules between the work tree's top and it."""
    layers = work_tree.excludes
    tracked: Tracked | TrackedKind | None = work_tree.tracked
    ignored = False
    at = ""
    for name in root.relative_to(top).parts:
        layers = with_file(layers, base, f"{at}{GITIGNORE}", f"{top}/{at}{GITIGNORE}", notes)
        ignored = ignored or is_ignored(view(layers, b""), os.fsencode(name) + DIRECTORY_MARK)
        layers = from_above(layers, os.fsencode(name))
        tracked = tracked.get(name) if isinstance(tracked, dict) else None
        at = f"{at}{name}/"
    inside = tracked if isinstance(tracked, dict) else None
    if ignored and inside is None:
        raise IndexingError(
            f"{root} is ignored by the git repository {top}, and git tracks no file in it. The existing index is kept; "
            f"change the ignore rules, or index a directory outside of that repository."
        )
    return _Directory("", layers, inside, work_tree, tracked_only=ignored, is_top=not at)


class _Walk:
    def __init__(self, root: str, base: int, skipped: Counter[SkipReason], notes: Notes) -> None:
        self._root = root
        self._base = base
        self._skipped = skipped
        self._notes = notes
        self._deadline = time.monotonic() + MAX_SECONDS
        self._seen = 0
        self._waiting: list[_Directory] = []

    def run(self, start: _Directory) -> Iterator[Candidate]:
        self._waiting.append(start)
        while self._waiting:
            at = self._waiting.pop()
            self._look_at_the_clock()
            if len(at.path) * 4 > MAX_PATH_BYTES and len(os.fsencode(at.path)) > MAX_PATH_BYTES:
                self._skipped[SkipReason.PATH_TOO_LONG] += 1
                continue
            try:
                descriptor = open_directory(self._base, at.path)
            except OSError as error:
                self._count_unopened(error)
                continue
            try:
                yield from self._in_directory(at, descriptor)
            finally:
                os.close(descriptor)

    def _count_unopened(self, error: OSError) -> None:
        if error.errno == errno.ELOOP:
            self._skipped[SkipReason.SYMLINK] += 1
        elif error.errno not in {errno.ENOENT, errno.ENOTDIR}:  # those were removed since they were seen
            self._skipped[SkipReason.UNREADABLE] += 1

    def _in_directory(self, at: _Directory, descriptor: int) -> Iterator[Candidate]:
        resolved = self._with_own_repository(at, descriptor)
        if resolved is None:
            return
        at = resolved
        own_names: frozenset[str] = frozenset()
        if looks_bare(descriptor, ""):
            if at.path and at.tracked is None and not at.is_top:
                self._skipped[SkipReason.GIT_OWN] += 1
                return
            own_names = GIT_OWN_NAMES  # somebody's files that merely look so: all but what git itself would have there
        if at.tracked_only:
            yield from self._tracked(at, descriptor, own_names)
            return
        prefix = f"{at.path}/" if at.path else ""
        layers = with_file(at.layers, descriptor, GITIGNORE, prefix + GITIGNORE, self._notes, cut=len(os.fsencode(prefix)))
        at = replace(at, layers=layers) if layers is not at.layers else at
        try:
            yield from self._all(at, descriptor, own_names)
        except OSError as error:  # of reading the directory's names
            self._count_unopened(error)

    def _with_own_repository(self, at: _Directory, descriptor: int) -> _Directory | None:
        """The directory as the repository has it whose top it is; as it is where it has none of its own; None for a linked work tree."""
        if not at.path or (at.tracked is not None and not at.is_submodule) or at.is_top:
            return at
        found = find_work_tree(descriptor, f"{self._root}/{at.path}", at.work_tree or NO_WORK_TREE, self._notes)
        if isinstance(found, WorkTree):
            return _Directory(at.path, within(found.excludes, os.fsencode(f"{at.path}/")), found.tracked, found, is_top=True)
        if isinstance(found, LinkedWorkTree) and not at.is_submodule:
            self._skipped[SkipReason.LINKED_WORKTREE] += 1
            return None
        if at.is_submodule and not _exists(descriptor, GIT):
            self._skipped[SkipReason.NOT_A_FILE] += 1  # not checked out
            return None
        return at

    def _all(self, at: _Directory, descriptor: int, own_names: frozenset[str]) -> Iterator[Candidate]:
        prefix = f"{at.path}/" if at.path else ""
        tracked = at.tracked or {}
        rules = view(at.layers, os.fsencode(prefix))
        with os.scandir(descriptor) as entries:
            for entry in entries:
                self._seen += 1
                if self._seen % _ENTRIES_BETWEEN_LOOKS_AT_THE_CLOCK == 0:
                    self._look_at_the_clock()
                name = entry.name
                if is_git_name(name):
                    continue
                if name in own_names:
                    self._skipped[SkipReason.GIT_OWN] += 1
                elif entry.is_dir(follow_symlinks=False):
                    ignored = is_ignored(rules, os.fsencode(name) + DIRECTORY_MARK)
                    self._enter(at, name, tracked.get(name), ignored=ignored)
                elif isinstance(tracked.get(name), TrackedKind) or not (rules and is_ignored(rules, os.fsencode(name))):
                    yield prefix + name, partial(entry.stat, follow_symlinks=False)

    def _enter(self, at: _Directory, name: str, tracked: Tracked | TrackedKind | None, *, ignored: bool) -> None:
        """Put a directory on the list of those to be walked, if it belongs to the project."""
        path = f"{at.path}/{name}" if at.path else name
        if tracked is TrackedKind.SUBMODULE:
            self._waiting.append(_Directory(path, (), None, at.work_tree, is_submodule=True))
            return
        inside = tracked if isinstance(tracked, dict) else None
        if ignored and inside is None:
            return
        if at.work_tree is None and name in _UNTRACKED_DIRECTORIES:
            return
        self._waiting.append(_Directory(path, at.layers, inside, at.work_tree, tracked_only=ignored))

    def _tracked(self, at: _Directory, descriptor: int, own_names: frozenset[str]) -> Iterator[Candidate]:
        """What is tracked in an ignored directory, found by its names: there may be very many others."""
        prefix = f"{at.path}/" if at.path else ""
        for name, inside in (at.tracked or {}).items():
            self._look_at_the_clock()
            if name in own_names:
                continue
            if inside is TrackedKind.FILE:
                yield prefix + name, partial(os.stat, name, dir_fd=descriptor, follow_symlinks=False)
            elif _exists(descriptor, name):
                work_tree = at.work_tree
                if inside is TrackedKind.SUBMODULE:
                    self._waiting.append(_Directory(prefix + name, (), None, work_tree, is_submodule=True))
                elif isinstance(inside, dict):
                    self._waiting.append(_Directory(prefix + name, (), inside, work_tree, tracked_only=True))

    def _look_at_the_clock(self) -> None:
        if time.monotonic() > self._deadline:
            raise IndexingError(
                f"Listing the files of {self._root} was ended after {MAX_SECONDS} s. Is its file system slow, or has it very many ignored "
                "files or patterns? The existing index is kept."
            )


def _exists(descriptor: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    except OSError:
        return False
    return True
