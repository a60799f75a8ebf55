"""Open what a repository's author wrote: below a directory, without following a symbolic link anywhere on the way.

The kernel refuses the link in the same call that opens the file (openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS), so nobody can put
one in the place of a directory between a check and its use. Where there is no openat2 (before Linux 5.6, or behind a seccomp filter that
does not know it), directories are opened one by one, each below the last.
"""

import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

# What the kernel takes as one path; a longer one cannot be opened by any ordinary program.
MAX_PATH_BYTES = 4095

_SYS_OPENAT2 = 437  # the same on all of Linux's architectures but Alpha
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC  # NONBLOCK: a FIFO without a writer must not be waited for
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PLACE = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# What openat2 answers where it is not to be had.
_NO_OPENAT2 = frozenset({errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.E2BIG})


class _OpenHow(ctypes.Structure):
    """The kernel's `struct open_how`."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_libc = ctypes.CDLL(None, use_errno=True)


class NotAFileError(OSError):
    """There is something else than a regular file at that path: a directory, a FIFO, a device."""


@contextmanager
def directory(path: Path) -> Iterator[int]:
    """A descriptor of the directory at an absolute path, for the functions below; it needs no right to list the directory.

    Raises:
        OSError: it is missing or closed to this user, or a part of the path is a symbolic link (ELOOP) or no directory (ENOTDIR).
    """
    top = os.open("/", _PLACE)
    try:
        descriptor = _open(top, str(path).strip("/") or ".", _PLACE)
    finally:
        os.close(top)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_directory(base: int, path: str) -> int:
    """A descriptor to list the directory at a path below `base` ("" is `base` itself); the caller closes it.

    Raises:
        OSError: as for `directory`.
    """
    return _open(base, path or ".", _DIRECTORY)


def open_file(base: int, path: str) -> int:
    """A descriptor to read the regular file at a path below `base`; the caller closes it.

    Raises:
        NotAFileError: it is no regular file.
        OSError: it is missing or closed to this user, or a part of the path is a symbolic link (ELOOP).
    """
    descriptor = _open(base, path, _FILE)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFileError(errno.EINVAL, "Not a regular file", path)
    return descriptor


def read_file(base: int, path: str, max_bytes: int) -> bytes:
    """Up to `max_bytes` + 1 bytes of the regular file at a path below `base`: more than `max_bytes` say that there are more.

    Raises:
        NotAFileError: it is no regular file.
        OSError: as for `open_file`, or it cannot be read.
    """
    with os.fdopen(open_file(base, path), "rb") as stream:
        return stream.read(max_bytes + 1)


def status(base: int, path: str) -> os.stat_result | None:
    """What is at a path below `base`, a link itself where there is one; None where nothing is, or nothing that can be reached."""
    above, _, name = path.rpartition("/")
    try:
        if not above:
            return os.stat(name, dir_fd=base, follow_symlinks=False)
        parent = _open(base, above, _PLACE)
    except OSError:
        return None
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except OSError:
        return None
    finally:
        os.close(parent)


def _open(base: int, path: str, flags: int) -> int:
    if "\0" in path or ".." in path.split("/") or path.startswith("/"):
        raise OSError(errno.EXDEV, "Not a path below the directory", path)
    return _openat2(base, path, flags) if has_openat2() else _open_by_parts(base, path, flags)


@cache
def has_openat2() -> bool:
    """Whether the kernel, and what filters its calls, let this process use openat2."""
    top = os.open("/", _PLACE)
    try:
        os.close(_openat2(top, ".", _PLACE))
    except OSError as error:
        if error.errno in _NO_OPENAT2:
            return False
        raise
    finally:
        os.close(top)
    return True


def _openat2(base: int, path: str, flags: int) -> int:
    # Without O_NOFOLLOW, which makes of a link at the end what is "no directory"; the kernel refuses it as any other link.
    how = _OpenHow(flags & ~os.O_NOFOLLOW, 0, _RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS | _RESOLVE_NO_MAGICLINKS)
    while True:
        descriptor = int(
            _libc.syscall(
                ctypes.c_long(_SYS_OPENAT2), ctypes.c_int(base), os.fsencode(path), ctypes.byref(how), ctypes.c_size_t(ctypes.sizeof(how))
            )
        )
        if descriptor >= 0:
            return descriptor
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number), path)


def _open_by_parts(base: int, path: str, flags: int) -> int:
    parts = [part for part in path.split("/") if part not in {"", "."}] or ["."]
    at = base
    try:
        for number, part in enumerate(parts):
            opened = os.open(part, flags if number == len(parts) - 1 else _PLACE, dir_fd=at)
            if at != base:
                os.close(at)
            at = opened
    except OSError as error:
        if at != base:
            os.close(at)
        if error.errno == errno.ENOTDIR and _is_link(base, parts[: number + 1]):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path) from None  # as openat2 says it
        raise
    return at


def _is_link(base: int, parts: list[str]) -> bool:
    """Only to choose the error: with O_DIRECTORY the kernel calls a link no directory."""
    try:
        return stat.S_ISLNK(os.stat("/".join(parts), dir_fd=base, follow_symlinks=False).st_mode)
    except OSError:
        return False
