"""What belongs to a work tree: its tracked files, and the rules of its `info/exclude`, from where git keeps them."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from cocosearch.files.beneath import NotAFileError, directory, read_file, status
from cocosearch.files.git_places import GIT, MAX_POINTER_BYTES, GitFile, is_git_directory, is_own_worktree, read_git_file
from cocosearch.indexing.sources.git_index import MAX_INDEX_BYTES, Tracked, UnreadableIndexError, read_tracked
from cocosearch.indexing.sources.ignoring import Layers, with_file
from cocosearch.indexing.sources.stamps import StampedCache, TooLargeError
from cocosearch.indexing.sources.types import Notes

_MAX_CACHED_BYTES = 64 * 1024 * 1024
_cache: StampedCache[Tracked] = StampedCache(_MAX_CACHED_BYTES)


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A work tree of git."""

    git_directory: str  # absolute; for submodules, whose own directories lie in it
    tracked: Tracked
    excludes: Layers  # of info/exclude, as seen from the work tree's top


# Around what lies in a project that is no work tree.
NO_WORK_TREE = WorkTree("", {}, ())


@dataclass(frozen=True, slots=True)
class LinkedWorkTree:
    """A directory that `git worktree add` made, or that looks so: a copy of what the main work tree has."""


def find_work_tree(base: int, place: str, around: WorkTree | None, notes: Notes) -> WorkTree | LinkedWorkTree | None:
    """The work tree whose top is a directory; None where there is none that can be believed.

    Args:
        base: a descriptor of the directory.
        place: its absolute path.
        around: the work tree that the directory lies in, for a directory inside a project; None for a project's own.
        notes: take up what cannot be honoured.
    """
    found = status(base, GIT)
    if found is None:
        return None
    if stat.S_ISDIR(found.st_mode):
        if is_git_directory(base, GIT):
            return _read(base, GIT, f"{place}/{GIT}", notes)
        if around is None:
            notes.add(f"Ignore rules are missing: '{place}/{GIT}' is no directory of git's: HEAD, objects or refs are not there.")
        return None
    return _by_git_file(read_git_file(base, GIT, place), place, around, notes)


def _by_git_file(git_file: GitFile | None, place: str, around: WorkTree | None, notes: Notes) -> WorkTree | LinkedWorkTree | None:
    if git_file is None:
        notes.add(f"Ignore rules are missing: '{place}/{GIT}' is neither git's directory nor a file that leads to it.")
        return None
    work_tree = _at_other_place(git_file, place, around, notes)
    if work_tree is not None:
        return work_tree
    if around is not None and git_file.is_worktree:
        return LinkedWorkTree()
    notes.add(
        f"Ignore rules are missing: '{place}/{GIT}' leads to '{git_file.target}', which is not there, is closed to this user, "
        "or does not lead back. Only .gitignore files are honoured."
    )
    return None


def _at_other_place(git_file: GitFile, place: str, around: WorkTree | None, notes: Notes) -> WorkTree | None:
    """The work tree of a `.git` file, if the repository it leads to is known to have it: as a linked one, or as a submodule."""
    linked = around is None and is_own_worktree(git_file, place)
    if not linked and not _may_be_submodules(git_file.target, place, around):
        return None
    try:
        with directory(Path(git_file.target)) as admin:
            if linked:
                return _read_linked(admin, git_file.target, notes)
            return _read(admin, ".", git_file.target, notes) if is_git_directory(admin, ".") else None
    except OSError:
        return None


def _may_be_submodules(target: str, place: str, around: WorkTree | None) -> bool:
    """Whether it lies where git puts the directories of submodules of the repositories around, or in the work tree itself."""
    if target.startswith(f"{place}/") or (
        around is not None and around is not NO_WORK_TREE and target.startswith(f"{around.git_directory}/modules/")
    ):
        return True
    above, modules, _ = target.partition(f"/{GIT}/modules/")
    return bool(modules) and place.startswith(f"{above}/")


def _read(base: int, path: str, git_directory: str, notes: Notes) -> WorkTree:
    """The work tree of git's own directory, at a path below the descriptor `base`."""
    return WorkTree(git_directory, _tracked(base, path, git_directory, notes), _excludes(base, path, git_directory, notes))


def _read_linked(admin: int, git_directory: str, notes: Notes) -> WorkTree:
    """A linked work tree: the index is its own, the excludes are those of the repository, two directories above."""
    repository = str(Path(git_directory).parent.parent)
    tracked = _tracked(admin, ".", git_directory, notes)
    try:
        common = os.fsdecode(read_file(admin, "commondir", MAX_POINTER_BYTES).rstrip(b"\r\n"))
        if os.path.normpath(f"{git_directory}/{common}") != repository and os.path.normpath(common) != repository:
            raise NotADirectoryError(common)
        with directory(Path(repository)) as base:
            return WorkTree(git_directory, tracked, _excludes(base, ".", repository, notes))
    except OSError:
        notes.add(f"Ignore rules are missing: those in '{repository}/info/exclude' cannot be read.")
        return WorkTree(git_directory, tracked, ())


def _excludes(base: int, path: str, shown: str, notes: Notes) -> Layers:
    return with_file((), base, f"{path}/info/exclude", f"{shown}/info/exclude", notes)


def _tracked(base: int, path: str, shown: str, notes: Notes) -> Tracked:
    """The tracked files; none, and a note, where the index cannot be read."""

    def read_shared(name: str) -> bytes:
        try:
            data = read_file(base, f"{path}/sharedindex.{name}", MAX_INDEX_BYTES)
        except OSError as error:
            raise UnreadableIndexError(f"its shared index cannot be read ({error.strerror})") from None
        return data

    try:
        return _cache.read(base, f"{path}/index", MAX_INDEX_BYTES, lambda data: read_tracked(data, read_shared))
    except FileNotFoundError:
        return {}
    except (TooLargeError, UnreadableIndexError) as error:
        problem = str(error)
    except NotAFileError:
        problem = "it is not a regular file"
    except OSError as error:
        problem = str(error.strerror).lower()
    notes.add(f"Tracked files that the ignore rules name are missing: '{shown}/index' cannot be read: {problem}.")
    return {}
