"""How far a run is: for the terminal that started it and, by the database, for everyone else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from cocosearch.database.connection import Connection


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
    row = connection.execute(
        """
        UPDATE projects p SET files_total = %(total)s, files_done = %(done)s, chunks = counted.chunks, chunks_embedded = counted.embedded
        FROM (
            SELECT count(*) AS chunks, count(e.embedding) AS embedded
            FROM chunks c
            JOIN projects p ON p.id = c.project_id
            LEFT JOIN embeddings e ON e.model_id = p.model_id AND e.text_digest = c.embedded_digest
            WHERE c.project_id = %(project)s
        ) counted
        WHERE p.id = %(project)s
        RETURNING p.files_total, p.files_done, p.chunks, p.chunks_embedded
        """,
        {"project": project_id, "total": files_total, "done": files_done},
    ).fetchone()
    assert row is not None  # noqa: S101 - the caller holds the lock of a project that is there
    return Progress(*row)
