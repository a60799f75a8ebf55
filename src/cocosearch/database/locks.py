"""Advisory locks: one project is never written by two processes at the same time, and one database has one indexer.

They belong to a session of PostgreSQL, so a process that dies, however it dies, holds none.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from cocosearch.database.connection import Connection, connect, unavailable
from cocosearch.settings import Settings

# First key of pg_advisory_lock(int, int): arbitrary, and ours alone within our database.
PROJECT_LOCKS = 0x636F636F
INDEXER_LOCK = (0x636F6369, 0)


@contextmanager
def project_lock(settings: Settings, project_id: int, on_wait: Callable[[], None]) -> Iterator[Connection]:
    """Hold the right to write one project; waits for whoever has it, after calling `on_wait` once.

    Yields the session's connection: a run that ends must see it alive, for a lost session is a lost lock.
    """
    with connect(settings) as connection:
        if not _try_lock(connection, (PROJECT_LOCKS, project_id)):
            on_wait()
            try:
                connection.execute("SELECT pg_advisory_lock(%s, %s)", [PROJECT_LOCKS, project_id])
            except psycopg.OperationalError as error:
                raise unavailable(error) from error
        yield connection


def try_indexer_lock(connection: Connection) -> bool:
    """Become the indexer of this database, until the connection closes; False if another process is it."""
    return _try_lock(connection, INDEXER_LOCK)


def indexer_is_running(connection: Connection) -> bool:
    """Whether some process is the indexer of this database."""
    held = connection.execute(
        """
        SELECT EXISTS (
            SELECT FROM pg_locks
            WHERE locktype = 'advisory' AND granted AND (classid, objid) = (%s, %s)
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        )
        """,
        INDEXER_LOCK,
    ).fetchone()
    return bool(held and held[0])


def _try_lock(connection: Connection, key: tuple[int, int]) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", key).fetchone()
    return bool(row and row[0])
