"""Numbered migrations: SQL files beside this module, applied once each, in order, in a transaction each."""

import re
from importlib import resources

import psycopg

from cocosearch.database.connection import Connection
from cocosearch.errors import DatabaseUnavailableError

MIN_PGVECTOR = (0, 8)
_MIGRATION_LOCK = 0x636F636D


def available() -> dict[int, str]:
    """SQL of each migration by its number."""
    directory = resources.files("cocosearch.database") / "migrations"
    found: dict[int, str] = {}
    for entry in directory.iterdir():
        match = re.fullmatch(r"(\d{4})_\w+\.sql", entry.name)
        if match:
            found[int(match[1])] = entry.read_text(encoding="utf-8")
    return dict(sorted(found.items()))


def applied(connection: Connection) -> list[int]:
    """Numbers of the migrations that this database has; empty for a fresh one."""
    exists = connection.execute("SELECT to_regclass('migrations') IS NOT NULL").fetchone()
    if not exists or not exists[0]:
        return []
    return [row[0] for row in connection.execute("SELECT number FROM migrations ORDER BY number")]


def pgvector_version(connection: Connection) -> tuple[int, ...] | None:
    """Version of the extension in this database, or None where it is not created."""
    row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
    return tuple(int(part) for part in row[0].split(".")) if row else None


def check_extension(connection: Connection) -> None:
    """Refuse a database that cannot do filtered vector search (iterative index scans came with pgvector 0.8).

    Raises:
        DatabaseUnavailableError: the extension is missing or too old; says what a superuser must run.
    """
    version = pgvector_version(connection)
    if version is None:
        raise DatabaseUnavailableError(
            "The database lacks the extension vector. A superuser must run: CREATE EXTENSION vector (pgvector 0.8 or later)."
        )
    if version < MIN_PGVECTOR:
        found = ".".join(map(str, version))
        raise DatabaseUnavailableError(
            f"pgvector {found} is too old, 0.8 is needed. Install a newer package; then a superuser runs: ALTER EXTENSION vector UPDATE."
        )


def check_migrated(connection: Connection) -> None:
    """Refuse a database that is not at this program's schema.

    Raises:
        DatabaseUnavailableError: says how to migrate, or to upgrade.
    """
    done, known = applied(connection), max(available())
    if not done or done[-1] < known:
        raise DatabaseUnavailableError(
            f"The database is at migration {done[-1] if done else 0} of {known}. "
            "Run `cocosearch database migrate`, as the unit cocosearch-database does."
        )
    if done[-1] > known:
        raise DatabaseUnavailableError(
            f"The database is at migration {done[-1]}, this program knows {known}: it is older than the database. Upgrade it."
        )


def migrate(connection: Connection) -> list[int]:
    """Apply what is missing; returns the numbers applied. Safe to run by several processes at once.

    A database that is newer than this program is left as it is: the release before still works on newer tables, as far as it can, and its
    health says that it is too old.

    Raises:
        DatabaseUnavailableError: the extension is missing or too old.
    """
    check_extension(connection)
    scripts = available()
    connection.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        done = applied(connection)
        missing = [number for number in scripts if number not in done]
        for number in missing:
            with connection.transaction():
                connection.execute(psycopg.sql.SQL(scripts[number]))
                connection.execute("INSERT INTO migrations (number) VALUES (%s)", [number])
        return missing
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATION_LOCK])
