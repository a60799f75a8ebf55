"""Which paths git tracks, read from the index file of a work tree (gitformat-index(5), versions 2 to 4, SHA-1 and SHA-256).

Of the file, only paths and modes are read; it may be forged, so each of its numbers is checked against the bytes there are.
dulwich 1.2's reader cannot serve: in version 4 it takes the count of bytes to drop for another encoding than git's, and refuses every index
with a directory of more than 127 characters.
"""

import hashlib
import os
import stat
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from cocosearch.files.beneath import MAX_PATH_BYTES

MAX_INDEX_BYTES = 64 * 1024 * 1024
MAX_TRACKED_BYTES = 64 * 1024 * 1024  # of all paths together: version 4 writes a path as what it adds to the one before

MAX_DIRECTORIES = 300_000

_HEADER = struct.Struct(">4sLL")
_VERSIONS = range(2, 5)
_EXTENDED_SINCE = 3
_COMPRESSED_SINCE = 4
_STAT_BYTES = 40  # times, device, inode, mode, owner, group, size: what comes before the object's name
_MODE = struct.Struct(">L")
_MODE_OFFSET = 24
_FLAGS = struct.Struct(">H")
_FLAG_EXTENDED = 0x4000
_EXTENSION = struct.Struct(">4sL")
_GITLINK = 0o160000
_WORD_BITS = 64
_MAX_NUMBER_BYTES = 5
_MORE_FOLLOWS = 0x80


class TrackedKind(StrEnum):
    """What the index says is at a path, where it is no directory of other paths."""

    FILE = "file"
    SUBMODULE = "submodule"


# By name: what is in a directory, or the kind of what is no directory.
Tracked: TypeAlias = dict[str, "Tracked | TrackedKind"]
# Gives the content of `sharedindex.NAME` beside the index, for one that is split.
ReadShared: TypeAlias = Callable[[str], bytes]


class UnreadableIndexError(ValueError):
    """The index is damaged, forged or of an unknown form; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class _Entries:
    paths: list[bytes]
    modes: list[int]
    extensions: dict[bytes, bytes]


def read_tracked(data: bytes, read_shared: ReadShared) -> Tracked:
    """The tracked paths as a tree, without names that no honest index holds.

    Raises:
        UnreadableIndexError: the message says why.
    """
    entries = _read_entries(data)
    pairs = list(zip(entries.paths, entries.modes, strict=True))
    if b"link" in entries.extensions:
        pairs = _joined_with_shared(entries, read_shared)
    tree = _Tree()
    for path, mode in pairs:
        if not stat.S_ISDIR(mode):  # of a sparse index: stands for files that are not checked out
            tree.add(path, TrackedKind.SUBMODULE if mode == _GITLINK else TrackedKind.FILE)
    return tree.top


class _Tree:
    def __init__(self) -> None:
        self.top: Tracked = {}
        self._known: dict[bytes, Tracked] = {b"": self.top}
        self._made = 0

    def add(self, path: bytes, kind: TrackedKind) -> None:
        above, _, name = path.rpartition(b"/")
        directory = self._known.get(above)
        if directory is None:
            directory = self._make_directory(above)
        if directory is not None and is_plain_name(name):
            self._known[above] = directory
            directory.setdefault(os.fsdecode(name), kind)

    def _make_directory(self, path: bytes) -> Tracked | None:
        """The directory at a path of the tree; None where a part of it is no name, or is tracked as a file."""
        directory = self.top
        for name in path.split(b"/"):
            if not is_plain_name(name):
                return None
            below = directory.get(os.fsdecode(name))
            if below is None:
                self._made += 1
                if self._made > MAX_DIRECTORIES:
                    raise UnreadableIndexError(f"it has more than {MAX_DIRECTORIES} directories")
                below = directory[os.fsdecode(name)] = {}
            if not isinstance(below, dict):
                return None
            directory = below
        return directory


def is_plain_name(name: bytes) -> bool:
    """False for what cannot be one name in a directory, and for git's own directory in any spelling that a disk may take for it."""
    return name not in {b"", b".", b".."} and name.lower() != b".git" and b"\0" not in name


def _joined_with_shared(entries: _Entries, read_shared: ReadShared) -> list[tuple[bytes, int]]:
    """The entries of a split index: those of the shared one that are not deleted, and its own; its nameless ones replace shared ones."""
    link = entries.extensions[b"link"]
    length = _hash_bytes(link)
    shared = _read_entries(read_shared(link[:length].hex()))
    bitmaps = link[length:]
    deleted = _read_bitmap(bitmaps, len(shared.paths)) if bitmaps else set()
    kept = [(path, mode) for number, (path, mode) in enumerate(zip(shared.paths, shared.modes, strict=True)) if number not in deleted]
    return kept + [(path, mode) for path, mode in zip(entries.paths, entries.modes, strict=True) if path]


def _hash_bytes(link: bytes) -> int:
    """Length of the shared index's name: what follows are two bitmaps, or nothing."""
    for length in (20, 32):
        if len(link) == length or (len(link) > length and _is_two_bitmaps(link[length:])):
            return length
    raise UnreadableIndexError("its link to the shared index is damaged")


