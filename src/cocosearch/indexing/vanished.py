"""Rows that went behind the indexer's back: by hand, by a restored table, by a damaged disk. Noticed by counting, and made again."""

import logging

from cocosearch.database.connection import Connection

log = logging.getLogger(__name__)

# Of one project: files, chunks, chunks as the files' rows have them, definitions.
_COUNTS = """
    ARRAY[
        (SELECT count(*) FROM files WHERE project_id = p.id),
        (SELECT count(*) FROM chunks WHERE project_id = p.id),
        (SELECT coalesce(sum(chunk_count), 0) FROM files WHERE project_id = p.id),
        (SELECT count(*) FROM definitions WHERE project_id = p.id)
    ]::bigint[]
"""
# Every text of a complete index has its vector, or the model's refusal.
_WITHOUT_VECTOR = """
    SELECT count(*) FROM chunks c
    WHERE c.project_id = p.id AND NOT EXISTS (SELECT FROM embeddings e WHERE e.model_id = p.model_id AND e.text_digest = c.embedded_digest)
"""


def count_rows(connection: Connection, project_id: int) -> None:
    """Remember how many rows the project has, now that they are complete."""
    connection.execute(f"UPDATE projects p SET row_counts = {_COUNTS} WHERE id = %s", [project_id])  # noqa: S608 - a constant


def take_back_what_vanished(connection: Connection, project_id: int, name: str) -> bool:
    """Compare the rows with those of the last complete run; where some are gone, have the next run make them again.

    Rows come from the files, over those there are, and vectors from the cache, or from the model where they are gone too.

    Returns:
        Whether something was gone.
    """
    row = connection.execute(
        f"""
        SELECT p.row_counts, {_COUNTS}, p.vectors_complete, ({_WITHOUT_VECTOR}),
               p.chunks_counted > 0 AND NOT EXISTS (SELECT FROM term_statistics t WHERE t.project_id = p.id)
        FROM projects p WHERE p.id = %s
        """,  # noqa: S608 - constants
        [project_id],
    ).fetchone()
    if row is None or row[0] is None:
        return False
    before, now, vectors_complete, without_vector, no_statistics = row
    without_vector = without_vector if vectors_complete else 0
    if before == now and not without_vector and not no_statistics:
        return False
    log.warning(
        "%s: rows have vanished from the database and are made again: %d of %d files, %d of %d chunks, %d of %d definitions are there; "
        "%d chunks have no vector%s",
        *(name, now[0], before[0], now[1], before[1], now[3], before[3], without_vector),
        "; the statistics of its words are gone" if no_statistics else "",
    )
    connection.execute(
        """
        UPDATE projects
        SET listing_digest = NULL, vectors_complete = false, row_counts = NULL, chunks_counted = 0,
            engine_identity = CASE WHEN %(rebuild)s THEN NULL ELSE engine_identity END
        WHERE id = %(project)s
        """,
        {"project": project_id, "rebuild": before != now},
    )
    return True
