"""The engine's state of one project, and whether it still belongs to the rows in the database.

The engine keeps in a directory (LMDB) what it has written; the rows are in PostgreSQL. Either can be lost or restored without the other,
and the engine would then report success with rows missing. So both carry an identity and a generation, and a mismatch means a rebuild.
"""

import json
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from cocosearch.database.connection import Connection
from cocosearch.database.projects import EngineStamp, engine_stamp, set_engine_stamp
from cocosearch.settings import Settings

_STAMP = "stamp.json"


@dataclass(frozen=True, slots=True)
class EngineState:
    """State directory of one project."""

    directory: Path

    @property
    def engine_path(self) -> Path:
        """Where the engine keeps its LMDB files."""
        return self.directory / "engine"

    def ensure_matches(self, connection: Connection, project_id: int) -> bool:
        """Start anew where directory and database do not belong together; False if one of them had been lost or restored."""
        in_database, in_directory = engine_stamp(connection, project_id), self.stamp_in_directory()
        if in_database is not None and in_database == in_directory and self.engine_path.is_dir():
            return True
        self.start_anew(connection, project_id)
        return in_database is None and in_directory is None

    def start_anew(self, connection: Connection, project_id: int) -> None:
        """Forget what was written: the next run writes all rows again, over those there are, with embeddings from the cache."""
        self.remove()
        self.directory.mkdir(mode=0o700, parents=True)
        self.engine_path.mkdir(mode=0o700)
        self._write(connection, project_id, EngineStamp(uuid.uuid4(), 0))

    def advance(self, connection: Connection, project_id: int) -> None:
        """After a run: an older backup of either side will not match any more."""
        stamp = self.stamp_in_directory()
        if stamp is None:
            raise FileNotFoundError(self.directory / _STAMP)
        self._write(connection, project_id, EngineStamp(stamp.identity, stamp.generation + 1))

    def remove(self) -> None:
        """Delete the directory, as after `clear`."""
        if self.directory.exists():
            shutil.rmtree(self.directory)

    def _write(self, connection: Connection, project_id: int, stamp: EngineStamp) -> None:
        set_engine_stamp(connection, project_id, stamp)
        temporary = self.directory / f"{_STAMP}.new"
        temporary.write_text(json.dumps({"identity": str(stamp.identity), "generation": stamp.generation}), encoding="utf-8")
        temporary.replace(self.directory / _STAMP)

    def stamp_in_directory(self) -> EngineStamp | None:
        """What the state says of itself; None where there is none, or none that can be read."""
        try:
            content = json.loads((self.directory / _STAMP).read_text(encoding="utf-8"))
            return EngineStamp(uuid.UUID(content["identity"]), int(content["generation"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            return None


def project_state(settings: Settings, project_name: str) -> EngineState:
    """State of a project of that name, in a state directory that only its owner can read: it holds parts of the code."""
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return EngineState(settings.state_dir / "projects" / project_name)
