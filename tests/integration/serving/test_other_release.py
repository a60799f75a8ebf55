"""A program in front of tables of another release says so, and loses nothing."""

import socket
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from cocosearch.cli.main import main
from cocosearch.database import connect
from cocosearch.database.migrations import available, migrate
from cocosearch.errors import DatabaseUnavailableError
from cocosearch.operations import health
from cocosearch.operations.health import PartState
from cocosearch.operations.monitor import HealthMonitor
from cocosearch.search.types import SearchRequest
from cocosearch.serving.backend import Backend, appliance_backend
from cocosearch.settings import Settings


@pytest.mark.parametrize(
    ("older", "ask"),
    [
        ("ALTER TABLE projects DROP COLUMN chunks_counted", lambda backend: backend.search(SearchRequest(query="cookies"))),
        ("DROP TABLE term_statistics", lambda backend: backend.search(SearchRequest(query="Cookie"))),
        ("ALTER TABLE projects DROP COLUMN chunks", lambda backend: backend.list_projects()),
        ("ALTER TABLE projects DROP COLUMN notes", lambda backend: backend.project_status("x")),
    ],
)
def test_tables_of_an_older_release_are_a_sentence(database_url: str, older: str, ask: Callable[[Backend], object]) -> None:
    settings = Settings(database_url=database_url, ollama_url="http://127.0.0.1:9")
    with connect(settings) as connection:
        migrate(connection)
        connection.execute(older)
    backend = appliance_backend(settings)
    with backend.connections(), pytest.raises(DatabaseUnavailableError, match=r"another release.*try again") as told:
        ask(backend)
    assert "column" not in str(told.value)


def test_an_older_program_serves_what_it_can_and_says_so(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings = Settings(database_url=database_url, ollama_url="http://127.0.0.1:9")
    monkeypatch.setenv("COCOSEARCH_DATABASE_URL", database_url)
    with connect(settings) as connection:
        migrate(connection)
        connection.execute("INSERT INTO migrations (number) VALUES (9999)")
    # The unit that migrates succeeds, so that the server starts.
    assert main(["database", "migrate"]) == 0
    says = f"The database is at migration 9999, this program knows {max(available())}: it is older than the database."
    assert says in capsys.readouterr().err
    assert health.check_database(settings)[0].state is PartState.OUTDATED

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monitor = HealthMonitor({health.DATABASE_PARTS: lambda: health.check_database(settings)})
        monitor.start()
        try:
            assert monitor.report().parts[0].state is PartState.OUTDATED
            said = manager.recv(4096).decode()
        finally:
            monitor.close()
    assert said.startswith("STATUS=down; database: ")
    assert says in said


def test_nothing_of_a_newer_database_is_changed(database_url: str) -> None:
    with connect(Settings(database_url=database_url)) as connection:
        migrate(connection)
        connection.execute("INSERT INTO migrations (number) VALUES (9999)")
        assert migrate(connection) == []
    with psycopg.connect(database_url) as again:
        assert again.execute("SELECT max(number) FROM migrations").fetchone() == (9999,)
