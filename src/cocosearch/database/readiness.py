"""Whether a database that somebody else runs can be this appliance's, before anything is changed for it."""

import psycopg

from cocosearch.database.connection import Connection
from cocosearch.database.extension import check_extension, pgvector_version
from cocosearch.database.failures import explained
from cocosearch.database.migrations import applied, available
from cocosearch.errors import DatabaseUnavailableError
from cocosearch.settings import Settings

CONNECT_TIMEOUT_SECONDS = 20


def try_database(settings: Settings) -> str:
    """Connect as the services will, and look whether the tables can be made; changes nothing.

    Returns:
        What was found, in a sentence.

    Raises:
        CocosearchError: no connection, no extension, no right to make tables, or tables of a newer program; says what to run.
    """
    try:
        with psycopg.connect(settings.database_url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
            check_extension(connection)
            _check_rights(connection)
            _check_age(connection)
            return _found(connection)
    except psycopg.Error as error:
        raise explained(error) from error


def _check_rights(connection: Connection) -> None:
    row = connection.execute(
        "SELECT current_user, current_schema(), current_schema() IS NOT NULL AND has_schema_privilege(current_schema(), 'CREATE')"
    ).fetchone()
    assert row is not None  # noqa: S101 - the query always has one row
    user, schema, may_create = row
    if not may_create:
        raise DatabaseUnavailableError(
            f"'{user}' may not make tables in the schema '{schema or 'public'}'. "
            f'Its owner must run: GRANT CREATE, USAGE ON SCHEMA {schema or "public"} TO "{user}";'
        )


def _check_age(connection: Connection) -> None:
    done, known = applied(connection), max(available())
    if done and done[-1] > known:
        raise DatabaseUnavailableError(f"The database is at migration {done[-1]}, this program knows {known}: install a newer one.")


def _found(connection: Connection) -> str:
    server = connection.info.parameter_status("server_version")
    vector = ".".join(map(str, pgvector_version(connection) or ()))
    host = connection.info.host
    encrypted = "by TLS" if connection.pgconn.ssl_in_use else "by a socket of this host" if host.startswith("/") else "WITHOUT TLS"
    return f"PostgreSQL {server} with pgvector {vector} can be used; it is reached {encrypted}."
