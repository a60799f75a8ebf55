"""What a listing is made of."""

import hashlib
from collections import Counter
from dataclasses import dataclass

from cocosearch.indexing.sources.skips import SkipReason


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
    """The files of a project at one moment, sorted by path, and how many others were skipped for which reason.

    A note is a sentence on what could not be honoured, such as ignore rules that cannot be read.
    """

    files: tuple[SourceFile, ...]
    skipped: dict[SkipReason, int]
    notes: tuple[str, ...] = ()

    def digest(self) -> bytes:
        """Changes with any file's path or stamp, and with the notes."""
        state = hashlib.sha256()
        for file in self.files:
            state.update(f"{file.path}\0{file.size}\0{file.mtime_ns}\0{file.ctime_ns}\0{file.inode}\n".encode("utf-8", "surrogateescape"))
        for note in self.notes:
            state.update(f"\0{note}\n".encode())
        return state.digest()

    def skipped_by_name(self) -> Counter[str]:
        """How many files were skipped, by the name of the reason."""
        return Counter({str(reason): count for reason, count in self.skipped.items()})


class Notes:
    """Collects sentences for a listing: each once, the first few in full, the rest by number."""

    MAX_NOTES = 5
    MAX_CHARACTERS = 500

    def __init__(self) -> None:
        self._notes: dict[str, None] = {}
        self._more = 0

    def add(self, note: str) -> None:
        """Take up a sentence; names in it may be any bytes."""
        plain = note.encode("utf-8", "replace").decode("utf-8")
        if len(plain) > self.MAX_CHARACTERS:
            plain = plain[: self.MAX_CHARACTERS] + "…"
        if plain in self._notes:
            return
        if len(self._notes) < self.MAX_NOTES:
            self._notes[plain] = None
        else:
            self._more += 1

    def all(self) -> tuple[str, ...]:
        """The sentences, in the order in which they came."""
        return (*self._notes, *([f"And {self._more} more notes of this kind."] if self._more else []))
