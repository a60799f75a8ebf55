"""Connections to PostgreSQL, for one statement or for a process's life."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self, TypeAlias

import psycopg
from pgvector.psycopg import register_vector
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from cocosearch.database.failures import explained, failures_explained, no_answer
from cocosearch.database.pgvector import extension_missing
from cocosearch.errors import CocosearchError, DatabaseBusyError, DatabaseStartingError
from cocosearch.settings import Settings

CONNECT_TIMEOUT_SECONDS = 5
# A server that hangs is taken for one after so long.
CHECK_SECONDS = 4.0
# A moment more, so that why a connection could not be made is known before the wait for it ends.
POOL_TIMEOUT_SECONDS = CONNECT_TIMEOUT_SECONDS + 0.5
# What works in the background waits so long for a database that is busy or starts up, and tries so often.
PATIENCE_SECONDS = 600.0
RETRY_SECONDS = 1.0
# An indexing run has two embedding requests and several files to write at a time.
MIN_POOL_CONNECTIONS = 8
# Of PostgreSQL, as `server_version_num`: it knows `idle_session_timeout`.
_ENDS_IDLE_SESSIONS = 140_000

Connection: TypeAlias = psycopg.Connection[TupleRow]
# Called with the sentence when a wait begins or its reason changes, and with None when it is over.
OnWait: TypeAlias = Callable[[str | None], None]


class _Attempt(psycopg.Connection[TupleRow]):
    """A connection whose pool is told why it could not be made: all that a pool says itself is that there was none in time."""

    @classmethod
    def connect(  # type: ignore[override]
        cls,
        conninfo: str = "",
        *,
        note: Callable[[psycopg.OperationalError | None], None],
        **parameters: Any,  # noqa: ANN401 - libpq's
    ) -> Self:
        try:
            made = super().connect(conninfo, **parameters)
        except psycopg.OperationalError as error:
            note(error)
            raise
        note(None)
        return made


class Pool(ConnectionPool[Connection]):
    """Connections in autocommit mode, opened by `with`; it starts without a server and outlives its restarts.

    What fails within `connection()` is raised as an error for a reader (`cocosearch.database.failures`).
    """

    def __init__(
        self,
        settings: Settings,
        *,
        statement_timeout_seconds: float = 0.0,
        patience_seconds: float = 0.0,
        on_wait: OnWait = lambda _: None,
        before_lending: Callable[[], None] = lambda: None,
    ) -> None:
        """Take whose database it is.

        Args:
            settings: with its URL.
            statement_timeout_seconds: the server ends a statement that runs longer; 0 means none.
            patience_seconds: so long a busy database is waited for.
            on_wait: told of waits, in the threads that wait.
            before_lending: called before each connection is lent; what it raises is raised in its place.
        """
        self._patience, self._on_wait, self._before_lending = patience_seconds, on_wait, before_lending
        self._failure: psycopg.OperationalError | None = None
        # Each statement has its time by the server; this is for a server that hangs, and keeps no time.
        self._cut_after = 2 * statement_timeout_seconds
        options = f"{_given_options(settings)} -c statement_timeout={int(statement_timeout_seconds * 1000)}"
        super().__init__(
            settings.database_url,
            connection_class=_Attempt,
            kwargs={"autocommit": True, "connect_timeout": CONNECT_TIMEOUT_SECONDS, "options": options, "note": self._note},
            configure=_configure,
            check=self._check,
            min_size=1,
            max_size=max(MIN_POOL_CONNECTIONS, settings.max_searches),
            timeout=POOL_TIMEOUT_SECONDS,
            open=False,
            name="cocosearch",
        )

    @contextmanager
    def connection(self, timeout: float | None = None) -> Iterator[Connection]:
        """One connection, until the end of the block.

        Raises:
            DatabaseBusyError: there was none in time, or a statement's time was over.
            DatabaseFullError: there is no room for what was to be written.
            DatabaseUnavailableError: the database is down or ended the connection.
        """
        with failures_explained(), super().connection(timeout) as connection, _cut(connection, self._cut_after):
            yield connection

    def getconn(self, timeout: float | None = None) -> Connection:
        """One connection, to be given back by `putconn`; raises as `connection` does."""
        self._before_lending()
        lent, failure = self._lend(timeout)
        if lent is not None:
            return lent
        deadline = time.monotonic() + self._patience
        while lent is None:
            if not isinstance(failure, DatabaseBusyError) or time.monotonic() >= deadline:
                raise failure
            self._on_wait(str(failure))
            self._before_lending()
            lent, failure = self._lend(timeout)
        self._on_wait(None)
        return lent

    def _lend(self, timeout: float | None) -> tuple[Connection | None, CocosearchError]:
        """A connection, or why there is none."""
        try:
            return super().getconn(timeout), self._all_in_use()
        except PoolTimeout:
            failure = self._failure
            return None, self._all_in_use() if failure is None else explained(failure)

    def _all_in_use(self) -> DatabaseBusyError:
        return DatabaseBusyError(
            f"The database is busy: all {self.max_size} connections of this process to it are in use. Try again in a moment."
        )

    def _check(self, connection: Connection) -> None:
        """Raise unless the server answers on this connection, soon."""
        try:
            with _cut(connection, CHECK_SECONDS):
                ConnectionPool.check_connection(connection)
        except DatabaseBusyError:
            self._note(psycopg.errors.ConnectionTimeout(f"no answer within {CHECK_SECONDS:g} seconds"))
            raise

    def _note(self, failure: psycopg.OperationalError | None) -> None:
        self._failure = failure


def _given_options(settings: Settings) -> str:
    """What the URL itself asks of the server; of one that is malformed nothing: who connects is told."""
    try:
        return str(conninfo_to_dict(settings.database_url).get("options") or "")
    except psycopg.ProgrammingError:
        return ""


@contextmanager
def _cut(connection: Connection, seconds: float) -> Iterator[None]:
    """End the connection if the block takes longer; 0 means never. A statement that waits for the server has no other end.

    Raises:
        DatabaseBusyError: it was ended.
    """
    if not seconds:
        yield
        return
    deciding, ended = threading.Lock(), threading.Event()
    with socket.socket(fileno=os.dup(connection.fileno())) as line:

        def cut() -> None:
            with deciding:
                if not ended.is_set():
                    ended.set()
                    line.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(seconds, cut)
        timer.start()
        try:
            yield
        except psycopg.OperationalError as error:
            if ended.is_set():
                raise no_answer(f"nothing came for {seconds:g} seconds") from error
            raise
        finally:
            timer.cancel()
            with deciding:
                ended.set()


def _configure(connection: Connection) -> None:
    try:
        register_vector(connection)
    except psycopg.ProgrammingError as error:
        raise extension_missing() from error


@contextmanager
def connect(settings: Settings, *, patience_seconds: float = 0.0, on_wait: OnWait = lambda _: None) -> Iterator[Connection]:
    """One connection in autocommit mode, with pgvector's types and no limit of time; failures within become errors for a reader.

    Args:
        settings: whose database it is.
        patience_seconds: so long a database that is busy or starts up is waited for.
        on_wait: told of waits.

    Raises:
        DatabaseUnavailableError: no server, no database, or no extension `vector`.
        DatabaseBusyError: the server has no connection or no time.
    """
    with failures_explained(), _made(settings, patience_seconds, on_wait) as connection:
        _configure(connection)
        # What a server or a role has by default is meant for others: these sessions hold locks while others work, and build indexes.
        limits = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]
        if connection.info.server_version >= _ENDS_IDLE_SESSIONS:
            limits.append("idle_session_timeout")
        connection.execute("SELECT set_config(name, '0', false) FROM unnest(%s::text[]) name", [limits])
        yield connection


def _made(settings: Settings, patience_seconds: float, on_wait: OnWait) -> Connection:
    deadline, waited = time.monotonic() + patience_seconds, False
    while True:
        try:
            made = psycopg.connect(settings.database_url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS)
        except psycopg.OperationalError as error:
            failure = explained(error)
            if not isinstance(failure, DatabaseBusyError | DatabaseStartingError) or time.monotonic() >= deadline:
                raise failure from error
            on_wait(str(failure))
            waited = True
            time.sleep(RETRY_SECONDS)
        else:
            if waited:
                on_wait(None)
            return made


def open_pool(settings: Settings, statement_timeout_seconds: float = 0.0) -> Pool:
    """A pool for what somebody waits for: it gives up after seconds."""
    return Pool(settings, statement_timeout_seconds=statement_timeout_seconds)
