"""The directory side of the engine's state; how it is judged against the database is tested with one."""

import json
import uuid
from pathlib import Path

import pytest

from cocosearch.database.projects import EngineStamp
from cocosearch.indexing.engine.state import EngineState, project_state
from cocosearch.settings import Settings

IDENTITY = uuid.UUID("12345678-1234-5678-1234-567812345678")


def test_each_project_has_its_directory(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    one, other = project_state(settings, "one"), project_state(settings, "other")
    assert one.directory == tmp_path / "projects/one"
    assert one.engine_path.parent == one.directory
    assert one.directory != other.directory


def test_a_stamp_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "stamp.json").write_text(json.dumps({"identity": str(IDENTITY), "generation": 7}))
    assert EngineState(tmp_path).stamp_in_directory() == EngineStamp(IDENTITY, 7)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b"\xff\xfe",
        b"{}",
        b'{"identity": "x", "generation": 1}',
        b'{"identity": 5, "generation": 1}',
        b'{"identity": null, "generation": 1}',
        json.dumps({"identity": str(IDENTITY)}).encode(),
        json.dumps({"identity": str(IDENTITY), "generation": None}).encode(),
        json.dumps({"identity": str(IDENTITY), "generation": []}).encode(),
    ],
)
def test_a_damaged_stamp_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "stamp.json").write_bytes(content)
    assert EngineState(tmp_path).stamp_in_directory() is None


def test_no_directory_is_no_stamp_and_nothing_to_remove(tmp_path: Path) -> None:
    state = EngineState(tmp_path / "missing")
    assert state.stamp_in_directory() is None
    state.remove()


def test_removing_takes_the_whole_directory(tmp_path: Path) -> None:
    state = EngineState(tmp_path / "projects/one")
    state.engine_path.mkdir(parents=True)
    (state.engine_path / "data.mdb").write_text("x")
    state.remove()
    assert not state.directory.exists()
    assert state.directory.parent.is_dir()
