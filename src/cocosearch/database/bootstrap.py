"""What only a superuser of PostgreSQL can do: the role, its database and the extension."""

import time

import psycopg
from psycopg import sql

from cocosearch.database.failures import failures_explained

ROLE = "cocosearch"
DATABASE = "cocosearch"
READY_TIMEOUT_SECONDS = 120.0
POLL_SECONDS = 0.25


def bootstrap(admin_url: str) -> None:
    """Create what is missing of role, database and extension; changes nothing on a second run.

    Args:
        admin_url: libpq URI of a superuser's connection to the database `postgres`.

    Raises:
        CocosearchError: the server did not answer within two minutes, or refused.
    """
    with failures_explained(), _connect_when_ready(admin_url) as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE").format(sql.Identifier(ROLE)))
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))
            connection.execute(sql.SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC").format(sql.Identifier(DATABASE)))
    with failures_explained(), psycopg.connect(admin_url, dbname=DATABASE, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.execute("ALTER EXTENSION vector UPDATE")


def _connect_when_ready(admin_url: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection, as soon as the server takes one; the unit's start order makes waiting rare."""
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while True:
        try:
            return psycopg.connect(admin_url, autocommit=True)
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)
