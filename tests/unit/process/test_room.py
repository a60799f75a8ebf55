"""Room on disks, seen by the kernel."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cocosearch.errors import NoRoomError
from cocosearch.operations import health
from cocosearch.operations.health import PartState
from cocosearch.process import room
from cocosearch.process.room import Amount
from cocosearch.settings import Settings

SIZE = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB."""
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", place], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"this user may mount nothing: {made.stderr}")
    yield place
    subprocess.run(["umount", place], check=True)


def settings(directory: Path, **given: object) -> Settings:
    return Settings.model_validate({"state_dir": directory / "state", **given})


def test_each_disk_is_looked_at_once(small_disk: Path, tmp_path: Path) -> None:
    seen = room.disks(settings(tmp_path, database_dir=small_disk / "data", models_dir=tmp_path / "models", low_space_bytes=0))
    assert [(disk.holds, disk.path) for disk in seen] == [(("database",), small_disk), (("state", "models"), tmp_path)]
    assert seen[0].free_bytes == SIZE
    assert seen[0].sentence == f"1 MiB free below {small_disk} (database)."


def test_little_room_is_told_before_there_is_none(small_disk: Path, tmp_path: Path) -> None:
    watched = settings(tmp_path, database_dir=small_disk, low_space_bytes=SIZE // 2)

    def amount() -> Amount:
        return room.disks(watched)[0].amount

    filler = small_disk / "filler"
    assert amount() is Amount.ENOUGH
    filler.write_bytes(bytes(SIZE * 3 // 4))
    assert amount() is Amount.LOW
    (part,) = health.check_disk(watched)
    assert (part.name, part.state) == ("disk", PartState.LOW)
    assert "below 64 KiB nothing more is indexed (COCOSEARCH_LOW_SPACE_BYTES)" in part.detail
    room.require_room(watched)
    with pytest.raises(NoRoomError, match=r"has 256 KiB free, and this takes 512 KiB"):
        room.require_room(watched, SIZE // 2)
    filler.write_bytes(bytes(SIZE * 31 // 32))
    assert amount() is Amount.FULL
    assert health.check_disk(watched)[0].state is PartState.FULL
    with pytest.raises(NoRoomError, match=r"\(database\) is full: indexing leaves it its last 64 KiB"):
        room.require_room(watched)
    filler.unlink()
    room.require_room(watched)


def test_models_alone_hold_up_no_run(small_disk: Path, tmp_path: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(SIZE))
    watched = settings(tmp_path, models_dir=small_disk, low_space_bytes=SIZE)
    assert health.check_disk(watched)[0].state is PartState.FULL
    room.require_room(watched)


def test_what_fails_for_want_of_space_is_known(small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space left") as failure:
        (small_disk / "filler").write_bytes(bytes(2 * SIZE))
    assert room.is_no_space(failure.value)
    assert not room.is_no_space(FileNotFoundError())


LOOK_AS_NOBODY = """
import os, sys
from cocosearch.process import room
from cocosearch.settings import load_settings
settings = load_settings()
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
sys.stdout.write(str(room.disks(settings)[0].free_bytes))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to become another user")
def test_a_directory_that_is_closed_to_the_service_tells_of_its_disk_all_the_same(small_disk: Path, tmp_path: Path) -> None:
    """As PostgreSQL's own is: 0700, and another user's."""
    small_disk.chmod(0o700)
    for parent in (tmp_path, *tmp_path.parents[:3]):
        parent.chmod(parent.stat().st_mode | 0o011)
    environment = {"HOME": "/", "COCOSEARCH_STATE_DIR": str(tmp_path), "COCOSEARCH_DATABASE_DIR": str(small_disk)}
    ran = subprocess.run([sys.executable, "-c", LOOK_AS_NOBODY], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    assert ran.stdout == str(SIZE)
