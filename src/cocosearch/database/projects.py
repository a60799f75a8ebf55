"""The table `projects`: all that is ever written to it, and the states that a project goes through.

    begin_run       any state ──> indexing
    complete_run    indexing ──> ready
    hold_up_run     any state ──> waiting: what holds up a run, or an inspection of the files before one, will pass
    fail_run        any state ──> failed: the same, where it will not pass by itself
    find_unchanged  any state ──> ready: an inspection found what the last complete run had seen
    request_run     any state ──> waiting, but a run under way goes on

`interrupted` is never stored: it is the state `indexing` without a process that holds the project's lock (`STATE`).
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from psycopg import sql
from psycopg.types.json import Jsonb

from cocosearch.database.connection import Connection
from cocosearch.database.embeddings import REFUSAL_DUE_AT
from cocosearch.database.locks import PROJECT_LOCKS_HELD
from cocosearch.database.notifications import announce_request
from cocosearch.errors import DatabaseFullError, HeldUpError, IndexingError

MAX_ERROR = 4_000


class ProjectState(StrEnum):
    """Where a project stands; whatever it is, the rows that are there are served."""

    WAITING = "waiting"
    INDEXING = "indexing"
    INTERRUPTED = "interrupted"  # its process is gone; the next run takes it up. Computed from the locks, never stored.
    READY = "ready"
    FAILED = "failed"


# Of projects p; the locks are read only where a project says that it is being indexed.
STATE = f"CASE WHEN p.state = 'indexing' AND p.id NOT IN ({PROJECT_LOCKS_HELD}) THEN 'interrupted' ELSE p.state END"
# Rows of project p: files, chunks, chunks as the files' rows have them, definitions.
ROW_COUNTS = """
    ARRAY[
        (SELECT count(*) FROM files WHERE project_id = p.id),
        (SELECT count(*) FROM chunks WHERE project_id = p.id),
        (SELECT coalesce(sum(chunk_count), 0) FROM files WHERE project_id = p.id),
        (SELECT count(*) FROM definitions WHERE project_id = p.id)
    ]::bigint[]
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A request to bring one project's index up to date; progress is in the project's status."""

    project: str
    root: str
    state: ProjectState
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class EngineStamp:
    """Identity of a build of the rows from nothing, and the number of its completed runs."""

    identity: uuid.UUID
    generation: int


@dataclass(frozen=True, slots=True)
class ChunkCounts:
    """How many chunks a project has, and how many of them have a vector."""

    chunks: int
    embedded: int


def register_project(connection: Connection, name: str, root: Path) -> int:
    """The project's id; makes the row if there is none.

    Raises:
        IndexingError: the name is taken by another directory, or the directory is indexed under another name.
    """
    row = connection.execute(
        "SELECT id, name, root FROM projects WHERE name = %s OR root = %s ORDER BY (root = %s) DESC", [name, str(root), str(root)]
    ).fetchone()
    if row is None:
        created = connection.execute(
            "INSERT INTO projects (name, root) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING id", [name, str(root)]
        ).fetchone()
        if created is None:  # another process made it in this moment
            return register_project(connection, name, root)
        return int(created[0])
    project_id, known_name, known_root = row
    if known_root != str(root):
        raise IndexingError(
            f"The name '{name}' belongs to {known_root}. Give this project another name: --name, or `name:` in cocosearch.yaml."
        )
    if known_name != name:
        raise IndexingError(f"{root} is indexed as '{known_name}'. Use that name, or run `cocosearch clear {known_name}` first.")
    return int(project_id)


def delete_project(connection: Connection, project_id: int) -> None:
    """Delete the project with all of its rows; the caller holds its lock."""
    connection.execute("DELETE FROM projects WHERE id = %s", [project_id])


def request_run(connection: Connection, name: str, root: Path, max_queued: int) -> Job:
    """Ask the indexer for a run, now; asking twice is asking once, and a run under way goes on.

    Args:
        connection: in autocommit mode.
        name: of the project, which is registered if need be.
        root: its directory.
        max_queued: refuse when that many other projects wait already.

    Raises:
        IndexingError: the queue is full, or the name belongs to another directory.
    """
    with connection.transaction():
        waiting = connection.execute("SELECT count(*) FROM projects WHERE state = 'waiting' AND root <> %s", [str(root)]).fetchone()
        if waiting and waiting[0] >= max_queued:
            raise IndexingError(f"{waiting[0]} projects wait for indexing already; try again when `cocosearch list` shows fewer.")
        register_project(connection, name, root)
        row = connection.execute(
            """
            UPDATE projects
            SET requested_at = clock_timestamp(), state = CASE WHEN state = 'indexing' THEN state ELSE 'waiting' END
            WHERE root = %s
            RETURNING name, root, state, requested_at
            """,
            [str(root)],
        ).fetchone()
        assert row is not None  # noqa: S101 - the row was made above, in this transaction
        announce_request(connection, name)
    return Job(project=row[0], root=row[1], state=ProjectState(row[2]), requested_at=row[3])


def begin_run(connection: Connection, project_id: int, rows_version: int) -> None:
    """Indexing: a run makes rows of that version; its progress counts from zero."""
    before = connection.execute("SELECT rows_version FROM projects WHERE id = %s AND chunks_embedded > 0", [project_id]).fetchone()
    connection.execute(
        """
        UPDATE projects
        SET state = 'indexing', started_at = clock_timestamp(), files_done = 0, listing_digest = NULL, vectors_complete = false,
            row_counts = NULL, anew = coalesce(%s, anew),
            held_up = NULL, database_full = false
        WHERE id = %s
        """,
        [why_rows_anew(before[0], rows_version) if before else None, project_id],
    )


def why_rows_anew(before: int | None, now: int) -> str | None:
    """Why rows of one version have to be made anew, as the end of a sentence; None where they need not, or nothing is known of them."""
    return "this release cuts code into other chunks (what stays the same keeps its vector)" if before not in {None, now} else None


def complete_rows(
    connection: Connection, project_id: int, *, digest: bytes, skipped: dict[str, int], notes: list[str], rows_version: int
) -> None:
    """Still indexing, with all rows there: words find all of it.

    Args:
        connection: of the run, which holds the project's lock.
        project_id: of the project.
        digest: of the listing and the recipe that the rows are made of.
        skipped: how many files have no rows, by reason.
        notes: what could not be done as it should, for the project's status.
        rows_version: as given to `begin_run`.
    """
    connection.execute(
        """
        UPDATE projects SET checked_at = clock_timestamp(), listing_digest = %s, skipped = %s, notes = %s, rows_version = %s WHERE id = %s
        """,
        [digest, Jsonb(skipped), notes, rows_version, project_id],
    )
    connection.execute(f"UPDATE projects p SET row_counts = {ROW_COUNTS} WHERE id = %s", [project_id])  # noqa: S608 - a constant


def complete_run(connection: Connection, project_id: int) -> None:
    """Ready: the run ended, and every text has its vector or a refusal."""
    connection.execute(
        sql.SQL("""
        UPDATE projects p
        SET state = 'ready', indexed_at = clock_timestamp(), last_error = NULL, vectors_complete = true, anew = NULL,
            held_up = NULL, database_full = false,
            refusals_due_at = (
                SELECT min({due_at}) FROM embeddings e JOIN chunks c ON c.embedded_digest = e.text_digest
                WHERE e.model_id = p.model_id AND e.embedding IS NULL AND c.project_id = p.id
            )
        WHERE p.id = %s
        """).format(due_at=REFUSAL_DUE_AT),
        [project_id],
    )


def find_unchanged(connection: Connection, project_id: int) -> None:
    """Ready: an inspection of the files found what the last complete run had seen."""
    connection.execute(
        """
        UPDATE projects
        SET state = 'ready', last_error = NULL, held_up = NULL, database_full = false,
            checked_at = clock_timestamp(), started_at = greatest(started_at, requested_at)
        WHERE id = %s
        """,
        [project_id],
    )


def fail_run(connection: Connection, project_id: int, error: str) -> None:
    """Failed: the run ended early; what it has written stays."""
    # An exception may quote anything; the database takes no half of a surrogate pair and no zero.
    writable = error.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")[:MAX_ERROR]
    connection.execute(
        "UPDATE projects SET state = 'failed', last_error = %s, held_up = NULL, database_full = false WHERE id = %s", [writable, project_id]
    )


def hold_up_run(connection: Connection, project_id: int, reason: HeldUpError) -> None:
    """Waiting: the run ended early for a reason that will pass, and the next one goes on where it was; said again, it writes nothing."""
    connection.execute(
        """
        UPDATE projects SET state = 'waiting', held_up = %(sentence)s, database_full = %(full)s
        WHERE id = %(project)s AND (state, held_up, database_full) IS DISTINCT FROM ('waiting', %(sentence)s, %(full)s)
        """,
        {"project": project_id, "sentence": str(reason), "full": isinstance(reason, DatabaseFullError)},
    )


def note_wait(connection: Connection, project_id: int, sentence: str | None) -> None:
    """In whatever state: a run goes on, and waits at the moment; None: it waits no more."""
    connection.execute("UPDATE projects SET held_up = %s WHERE id = %s", [sentence, project_id])


def take_back_rows(connection: Connection, project_id: int, *, rebuild: bool) -> None:
    """Have the next run find that rows are missing; with `rebuild` it makes all of them again, over those there are."""
    connection.execute(
        """
        UPDATE projects
        SET listing_digest = NULL, vectors_complete = false, row_counts = NULL, chunks_counted = 0,
            engine_identity = CASE WHEN %(rebuild)s THEN NULL ELSE engine_identity END
        WHERE id = %(project)s
        """,
        {"project": project_id, "rebuild": rebuild},
    )


def set_model(connection: Connection, project_id: int, model_id: int, anew: str | None) -> None:
    """Have vectors of this model only; `anew` says why those of another one no longer count, None leaves what was said before."""
    connection.execute("UPDATE projects SET model_id = %s, anew = coalesce(%s, anew) WHERE id = %s", [model_id, anew, project_id])


def set_term_count(connection: Connection, project_id: int, chunks: int) -> None:
    """The terms were counted when the project had that many chunks."""
    connection.execute("UPDATE projects SET chunks_counted = %s WHERE id = %s", [chunks, project_id])


def set_engine_stamp(connection: Connection, project_id: int, stamp: EngineStamp) -> None:
    """The rows belong to the engine's state that carries the same stamp."""
    connection.execute(
        "UPDATE projects SET engine_identity = %s, engine_generation = %s WHERE id = %s", [stamp.identity, stamp.generation, project_id]
    )


def engine_stamp(connection: Connection, project_id: int) -> EngineStamp | None:
    """Stamp of the engine's state that the rows belong to; None where there are none, or they are to be made anew."""
    row = connection.execute("SELECT engine_identity, engine_generation FROM projects WHERE id = %s", [project_id]).fetchone()
    return EngineStamp(row[0], row[1]) if row and row[0] else None


def count_progress(connection: Connection, project_id: int, files_total: int, files_done: int) -> ChunkCounts:
    """Make the progress of a run visible to everyone, and count what it has made so far."""
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
        RETURNING p.chunks, p.chunks_embedded
        """,
        {"project": project_id, "total": files_total, "done": files_done},
    ).fetchone()
    assert row is not None  # noqa: S101 - the caller holds the lock of a project that is there
    return ChunkCounts(chunks=int(row[0]), embedded=int(row[1]))
