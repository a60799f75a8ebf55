"""Advisory locks: one project is never written by two processes at the same time, and one database has one indexer.

They belong to a session of PostgreSQL, so a process that dies, however it dies, holds none.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cocosearch.database.connection import PATIENCE_SECONDS, Connection, OnWait, connect
from cocosearch.errors import ProjectBusyError
from cocosearch.settings import Settings

# First key of pg_advisory_lock(int, int): arbitrary, and ours alone within our database.
PROJECT_LOCKS = 0x636F636F
INDEXER_LOCK = (0x636F6369, 0)
# Who builds an index beside writes waits for all who write, so two that build would wait for each other.
BUILD_LOCK = (0x636F6372, 0)
# Locks of this kind that some process holds in this database.
_HELD = "pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
# Ids of the projects that some process writes now.
PROJECT_LOCKS_HELD = f"SELECT objid::integer FROM {_HELD} AND classid = {PROJECT_LOCKS}"  # noqa: S608 - constants
IS_HELD = f"EXISTS (SELECT FROM {_HELD} AND (classid, objid) = (%s, %s))"
# A statement that waits for a lock, maybe for hours, would hold a snapshot: vacuum could clean up nothing, and `reindex` would wait for it.
POLL_SECONDS = 0.5


@contextmanager
def project_lock(
    settings: Settings, project_id: int, on_wait: Callable[[], None] | None, *, on_held_up: OnWait = lambda _: None
) -> Iterator[Connection]:
    """Hold the right to write one project; waits for whoever has it, after calling `on_wait` once, and for a database that is busy.

    Yields the session's connection: a run that ends must see it alive, for a lost session is a lost lock.

    Raises:
        ProjectBusyError: another process has it, and without `on_wait` it is not waited for.
    """
    with connect(settings, patience_seconds=PATIENCE_SECONDS, on_wait=on_held_up) as connection:
        key = (PROJECT_LOCKS, project_id)
        if not try_lock(connection, key):
            if on_wait is None:
                raise ProjectBusyError("Another process indexes this project now; try again once `cocosearch status` calls it ready.")
            on_wait()
            while not try_lock(connection, key):
                time.sleep(POLL_SECONDS)
        yield connection


@contextmanager
def index_build(connection: Connection) -> Iterator[None]:
    """Be the only one who builds an index; waits for whoever does."""
    while not try_lock(connection, BUILD_LOCK):
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s, %s)", BUILD_LOCK)


def try_indexer_lock(connection: Connection) -> bool:
    """Become the indexer of this database, until the connection closes; False if another process is it."""
    return try_lock(connection, INDEXER_LOCK)


def indexer_is_running(connection: Connection) -> bool:
    """Whether some process is the indexer of this database."""
    return is_held(connection, INDEXER_LOCK)


def is_held(connection: Connection, key: tuple[int, int]) -> bool:
    """Whether some process has a lock."""
    held = connection.execute(f"SELECT {IS_HELD}", key).fetchone()
    return bool(held and held[0])


def try_lock(connection: Connection, key: tuple[int, int]) -> bool:
    """Take a lock, until the connection closes; False if another process has it."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", key).fetchone()
    return bool(row and row[0])
