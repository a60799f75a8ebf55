"""The extension pgvector: which version the database has, and what that means for its indexes."""

from typing import LiteralString

from cocosearch.database.connection import Connection
from cocosearch.database.pgvector import MIN_PGVECTOR, SAFE_IN_PARALLEL, extension_missing, written
from cocosearch.errors import DatabaseUnavailableError


def pgvector_version(connection: Connection) -> tuple[int, ...] | None:
    """Version of the extension in this database, or None where it is not created."""
    return _version(connection, "SELECT extversion FROM pg_extension WHERE extname = 'vector'")


def installed_version(connection: Connection) -> tuple[int, ...] | None:
    """Version of the package on the server's machine, or None where it is gone."""
    return _version(connection, "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'")


def check_extension(connection: Connection) -> None:
    """Refuse a database that cannot do filtered vector search.

    Raises:
        DatabaseUnavailableError: the extension is missing or too old; says what a superuser must run.
    """
    version = pgvector_version(connection)
    if version is None:
        raise extension_missing()
    if version < MIN_PGVECTOR:
        raise DatabaseUnavailableError(
            f"pgvector {written(version)} is too old, {written(MIN_PGVECTOR)} is needed. Install a newer package; then a superuser runs: "
            "ALTER EXTENSION vector UPDATE."
        )


def build_safely(connection: Connection) -> None:
    """Have this session build indexes by one process where pgvector does not build them in parallel without fault."""
    version = pgvector_version(connection)
    if version is not None and version < SAFE_IN_PARALLEL:
        connection.execute("SET max_parallel_maintenance_workers = 0")


def _version(connection: Connection, query: LiteralString) -> tuple[int, ...] | None:
    row = connection.execute(query).fetchone()
    return tuple(int(part) for part in row[0].split(".")) if row and row[0] else None
