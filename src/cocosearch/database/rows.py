"""Rows of a project's files and chunks, as a run finds them."""

from collections import Counter
from collections.abc import Collection

from cocosearch.database.connection import Connection


def count_skipped(connection: Connection, project_id: int) -> Counter[str]:
    """How many of the project's files have no chunks, by reason."""
    rows = connection.execute(
        "SELECT skip_reason, count(*) FROM files WHERE project_id = %s AND skip_reason IS NOT NULL GROUP BY skip_reason", [project_id]
    )
    return Counter(dict(rows.fetchall()))


def delete_all_but(connection: Connection, project_id: int, paths: Collection[str]) -> None:
    """Delete the rows of files that are not listed, which a rebuild from a lost state knows nothing of."""
    connection.execute("DELETE FROM files WHERE project_id = %s AND path <> ALL(%s)", [project_id, list(paths)])


def complete_paths(connection: Connection, project_id: int) -> set[str]:
    """Files that the database holds with all their chunks."""
    rows = connection.execute(
        """
        SELECT f.path
        FROM files f LEFT JOIN (SELECT path, count(*) AS chunks FROM chunks WHERE project_id = %(project)s GROUP BY path) c USING (path)
        WHERE f.project_id = %(project)s AND f.chunk_count = coalesce(c.chunks, 0)
        """,
        {"project": project_id},
    )
    return {row[0] for row in rows}


def last_chunk_id(connection: Connection) -> int:
    """Every chunk that is written from now on has a greater id."""
    row = connection.execute("SELECT coalesce(max(id), 0) FROM chunks").fetchone()
    return int(row[0]) if row else 0


def count_texts(connection: Connection, project_id: int, after: int) -> int:
    """Distinct texts of the project's chunks with ids above `after`."""
    row = connection.execute(
        "SELECT count(DISTINCT embedded_digest) FROM chunks WHERE project_id = %s AND id > %s", [project_id, after]
    ).fetchone()
    return int(row[0]) if row else 0
