"""How far a run is: for the terminal that started it and, by the database, for everyone else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from cocosearch.database.connection import Connection
from cocosearch.database.projects import count_progress


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a run: files whose rows are written, chunks that words find, and those of them that meaning finds too."""

    files_total: int
    files_done: int
    chunks: int
    chunks_embedded: int


ProgressCallback: TypeAlias = Callable[[Progress], None]


def store_progress(connection: Connection, project_id: int, files_total: int, files_done: int) -> Progress:
    """Count, and make the progress visible to every search, `index_status` and `cocosearch status`."""
    counted = count_progress(connection, project_id, files_total, files_done)
    return Progress(files_total, files_done, counted.chunks, counted.embedded)
