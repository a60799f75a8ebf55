"""Keep what was made of a file for as long as its stamp stays."""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

from cocosearch.files.beneath import open_file

Made = TypeVar("Made")
Stamp: TypeAlias = tuple[int, int, int, int, int]
# A file that was changed just now may change again without another stamp: clocks of file systems tick slowly.
_SETTLED_NS = 1_000_000_000


class TooLargeError(ValueError):
    """A file is larger than what is read of its kind."""


class StampedCache(Generic[Made]):
    """What was made of files, by their stamps; what was not asked for longest goes first. Several threads may ask."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[Stamp, Made] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, base: int, path: str, max_file_bytes: int, make: Callable[[bytes], Made]) -> Made:
        """What `make` makes of the regular file at a path below the descriptor `base`.

        Raises:
            TooLargeError: it has more than `max_file_bytes`.
            NotAFileError, OSError: as for `open_file`.
        """
        with os.fdopen(open_file(base, path), "rb") as stream:
            info = os.fstat(stream.fileno())
            stamp = (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
            with self._lock:
                if stamp in self._kept:
                    self._kept.move_to_end(stamp)
                    return self._kept[stamp]
            data = stream.read(max_file_bytes + 1)
        if len(data) > max_file_bytes:
            raise TooLargeError(f"is larger than {max_file_bytes} bytes")
        made = make(data)
        if time.time_ns() - info.st_ctime_ns > _SETTLED_NS and len(data) == info.st_size <= self._max_bytes:
            self._keep(stamp, made)
        return made

    def _keep(self, stamp: Stamp, made: Made) -> None:
        with self._lock:
            if stamp not in self._kept:
                self._bytes += stamp[2]
            self._kept[stamp] = made
            while self._bytes > self._max_bytes:
                gone, _ = self._kept.popitem(last=False)
                self._bytes -= gone[2]
