"""How far a run is: for the terminal that started it and, by the database, for everyone else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from cocosearch.database.connection import Connection


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a run; chunks are those embedded or taken from the cache so far."""

    files_total: int
    files_done: int
    chunks_done: int


ProgressCallback: TypeAlias = Callable[[Progress], None]


def store_progress(connection: Connection, project_id: int, progress: Progress) -> None:
    """Make the progress visible to `index_status` and `cocosearch status`."""
    connection.execute(
        "UPDATE projects SET files_total = %s, files_done = %s, chunks_done = %s WHERE id = %s",
        [progress.files_total, progress.files_done, progress.chunks_done, project_id],
    )
