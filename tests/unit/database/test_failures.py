"""Kinds of the database's failures that a test cannot easily make happen; tests/integration/database makes the others."""

import psycopg
import pytest
from psycopg import errors as sql

from cocosearch.database.failures import explained, failures_explained, is_lost
from cocosearch.errors import DatabaseBusyError, DatabaseFullError, DatabaseStartingError, DatabaseUnavailableError


@pytest.mark.parametrize(
    ("error", "kind", "lost"),
    [
        (sql.TooManyConnections("remaining slots"), DatabaseBusyError, False),
        (sql.OutOfMemory("out of shared memory"), DatabaseBusyError, False),
        (sql.ConfigurationLimitExceeded("temporary file size exceeds temp_file_limit"), DatabaseBusyError, False),
        (sql.LockNotAvailable("canceling statement due to lock timeout"), DatabaseBusyError, False),
        (sql.DeadlockDetected("deadlock detected"), DatabaseBusyError, False),
        (sql.QueryCanceled("canceling statement due to statement timeout"), DatabaseBusyError, False),
        (sql.ConnectionTimeout("connection timeout expired"), DatabaseBusyError, True),
        (psycopg.OperationalError("connection failed: … failed: Resource temporarily unavailable"), DatabaseBusyError, True),
        (psycopg.OperationalError("connection failed: FATAL:  sorry, too many clients already"), DatabaseBusyError, True),
        (psycopg.OperationalError("connection failed: FATAL:  no more connections allowed (max_client_conn)"), DatabaseBusyError, True),
        (psycopg.OperationalError("connection failed: FATAL:  the database system is starting up"), DatabaseStartingError, True),
        (psycopg.OperationalError("connection failed: FATAL:  the database system is in recovery mode"), DatabaseStartingError, True),
        (sql.CannotConnectNow("the database system is starting up"), DatabaseStartingError, True),
        (sql.AdminShutdown("terminating connection due to administrator command"), DatabaseUnavailableError, True),
        (sql.IdleSessionTimeout("terminating connection due to idle-session timeout"), DatabaseUnavailableError, True),
        (sql.IdleInTransactionSessionTimeout("terminating connection"), DatabaseUnavailableError, True),
        (psycopg.OperationalError("server closed the connection unexpectedly"), DatabaseUnavailableError, True),
        (psycopg.OperationalError("connection failed: Connection refused"), DatabaseUnavailableError, True),
        (sql.DiskFull("could not extend file: No space left on device"), DatabaseFullError, False),
        (sql.ReadOnlySqlTransaction("cannot execute INSERT in a read-only transaction"), DatabaseFullError, False),
        (sql.IndexCorrupted("index contains unexpected zero page"), DatabaseUnavailableError, False),
    ],
)
def test_each_failure_has_its_kind_and_quotes_its_reason(error: psycopg.Error, kind: type[Exception], lost: bool) -> None:
    found = explained(error)
    assert type(found) is kind
    assert str(error) in str(found)
    assert is_lost(error) is lost
    with pytest.raises(kind), failures_explained():
        raise error


def test_a_statement_that_is_wrong_stays_what_it_is() -> None:
    with pytest.raises(sql.UndefinedColumn), failures_explained():
        raise sql.UndefinedColumn("column does not exist")
