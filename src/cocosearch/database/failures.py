"""What a failure of the database means: which kind of error it is, and the sentence about it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as sql
from psycopg_pool import PoolTimeout

from cocosearch.errors import (
    CocosearchError,
    DatabaseBusyError,
    DatabaseFullError,
    DatabaseStartingError,
    DatabaseUnavailableError,
)
from cocosearch.process.units import look_or_check, show_status

# libpq gives no SQLSTATE with a refused connection, only the server's words.
_REFUSALS = {
    "too many clients": "53300",
    "remaining connection slots": "53300",
    "too many connections": "53300",
    "no more connections allowed": "53300",  # PgBouncer's
    "starting up": "57P03",
    "shutting down": "57P03",
    "in recovery mode": "57P03",
    "not accepting connections": "57P03",
    "not yet accepting connections": "57P03",
}
# A server that does not come to take its next connection: the kernel's queue of them is full.
_QUEUE_IS_FULL = "Resource temporarily unavailable"
# The session is over: shut down or crashed, idle for too long, in one transaction for too long.
_ENDED = ("08", "57P", "25P03", "25P04")
# Failures of the database, some of which psycopg counts among errors of the program.
_INTERNAL = (sql.ReadOnlySqlTransaction, sql.IdleInTransactionSessionTimeout, sql.TransactionTimeout, sql.IndexCorrupted, sql.DataCorrupted)
FORESEEN = (psycopg.OperationalError, PoolTimeout, *_INTERNAL)


def explained(error: psycopg.Error | PoolTimeout) -> CocosearchError:
    """The error for a reader: busy, full, starting, or else not to be used; libpq's own reasons name no password."""
    state, reason = _state(error), _reason(error)
    for beginning, make in _KINDS.items():
        if state.startswith(beginning):
            return make(reason)
    if isinstance(error, psycopg.errors.ConnectionTimeout | PoolTimeout) or _QUEUE_IS_FULL in reason:
        return no_answer(reason)
    return DatabaseUnavailableError(
        f"The database cannot be used: {reason}. {look_or_check('cocosearch-postgresql', 'COCOSEARCH_DATABASE_URL')}"
    )


@contextmanager
def failures_explained() -> Iterator[None]:
    """Failures of the database within become errors for a reader; what a faulty statement makes happen stays what it is."""
    try:
        yield
    except FORESEEN as error:
        raise explained(error) from error


def no_answer(reason: str) -> DatabaseBusyError:
    """The error about a server that is silent: it may be busy, and may hang."""
    status = show_status("cocosearch-postgresql")
    return DatabaseBusyError(
        f"The database is busy: it gave no answer in time ({reason}). Try again in a moment; if this lasts, it may hang"
        f"{f': {status}' if status else ''}."
    )


def is_lost(error: BaseException) -> bool:
    """Whether the connection, or the server, is gone; else the server lives and refused one statement."""
    if isinstance(error, PoolTimeout | DatabaseUnavailableError):
        return True
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        return True
    return isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(_ENDED)


def _state(error: psycopg.Error | PoolTimeout) -> str:
    if isinstance(error, psycopg.Error) and error.sqlstate is not None:
        return error.sqlstate
    text = str(error)
    return next((state for words, state in _REFUSALS.items() if words in text), "")


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _busy(what: str, remedy: str) -> Callable[[str], CocosearchError]:
    return lambda reason: DatabaseBusyError(f"The database is busy: {what} ({reason}). {remedy}")


def _full(what: str) -> Callable[[str], CocosearchError]:
    return lambda reason: DatabaseFullError(f"{what} ({reason}). Make room for it; search goes on, and so does indexing by itself then.")


_AGAIN = "Try again in a moment."
# By the beginning of the SQLSTATE; the first that fits.
_KINDS: dict[str, Callable[[str], CocosearchError]] = {
    "53100": _full("The database has no room left"),
    "25006": _full("The database takes no writes: it is a replica, or its own disk is nearly full"),
    "53300": _busy(
        "all of its connections are taken",
        f"{_AGAIN[:-1]}; if this lasts, raise its max_connections (the role's postgresql_max_connections).",
    ),
    "53": _busy("it is short of memory or of what it may use", _AGAIN),
    "55P03": _busy("other work holds what this needs", _AGAIN),
    "40": _busy("other work was in the way", _AGAIN),
    "57014": _busy("a statement was ended", "Ask for less, such as one project, or try again in a moment."),
    "57P03": lambda reason: DatabaseStartingError(
        f"The database is starting up or shutting down ({reason}). {_AGAIN} After a crash its recovery may take minutes."
    ),
    "57P": lambda reason: DatabaseUnavailableError(f"The database ended the connection: it was stopped or restarted ({reason}). {_AGAIN}"),
    "25P0": lambda reason: DatabaseUnavailableError(
        f"The database ended the connection, as it is told to after some time ({reason}). {_AGAIN}"
    ),
    **dict.fromkeys(
        ("XX001", "XX002"),
        lambda reason: DatabaseUnavailableError(
            f"An index or a table of the database is damaged ({reason}). `sudo cocosearch reindex --all` makes the indexes anew."
        ),
    ),
}
