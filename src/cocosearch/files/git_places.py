"""Where git keeps what: which directory is a work tree, which is git's own, told by looks alone.

Nothing of a repository is believed here: not its configuration, and of a `.git` file only as much as the place it leads to confirms.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cocosearch.files.beneath import directory, read_file, status

GIT = ".git"
MAX_POINTER_BYTES = 8192
# What lies in a bare repository, or in git's own directory, beside what git does not know.
GIT_OWN_NAMES = frozenset(
    {
        *("HEAD", "config", "config.worktree", "description", "packed-refs", "index", "shallow", "commondir", "gitdir", "FETCH_HEAD"),
        *("ORIG_HEAD", "MERGE_HEAD", "COMMIT_EDITMSG", "objects", "refs", "hooks", "info", "logs", "branches", "modules", "worktrees"),
    }
)
_HEAD = re.compile(rb"ref:\s*refs/|[0-9a-f]{40}(?:[0-9a-f]{24})?\s*\Z")


@dataclass(frozen=True, slots=True)
class GitFile:
    """A `.git` that is a file: it names git's directory, which lies elsewhere."""

    target: str  # absolute, by the text alone

    @property
    def is_worktree(self) -> bool:
        """Whether it has the form of a linked work tree's: …/worktrees/NAME."""
        return os.path.basename(os.path.dirname(self.target)) == "worktrees"  # noqa: PTH119, PTH120 - text, not a path to look at


def is_git_name(name: str) -> bool:
    """Whether a name is `.git`, in any spelling that a disk without regard to case takes for it."""
    return len(name) == len(GIT) and name.lower() == GIT


def looks_bare(base: int, path: str) -> bool:
    """Whether a directory looks like a bare repository, or git's own directory: a HEAD beside objects and refs."""
    prefix = f"{path}/" if path else ""
    head = status(base, f"{prefix}HEAD")
    if head is None or stat.S_ISDIR(head.st_mode):
        return False
    others = [status(base, f"{prefix}{name}") for name in ("objects", "refs")]
    # Either may be a link, as tools make it that share one repository among directories; nothing here follows it.
    return all(other is not None and (stat.S_ISDIR(other.st_mode) or stat.S_ISLNK(other.st_mode)) for other in others)


def is_git_directory(base: int, path: str) -> bool:
    """Whether git would take a directory for its own (as its function of this name): a HEAD that names something, objects and refs."""
    if not looks_bare(base, path):
        return False
    head = status(base, f"{path}/HEAD")
    if head is not None and stat.S_ISLNK(head.st_mode):
        return True
    try:
        return _HEAD.match(read_file(base, f"{path}/HEAD", MAX_POINTER_BYTES)) is not None
    except OSError:
        return False


def read_git_file(base: int, path: str, place: str) -> GitFile | None:
    """What the `.git` file at a path below `base` says, which lies in the directory `place`; None where it says nothing that git takes."""
    try:
        content = read_file(base, path, MAX_POINTER_BYTES)
    except OSError:
        return None
    text = content.removeprefix(b"gitdir: ").rstrip(b"\r\n")
    if not content.startswith(b"gitdir: ") or len(content) > MAX_POINTER_BYTES or not text or b"\0" in text:
        return None
    return GitFile(os.path.normpath(os.path.join(place, os.fsdecode(text))))  # noqa: PTH118 - by the text alone


def is_own_worktree(git_file: GitFile, place: str) -> bool:
    """Whether the work tree at `place` is one that the repository it leads to has made: its record there leads back to this `.git` file."""
    if not git_file.is_worktree:
        return False
    try:
        with directory(Path(git_file.target)) as admin:
            back = os.fsdecode(read_file(admin, "gitdir", MAX_POINTER_BYTES).rstrip(b"\r\n"))
            return bool(back) and os.path.normpath(os.path.join(git_file.target, back)) == f"{place}/{GIT}"  # noqa: PTH118
    except OSError:
        return False


def git_root(start: Path) -> Path | None:
    """The innermost directory at or above `start` that holds `.git` (a directory, or the file of a work tree)."""
    return next((above for above in (start, *start.parents) if _holds_git(above)), None)


def _holds_git(place: Path) -> bool:
    found = _status_in(place, GIT)
    return found is not None and (stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode))


def git_own_directory(root: Path) -> Path | None:
    """Git's own directory that `root` is, or lies in: a bare repository, or a `.git`; None for an ordinary directory.

    A directory of a work tree is ordinary even where somebody made one above it look bare, but not where it looks so itself.
    """
    for above in (root, *root.parents):
        if is_git_name(above.name):
            return above
    for above in (root, *root.parents):
        if _holds_git(above):
            return None
        if _looks_bare_at(above) and (above == root or git_root(above) is None):
            return above
    return None


def _looks_bare_at(place: Path) -> bool:
    try:
        with directory(place) as base:
            return looks_bare(base, "")
    except OSError:
        return False


def _status_in(place: Path, name: str) -> os.stat_result | None:
    try:
        with directory(place) as base:
            return status(base, name)
    except OSError:
        return None


def enclosing_places(place: Path) -> Iterator[Path]:
    """A directory and those above it, as far as git looks for a repository: to the border of the file system."""
    device = None
    for above in (place, *place.parents):
        found = _status_in(above, ".")
        if found is None or device not in {None, found.st_dev}:
            return
        device = found.st_dev
        yield above