def _is_two_bitmaps(data: bytes) -> bool:
    for _ in range(2):
        if len(data) < 12:  # noqa: PLR2004 - sizes in bits and in words, and a position
            return False
        data = data[12 + 8 * int.from_bytes(data[4:8], "big") :]
    return not data


def _read_bitmap(data: bytes, size: int) -> set[int]:
    """Numbers of the bits that are set in the EWAH bitmap at the beginning of the data, which holds `size` bits at most."""
    _bits, words = struct.unpack_from(">LL", data)
    found: set[int] = set()
    position, end, at = 8, 8 + 8 * words, 0
    while position < end:
        (marker,) = struct.unpack_from(">Q", data, position)
        position += 8
        run, literals = (marker >> 1) & 0xFFFFFFFF, marker >> 33
        if at + (run + literals) * _WORD_BITS > size + 2 * _WORD_BITS:
            raise UnreadableIndexError("its link to the shared index is damaged")
        if marker & 1:
            found.update(range(at, at + run * _WORD_BITS))
        at += run * _WORD_BITS
        for _ in range(literals):
            (word,) = struct.unpack_from(">Q", data, position)
            position += 8
            found.update(at + bit for bit in range(_WORD_BITS) if word >> bit & 1)
            at += _WORD_BITS
    return found


def _read_entries(data: bytes) -> _Entries:
    """The entries and extensions, as with object names of the length that the checksum at the end proves, or that comes out even."""
    if len(data) > MAX_INDEX_BYTES:
        raise UnreadableIndexError(f"it is larger than {MAX_INDEX_BYTES} bytes")
    if len(data) < _HEADER.size:
        raise UnreadableIndexError("it is cut off")
    signature, version, count = _HEADER.unpack_from(data)
    if signature != b"DIRC" or version not in _VERSIONS:
        raise UnreadableIndexError("it is of an unknown form")
    problem = UnreadableIndexError("its checksum is wrong")
    for length, digest in ((20, hashlib.sha1(data[:-20], usedforsecurity=False)), (32, hashlib.sha256(data[:-32]))):
        if data[-length:] not in {digest.digest(), bytes(length)}:  # nothing but zeros where index.skipHash is set
            continue
        try:
            return _read_body(data[:-length], version, count, length)
        except (UnreadableIndexError, struct.error) as error:
            problem = error if isinstance(error, UnreadableIndexError) else UnreadableIndexError("it is cut off")
    raise problem


def _read_body(data: bytes, version: int, count: int, hash_bytes: int) -> _Entries:
    paths: list[bytes] = []
    modes: list[int] = []
    position = _HEADER.size
    total = 0
    for path, mode, end in _walk_entries(data, version, count, hash_bytes):
        total += len(path)
        if len(path) > MAX_PATH_BYTES or total > MAX_TRACKED_BYTES:
            raise UnreadableIndexError("its paths are too long")
        paths.append(path)
        modes.append(mode)
        position = end
    return _Entries(paths, modes, dict(_walk_extensions(data, position)))


def _walk_entries(data: bytes, version: int, count: int, hash_bytes: int) -> Iterator[tuple[bytes, int, int]]:
    """Path and mode of each entry, and where it ends."""
    fixed = _STAT_BYTES + hash_bytes + _FLAGS.size
    position = _HEADER.size
    path = b""
    for _ in range(count):
        (mode,) = _MODE.unpack_from(data, position + _MODE_OFFSET)
        (flags,) = _FLAGS.unpack_from(data, position + fixed - _FLAGS.size)
        extended = bool(flags & _FLAG_EXTENDED)
        if extended and version < _EXTENDED_SINCE:
            raise UnreadableIndexError("it is damaged")
        begin = position + fixed + (2 if extended else 0)
        kept = 0
        if version >= _COMPRESSED_SINCE:
            dropped, begin = _read_number(data, begin)
            if dropped > len(path):
                raise UnreadableIndexError("it is damaged")
            kept = len(path) - dropped
        end = data.find(b"\0", begin)
        if end < 0:
            raise UnreadableIndexError("it is cut off")
        path = path[:kept] + data[begin:end]
        # Padded with one to eight NULs, but not in version 4.
        position = end + 1 if version >= _COMPRESSED_SINCE else position + ((end - position + 8) & ~7)
        yield path, mode, position


def _read_number(data: bytes, position: int) -> tuple[int, int]:
    """A number as in pack files' offsets (varint.c), and where it ends."""
    number = -1
    for at, value in enumerate(data[position : position + _MAX_NUMBER_BYTES], position):
        number = ((number + 1) << 7) | (value & 0x7F)
        if value < _MORE_FOLLOWS:
            return number, at + 1
    raise UnreadableIndexError("it is damaged")


def _walk_extensions(data: bytes, position: int) -> Iterator[tuple[bytes, bytes]]:
    while position < len(data):
        signature, size = _EXTENSION.unpack_from(data, position)
        position += _EXTENSION.size
        if position + size > len(data):
            raise UnreadableIndexError("it is cut off")
        # One in small letters changes what the entries mean: `link` and `sdir` are known.
        if signature[:1].islower() and signature not in {b"link", b"sdir"}:
            raise UnreadableIndexError(f"it needs the unknown extension '{signature.decode('latin-1')}'")
        yield signature, data[position : position + size]
        position += size
