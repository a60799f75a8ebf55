"""`cocosearch database check`: whether somebody else's database can be used, and what to run where it cannot."""

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from cocosearch.database.readiness import try_database
from cocosearch.errors import DatabaseUnavailableError
from cocosearch.settings import Settings


def test_a_fresh_database_can_be_used_and_stays_as_it_is(database_url: str) -> None:
    found = try_database(Settings(database_url=database_url))
    assert "can be used" in found
    assert "by a socket of this host" in found
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT to_regclass('projects')").fetchone() == (None,)


def test_without_the_extension_it_says_what_to_run(database_url: str, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, dbname=conninfo_to_dict(database_url)["dbname"], autocommit=True) as connection:
        connection.execute("DROP EXTENSION vector")
    with pytest.raises(DatabaseUnavailableError, match="CREATE EXTENSION vector"):
        try_database(Settings(database_url=database_url))


def test_without_the_right_to_make_tables_it_says_what_to_run(database_url: str, postgres_url: str) -> None:
    parts = conninfo_to_dict(database_url)
    with psycopg.connect(postgres_url, dbname=parts["dbname"], autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO postgres"))
        connection.execute(sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC, {}").format(sql.Identifier(str(parts["user"]))))
    with pytest.raises(DatabaseUnavailableError, match=rf'GRANT CREATE, USAGE ON SCHEMA public TO "{parts["user"]}"'):
        try_database(Settings(database_url=database_url))


def test_a_newer_database_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE migrations (number integer PRIMARY KEY)")
        connection.execute("INSERT INTO migrations VALUES (9999)")
    with pytest.raises(DatabaseUnavailableError, match=r"at migration 9999.*install a newer one"):
        try_database(Settings(database_url=database_url))


def test_nobody_there_is_a_sentence() -> None:
    with pytest.raises(DatabaseUnavailableError, match="cannot be used"):
        try_database(Settings(database_url="postgresql://me:hunter2@127.0.0.1:1/x"))
