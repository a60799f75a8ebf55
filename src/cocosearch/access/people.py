"""People of this machine and their right to read: judged by the kernel as it judges them, never by what they say."""

import errno
import os
import pwd
import stat
from dataclasses import dataclass

MAX_DEPTH = 500

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# What changed between the look at a directory and the look at its entry is none of ours: links are never followed, what is gone is gone.
_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ESTALE})
_CLOSED = frozenset({errno.EACCES, errno.EPERM})


@dataclass(frozen=True, slots=True)
class Person:
    """A user of this machine with all groups."""

    name: str
    user_id: int
    group_id: int
    groups: tuple[int, ...]

    @classmethod
    def of(cls, entry: pwd.struct_passwd) -> "Person":
        """The user of an entry of the password database."""
        groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid, groups)


def act_as(person: Person | None) -> None:
    """Have files judged by a person's rights from now on, by root's again with None; for root, in a process of one thread.

    The real user stays root: the person can neither trace this process nor send it a signal, so that nobody can answer in its place.
    """
    os.seteuid(0)
    os.setgroups(person.groups if person else ())
    os.setegid(person.group_id if person else 0)
    os.seteuid(person.user_id if person else 0)


def become(person: Person) -> None:
    """Be that user from now on, with no way back."""
    os.setgroups(person.groups)
    os.setresgid(person.group_id, person.group_id, person.group_id)
    os.setresuid(person.user_id, person.user_id, person.user_id)


def open_directory(path: str, person: Person) -> int:
    """A descriptor of the directory, opened with the person's rights; links on the way are followed with these rights, too.

    Raises:
        OSError: the person may not open it, or it is none.
    """
    act_as(person)
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    finally:
        act_as(None)


def first_closed(root: int, person: Person, service: Person) -> str | None:
    """The first path below an open directory that the service may read and the person may not; None where there is none.

    What neither can read does no harm: it is not indexed. Links are not followed, as the indexer follows none.

    Raises:
        OSError: the tree could not be walked to its end.
    """
    act_as(person)
    try:
        return _first_closed(root, "", person, service, 0)
    finally:
        act_as(None)


def _first_closed(directory: int, path: str, person: Person, service: Person, depth: int) -> str | None:
    if depth > MAX_DEPTH:
        raise OSError(errno.ENAMETOOLONG, f"directories are nested more than {MAX_DEPTH} deep")
    with os.scandir(directory) as entries:
        for entry in entries:
            where = f"{path}/{entry.name}" if path else entry.name
            flags = _flags(entry)
            if flags is None:
                continue
            opened = _open(entry.name, flags, directory)
            if opened is None:
                if _may_open(entry.name, directory, service, back_to=person):
                    return where
                continue
            try:
                closed = _first_closed(opened, where, person, service, depth + 1) if stat.S_ISDIR(os.fstat(opened).st_mode) else None
            finally:
                os.close(opened)
            if closed is not None:
                return closed
    return None


def _flags(entry: "os.DirEntry[str]") -> int | None:
    """How an entry is opened to be read; None for what is never indexed: links, pipes, devices, sockets."""
    try:
        if entry.is_dir(follow_symlinks=False):
            return _DIRECTORY
        return _FILE if entry.is_file(follow_symlinks=False) else None
    except PermissionError:  # names may be listed here, and nothing more
        return _FILE


def _may_open(name: str, directory: int, service: Person, *, back_to: Person) -> bool:
    """Whether the service may read an entry, whatever it is."""
    act_as(service)
    try:
        opened = _open(name, _FILE, directory)
    finally:
        act_as(back_to)
    if opened is None:
        return False
    os.close(opened)
    return True


def _open(name: str, flags: int, directory: int) -> int | None:
    """A descriptor, or None where this is not allowed or the entry is gone."""
    try:
        return os.open(name, flags, dir_fd=directory)
    except OSError as error:
        if error.errno in _NOT_THERE | _CLOSED:
            return None
        raise
