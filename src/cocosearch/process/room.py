"""Room on the disks that the appliance fills: those of the database, of the indexing engine's state, and of the models."""

import errno
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cocosearch.errors import NoRoomError
from cocosearch.settings import Settings, variable_name

# Of what counts as little: with less nothing more is indexed, so that the database keeps room for its log and goes on answering.
KEPT_PART = 8
# What index runs write to; they write no models.
WRITTEN_BY_RUNS = frozenset({"database", "state"})
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


class Amount(StrEnum):
    """How much room there is."""

    ENOUGH = "enough"
    LOW = "low"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system and what of ours is on it; `path` is where it was looked at."""

    holds: tuple[str, ...]
    path: Path
    free_bytes: int
    amount: Amount

    @property
    def sentence(self) -> str:
        """What was seen, for an operator."""
        return f"{_size(self.free_bytes)} free below {self.path} ({', '.join(self.holds)})."


def disks(settings: Settings) -> tuple[Disk, ...]:
    """The file systems that this process may look at, each once, in the order database, state, models.

    Of a database elsewhere nothing is known here: it says itself when its disk is full.
    """
    found: dict[int, tuple[list[str], Path]] = {}
    for name, place in (("database", settings.database_dir), ("state", settings.state_dir), ("models", settings.models_dir)):
        if place is not None:
            seen = existing(place)
            found.setdefault(seen.stat().st_dev, ([], seen))[0].append(name)
    return tuple(_disk(settings, tuple(names), path) for names, path in found.values())


def existing(path: Path) -> Path:
    """The path, or the nearest above it that this user may look at; to ask for its file system takes no right to read it."""
    return next(candidate for candidate in (path, *path.absolute().parents) if os.access(candidate, os.F_OK))


def require_room(settings: Settings, needed_bytes: int = 0) -> None:
    """Refuse to write so much where that would take the database's last room, or the state's.

    Raises:
        NoRoomError: says which disk is full.
    """
    for disk in disks(settings):
        if disk.free_bytes - needed_bytes >= kept_bytes(settings) or not WRITTEN_BY_RUNS.intersection(disk.holds):
            continue
        where = f"The disk below {disk.path} ({', '.join(disk.holds)})"
        if needed_bytes:
            raise NoRoomError(f"{where} has {_size(disk.free_bytes)} free, and this takes {_size(needed_bytes)}. Make room on it.")
        raise NoRoomError(
            f"{where} is full: indexing leaves it its last {_size(kept_bytes(settings))}. Make room on it; search goes on, and so does "
            "indexing by itself then."
        )


def is_no_space(error: BaseException) -> bool:
    """Whether the kernel had no room for what was to be written."""
    return isinstance(error, OSError) and error.errno in NO_SPACE


def kept_bytes(settings: Settings) -> int:
    """With less free than this nothing more is indexed."""
    return settings.low_space_bytes // KEPT_PART


def remedy(settings: Settings, disk: Disk) -> str:
    """What to do about a disk with little room."""
    grows = "Free space, or give it a larger disk"
    if disk.amount is Amount.FULL:
        return f"{grows}: nothing is indexed until there is room, and then by itself."
    return f"{grows}: below {_size(kept_bytes(settings))} nothing more is indexed ({variable_name('low_space_bytes')})."


def _disk(settings: Settings, names: tuple[str, ...], path: Path) -> Disk:
    status = os.statvfs(path)
    free = status.f_bavail * status.f_frsize
    amount = Amount.FULL if free < kept_bytes(settings) else Amount.LOW if free < settings.low_space_bytes else Amount.ENOUGH
    return Disk(names, path, free, amount)


def _size(count: int) -> str:
    size, unit = float(count), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:  # noqa: PLR2004 - the next unit
            break
        size, unit = size / 1024, larger
    return f"{size:.3g} {unit}" if size < 1000 else f"{size:.0f} {unit}"  # noqa: PLR2004 - without an exponent
