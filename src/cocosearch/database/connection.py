"""Connections to PostgreSQL, for one statement or for a process's life."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

import psycopg
from pgvector.psycopg import register_vector
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from cocosearch.errors import DatabaseUnavailableError
from cocosearch.settings import Settings

CONNECT_TIMEOUT_SECONDS = 5
# An indexing run has two embedding requests and several files to write at a time.
MIN_POOL_CONNECTIONS = 8

Connection: TypeAlias = psycopg.Connection[TupleRow]
Pool: TypeAlias = ConnectionPool[Connection]


def unavailable(error: psycopg.Error | PoolTimeout) -> DatabaseUnavailableError:
    """The sentence for a database that does not answer; connection errors of libpq name no password."""
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return DatabaseUnavailableError(
        f"The database cannot be used: {reason}. See `systemctl status cocosearch-postgresql` or check COCOSEARCH_DATABASE_URL."
    )


def is_lost(error: BaseException) -> bool:
    """Whether the connection, or the server, is gone; else the server lives and refused one statement."""
    if isinstance(error, PoolTimeout | DatabaseUnavailableError):
        return True
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate is None or error.sqlstate.startswith(("08", "57P")))


def _configure(connection: Connection) -> None:
    try:
        register_vector(connection)
    except psycopg.ProgrammingError as error:
        raise DatabaseUnavailableError(
            "The database lacks the extension vector. A superuser must run: CREATE EXTENSION vector (pgvector 0.8 or later)."
        ) from error


@contextmanager
def connect(settings: Settings) -> Iterator[Connection]:
    """One connection in autocommit mode, with pgvector's types.

    Raises:
        DatabaseUnavailableError: no server, no database, or no extension `vector`.
    """
    try:
        connection = psycopg.connect(settings.database_url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS)
    except psycopg.OperationalError as error:
        raise unavailable(error) from error
    with connection:
        _configure(connection)
        yield connection


def open_pool(settings: Settings, statement_timeout_seconds: float = 0.0) -> Pool:
    """A pool of autocommit connections, opened by `with`; it starts without a server and outlives its restarts.

    Args:
        settings: whose database it is.
        statement_timeout_seconds: the server ends a statement that runs longer; 0 means none.
    """
    options = f"-c statement_timeout={int(statement_timeout_seconds * 1000)}"
    return ConnectionPool(
        settings.database_url,
        kwargs={"autocommit": True, "connect_timeout": CONNECT_TIMEOUT_SECONDS, "options": options},
        configure=_configure,
        check=ConnectionPool.check_connection,
        min_size=1,
        max_size=max(MIN_POOL_CONNECTIONS, settings.max_searches),
        timeout=CONNECT_TIMEOUT_SECONDS,
        open=False,
        name="cocosearch",
    )
