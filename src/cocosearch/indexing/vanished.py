"""Rows that went behind the indexer's back: by hand, by a restored table, by a damaged disk. Noticed by counting, and made again."""

import logging

from cocosearch.database.connection import Connection
from cocosearch.database.projects import ROW_COUNTS, take_back_rows

log = logging.getLogger(__name__)

# Every text of a complete index has its vector, or the model's refusal.
_WITHOUT_VECTOR = """
    SELECT count(*) FROM chunks c
    WHERE c.project_id = p.id AND NOT EXISTS (SELECT FROM embeddings e WHERE e.model_id = p.model_id AND e.text_digest = c.embedded_digest)
"""


def take_back_what_vanished(connection: Connection, project_id: int, name: str) -> bool:
    """Compare the rows with those of the last complete run; where some are gone, have the next run make them again.

    Rows come from the files, over those there are, and vectors from the cache, or from the model where they are gone too.

    Returns:
        Whether something was gone.
    """
    row = connection.execute(
        f"""
        SELECT p.row_counts, {ROW_COUNTS}, p.vectors_complete, ({_WITHOUT_VECTOR}),
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
    take_back_rows(connection, project_id, rebuild=before != now)
    return True
