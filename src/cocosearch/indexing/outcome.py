"""What a run leaves in the database: state, digest, skipped files; and whether the rows are those of the listing."""

from collections import Counter

from psycopg import sql
from psycopg.types.json import Jsonb

from cocosearch.database.connection import Connection
from cocosearch.database.models import REFUSAL_DUE_AT, why_rows_anew
from cocosearch.errors import DatabaseFullError, HeldUpError
from cocosearch.indexing.sources.listing import Listing
from cocosearch.indexing.vanished import count_rows

MAX_ERROR = 4_000


def start(connection: Connection, project_id: int, rows_version: int) -> None:
    """The run begins, and makes rows of that version; its progress counts from zero."""
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


def rows_written(connection: Connection, project_id: int, listing: Listing, digest: bytes, rows_version: int) -> None:
    """The rows are those of the listing, and of that version: words find all of it."""
    connection.execute(
        """
        UPDATE projects SET checked_at = clock_timestamp(), listing_digest = %s, skipped = %s, notes = %s, rows_version = %s WHERE id = %s
        """,
        [digest, Jsonb(_skipped(connection, project_id, listing)), list(listing.notes), rows_version, project_id],
    )
    count_rows(connection, project_id)


def complete(connection: Connection, project_id: int) -> None:
    """The run ended, and every text has its vector or a refusal."""
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


def failed(connection: Connection, project_id: int, error: str) -> None:
    """The run ended early; what it has written stays."""
    # An exception may quote anything; the database takes no half of a surrogate pair and no zero.
    writable = error.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")[:MAX_ERROR]
    connection.execute(
        "UPDATE projects SET state = 'failed', last_error = %s, held_up = NULL, database_full = false WHERE id = %s", [writable, project_id]
    )


def waits(connection: Connection, project_id: int, reason: HeldUpError) -> None:
    """The run ended early for a reason that will pass, and the next run goes on where it was; said again, it writes nothing."""
    connection.execute(
        """
        UPDATE projects SET state = 'waiting', held_up = %(sentence)s, database_full = %(full)s
        WHERE id = %(project)s AND (state, held_up, database_full) IS DISTINCT FROM ('waiting', %(sentence)s, %(full)s)
        """,
        {"project": project_id, "sentence": str(reason), "full": isinstance(reason, DatabaseFullError)},
    )


def held_up(connection: Connection, project_id: int, sentence: str | None) -> None:
    """The run goes on, and waits in this moment; None: it waits no more."""
    connection.execute("UPDATE projects SET held_up = %s WHERE id = %s", [sentence, project_id])


def found_unchanged(connection: Connection, project_id: int) -> None:
    """A look at the files found what the last complete run had seen."""
    connection.execute(
        """
        UPDATE projects
        SET state = 'ready', last_error = NULL, held_up = NULL, database_full = false,
            checked_at = clock_timestamp(), started_at = greatest(started_at, requested_at)
        WHERE id = %s
        """,
        [project_id],
    )


def _skipped(connection: Connection, project_id: int, listing: Listing) -> dict[str, int]:
    counts = Counter({str(reason): count for reason, count in listing.skipped.items()})
    rows = connection.execute(
        "SELECT skip_reason, count(*) FROM files WHERE project_id = %s AND skip_reason IS NOT NULL GROUP BY skip_reason", [project_id]
    )
    counts.update(dict(rows.fetchall()))
    return dict(counts)


def sweep(connection: Connection, project_id: int, listing: Listing) -> None:
    """Delete rows of files that are not listed, which a rebuild from a lost state knows nothing of."""
    connection.execute("DELETE FROM files WHERE project_id = %s AND path <> ALL(%s)", [project_id, [file.path for file in listing.files]])


def missing_rows(connection: Connection, project_id: int, listing: Listing) -> list[str]:
    """Listed files that the database does not hold with all their chunks."""
    complete = connection.execute(
        """
        SELECT f.path
        FROM files f LEFT JOIN (SELECT path, count(*) AS chunks FROM chunks WHERE project_id = %(project)s GROUP BY path) c USING (path)
        WHERE f.project_id = %(project)s AND f.chunk_count = coalesce(c.chunks, 0)
        """,
        {"project": project_id},
    )
    held = {row[0] for row in complete}
    return [file.path for file in listing.files if file.path not in held]
