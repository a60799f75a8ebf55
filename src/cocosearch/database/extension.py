"""The extension pgvector: which version the database has, and what that means for its indexes."""

from typing import LiteralString

from cocosearch.database.connection import Connection
from cocosearch.errors import DatabaseUnavailableError, ExtensionMissingError

# Filtered searches need its iterative index scans.
MIN_PGVECTOR = (0, 8)
# Without the faults of its index that are known.
MENDED_PGVECTOR = (0, 8, 4)
SAFE_IN_PARALLEL = (0, 8, 2)
# By the version that mended each (pgvector's CHANGELOG).
_FAULTS = {
    SAFE_IN_PARALLEL: "building it in parallel can write beyond its memory (so it is built by one process here)",
    (0, 8, 3): "a vacuum beside inserts can damage it",
    MENDED_PGVECTOR: "a vacuum can fail",
}


def pgvector_version(connection: Connection) -> tuple[int, ...] | None:
    """Version of the extension in this database, or None where it is not created."""
    return _version(connection, "SELECT extversion FROM pg_extension WHERE extname = 'vector'")


def installed_version(connection: Connection) -> tuple[int, ...] | None:
    """Version of the package on the server's machine, or None where it is gone."""
    return _version(connection, "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'")


def written(version: tuple[int, ...]) -> str:
    """As people write it."""
    return ".".join(map(str, version))


def faults(version: tuple[int, ...]) -> list[str]:
    """What is known to be wrong with the vector indexes of that version."""
    return [what for mended_in, what in _FAULTS.items() if version < mended_in]


def check_extension(connection: Connection) -> None:
    """Refuse a database that cannot do filtered vector search.

    Raises:
        DatabaseUnavailableError: the extension is missing or too old; says what a superuser must run.
    """
    version = pgvector_version(connection)
    if version is None:
        raise ExtensionMissingError
    if version < MIN_PGVECTOR:
        raise DatabaseUnavailableError(
            f"pgvector {written(version)} is too old, 0.8 is needed. Install a newer package; then a superuser runs: "
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
