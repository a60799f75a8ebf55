"""In how many chunks each term occurs: counted per project, and anew when the project has changed by a tenth.

An IDF that is a tenth of the chunks old orders hits the same; counting at every change would cost more than the change.
"""

from cocosearch.database.connection import Connection
from cocosearch.database.projects import set_term_count

STALE_SHARE = 0.1


def refresh_statistics(connection: Connection, project_id: int, *, chunks: int, stale_share: float = STALE_SHARE) -> bool:
    """Count the terms of a project if its number of chunks moved by more than a share of itself since the last count.

    Args:
        connection: not in a transaction of its own.
        project_id: of the project; the caller holds its lock.
        chunks: how many it has now.
        stale_share: the share that it may have moved by.

    Returns:
        Whether it counted.
    """
    row = connection.execute("SELECT chunks_counted FROM projects WHERE id = %s", [project_id]).fetchone()
    counted = int(row[0]) if row else 0
    if abs(chunks - counted) <= stale_share * counted:
        return False
    with connection.transaction():
        connection.execute("DELETE FROM term_statistics WHERE project_id = %s", [project_id])
        connection.execute(
            """
            INSERT INTO term_statistics (term, project_id, chunks)
            SELECT term, %(project)s, count(*) FROM chunks, unnest(terms) AS term WHERE project_id = %(project)s GROUP BY term
            """,
            {"project": project_id},
        )
        set_term_count(connection, project_id, chunks)
    return True
