"""Which files of a project are indexed: what git would list, less what is a secret, too large, or not a file of the project."""

import os
import stat
from collections import Counter
from collections.abc import Callable

from cocosearch.errors import IndexingError
from cocosearch.files.beneath import directory
from cocosearch.files.git_places import git_own_directory
from cocosearch.indexing.chunking.notebooks import size_limit
from cocosearch.indexing.sources.secrets import is_secret_name
from cocosearch.indexing.sources.selection import Selection
from cocosearch.indexing.sources.skips import MAX_INDEXED_PATH_BYTES, SkipReason
from cocosearch.indexing.sources.types import Listing, Notes, SourceFile
from cocosearch.indexing.sources.walk import walk
from cocosearch.projects import Project, bare_repository_message
from cocosearch.settings import Settings

__all__ = ["Listing", "SkipReason", "SourceFile", "list_files"]


def list_files(project: Project, settings: Settings) -> Listing:
    """List a project's files.

    Raises:
        IndexingError: the root is gone or unreadable, there are too many files, or listing them takes too long. An error, not an empty
            listing: an empty listing would delete the index.
    """
    root = project.root
    if not os.access(root, os.R_OK | os.X_OK, effective_ids=True) or not root.is_dir():
        raise IndexingError(f"{root} is missing or cannot be read by this user. The existing index is kept.")
    if root.resolve() != root:
        raise IndexingError(
            f"{root} has become a symbolic link, or lies behind one. The existing index is kept; index {root.resolve()} instead."
        )
    own = git_own_directory(root)
    if own is not None:
        raise IndexingError(f"{bare_repository_message(root, own)} The existing index is kept.")
    try:
        with directory(root) as base:
            listing = _list(project, settings, base)
    except OSError as error:
        raise IndexingError(f"The files of {root} cannot be listed: {error.strerror}. The existing index is kept.") from error
    if not listing.files and SkipReason.LINKED_WORKTREE in listing.skipped:
        raise IndexingError(f"{root} holds nothing but linked worktrees of git; index one of them. The existing index is kept.")
    return listing


def _list(project: Project, settings: Settings, base: int) -> Listing:
    selection = Selection(project)
    skipped: Counter[SkipReason] = Counter()
    notes = Notes()
    files: list[SourceFile] = []
    for path, look in walk(project.root, base, skipped, notes):
        found = _judge(path, look, selection, settings.max_file_bytes)
        if isinstance(found, SkipReason):
            skipped[found] += 1
        elif found is not None:
            files.append(found)
        if len(files) > settings.max_project_files:
            raise IndexingError(
                f"{project.root} has more than {settings.max_project_files} files. Exclude some in cocosearch.yaml, "
                "or raise COCOSEARCH_MAX_PROJECT_FILES."
            )
    files.sort(key=lambda file: file.path)
    return Listing(tuple(files), dict(skipped), notes.all())


def _judge(path: str, look: Callable[[], os.stat_result], selection: Selection, max_bytes: int) -> SourceFile | SkipReason | None:
    """The file with its stamp, or why it is skipped; None if it vanished since its name was read."""
    reason = _reason_in_path(path, selection)
    if reason is not None:
        return reason
    try:
        info = look()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return SkipReason.UNREADABLE
    if stat.S_ISREG(info.st_mode) and 0 < info.st_size <= size_limit(path, max_bytes):
        return SourceFile(path, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino)
    return _reason_in_status(info)


def _reason_in_path(path: str, selection: Selection) -> SkipReason | None:
    try:
        encoded = path.encode("utf-8")
    except UnicodeEncodeError:  # Python could only decode it by surrogates: the database takes none
        return SkipReason.BAD_NAME
    if len(encoded) > MAX_INDEXED_PATH_BYTES:
        return SkipReason.PATH_TOO_LONG
    if is_secret_name(path):
        return SkipReason.SECRET
    return None if selection.takes(path) else SkipReason.EXCLUDED


def _reason_in_status(info: os.stat_result) -> SkipReason:
    if stat.S_ISLNK(info.st_mode):
        return SkipReason.SYMLINK
    if not stat.S_ISREG(info.st_mode):
        return SkipReason.NOT_A_FILE
    return SkipReason.TOO_LARGE if info.st_size else SkipReason.EMPTY
