"""Why a file is not in the index."""

from enum import StrEnum

# A row of an index in PostgreSQL holds 2,704 bytes at most, and the path is one of its columns.
MAX_INDEXED_PATH_BYTES = 2_600


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
    PATH_TOO_LONG = "path too long"
    EXCLUDED = "excluded by cocosearch.yaml"
    LINKED_WORKTREE = "linked worktree"
    GIT_OWN = "bare git repository"
    TOO_SLOW = "took too long"
    TOO_MUCH_MEMORY = "needs too much memory"
    CRASHED = "crashed the program that reads it"
