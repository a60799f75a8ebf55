"""Numbered migrations: SQL files beside this module, applied once each, in order, in a transaction each."""

import re
from importlib import resources

import psycopg

from cocosearch.database.connection import Connection
from cocosearch.database.extension import build_safely, check_extension
from cocosearch.errors import DatabaseUnavailableError

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
    build_safely(connection)
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
