"""A database that is there and has no connection or no time: that is busy, not down, and what can wait waits."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from tests.integration import services
from tests.integration.database.trouble import Superuser, no_connection_left, server_process, standing
from tests.integration.indexing.command import DEADLINE_SECONDS, run, start

from cocosearch.database import connect, open_pool
from cocosearch.database.connection import CONNECT_TIMEOUT_SECONDS, Pool
from cocosearch.database.projects import ProjectState
from cocosearch.database.status import project_status
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.errors import DatabaseBusyError, DatabaseStartingError, DatabaseUnavailableError
from cocosearch.indexing.run import index_project
from cocosearch.operations import health
from cocosearch.operations.health import HealthReport, Overall, Part, PartState
from cocosearch.projects import load_project
from cocosearch.search import search
from cocosearch.search.types import SearchRequest
from cocosearch.settings import Settings

ASK_SECONDS = 2 * CONNECT_TIMEOUT_SECONDS + 2.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def database_part(settings: Settings) -> tuple[Part, HealthReport]:
    report = HealthReport(health.check_database(settings))
    return report.parts[0], report


@contextmanager
def searching(settings: Settings) -> Iterator[Callable[[], object]]:
    """A search that has its connections already, as the server's have."""
    with open_pool(settings, settings.statement_timeout_seconds) as pool, OllamaClient(settings) as client:

        def ask() -> object:
            return search(pool, client, SearchRequest("retry"))

        ask()
        yield ask


def test_all_connections_are_taken(own_postgres: str, settings: Settings) -> None:
    with no_connection_left(own_postgres):
        with pytest.raises(DatabaseBusyError, match="all of its connections are taken"), connect(settings):
            pass
        with open_pool(settings) as pool, pytest.raises(DatabaseBusyError, match="all of its connections are taken"), pool.connection():
            pass
        part, report = database_part(settings)
    assert (part.state, report.overall, report.ok) == (PartState.BUSY, Overall.DEGRADED, True)
    assert "max_connections" in part.detail
    assert database_part(settings)[0].state is PartState.OK


def test_connections_of_this_role_are_taken(superuser: Superuser, settings: Settings) -> None:
    role = str(psycopg.conninfo.conninfo_to_dict(settings.database_url)["user"])
    superuser.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT 1").format(sql.Identifier(role)))
    with connect(settings), pytest.raises(DatabaseBusyError, match="too many connections for role"), connect(settings):
        pass


def test_a_server_that_takes_no_connection_is_busy_to_who_needs_one_and_answers_who_has_one(own_postgres: str, settings: Settings) -> None:
    with searching(settings) as ask, standing(own_postgres, sessions_too=False):
        ask()
        began = time.monotonic()
        with pytest.raises(DatabaseBusyError, match="gave no answer in time"), connect(settings):
            pass
        assert time.monotonic() - began < ASK_SECONDS
        part, report = database_part(settings)
        assert (part.state, report.overall, report.ok) == (PartState.TIMEOUT, Overall.DEGRADED, False)


def test_a_server_that_stands_still_is_busy_to_everybody_and_soon_said_to_be(own_postgres: str, settings: Settings) -> None:
    with searching(settings) as ask:
        with standing(own_postgres, sessions_too=True):
            began = time.monotonic()
            with pytest.raises(DatabaseBusyError, match="gave no answer in time"):
                ask()
            assert time.monotonic() - began < ASK_SECONDS
        ask()


def test_a_server_that_stops_in_the_middle_of_a_statement_is_busy(own_postgres: str, settings: Settings) -> None:
    impatient = settings.model_copy(update={"statement_timeout_seconds": 1.0})
    with searching(impatient) as ask, connect(settings) as blocker, connect(settings) as watcher:
        blocker.execute("BEGIN; LOCK TABLE projects IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DatabaseBusyError, match="a statement was ended"):
            ask()
        failures: list[BaseException] = []

        def ask_and_note() -> None:
            try:
                ask()
            except DatabaseBusyError as error:
                failures.append(error)

        asking = threading.Thread(target=ask_and_note)
        asking.start()
        until(lambda: bool(watcher.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()))
        with standing(own_postgres, sessions_too=True):
            asking.join(ASK_SECONDS)
            assert not asking.is_alive()
    assert len(failures) == 1
    assert "nothing came for 2 seconds" in str(failures[0])


def test_connections_of_this_process_are_in_use(settings: Settings) -> None:
    pool = Pool(settings.model_copy(update={"max_searches": 1}))
    with pool:
        lent = [pool.getconn() for _ in range(pool.max_size)]
        with pytest.raises(DatabaseBusyError, match=r"all 8 connections of this process to it are in use"):
            pool.getconn(timeout=0.1)
        for connection in lent:
            pool.putconn(connection)


def test_a_server_that_shuts_down_says_so(embedder_url: str, tmp_path: Path) -> None:
    with services.postgres() as url:
        settings = Settings(database_url=url, ollama_url=embedder_url, state_dir=tmp_path)
        with psycopg.connect(url, autocommit=True) as last:
            last.execute("CREATE EXTENSION vector")
            subprocess.run(["kill", f"-{signal.SIGTERM.name}", str(server_process(url))], check=True)  # waits for this session
            until(lambda: database_part(settings)[0].state is PartState.DOWN)
            with pytest.raises(DatabaseStartingError, match="starting up or shutting down"), connect(settings):
                pass
            part, report = database_part(settings)
            assert (part.state, report.overall) == (PartState.DOWN, Overall.DOWN)


def test_an_ended_connection_is_said_to_be_one(settings: Settings) -> None:
    with pytest.raises(DatabaseUnavailableError, match="ended the connection"), connect(settings) as connection:
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def test_limits_of_time_that_others_set_do_not_end_the_sessions_that_hold_locks(superuser: Superuser, settings: Settings) -> None:
    name = sql.Identifier(str(psycopg.conninfo.conninfo_to_dict(settings.database_url)["dbname"]))
    for limit in ("idle_session_timeout", "statement_timeout"):
        superuser.execute(sql.SQL("ALTER DATABASE {} SET {} = '300ms'").format(name, sql.Identifier(limit)))
    with connect(settings) as connection:
        connection.execute("SELECT pg_sleep(0.6)")
        time.sleep(0.6)
        connection.execute("SELECT 1")


def test_a_run_waits_for_its_first_connection(own_postgres: str, settings: Settings, project_directory: Path) -> None:
    with no_connection_left(own_postgres):
        process = start(settings, "index", str(project_directory))
        assert process.stderr is not None
        said = process.stderr.readline()
        assert said.startswith("Waiting: The database is busy: all of its connections are taken")
        time.sleep(CONNECT_TIMEOUT_SECONDS + 1.0)  # a run was given up after so long
        assert process.poll() is None
    _, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 0, errors
    with connect(settings) as connection:
        assert project_status(connection, "shop").state is ProjectState.READY


def test_a_run_waits_in_its_middle_and_its_status_says_so(superuser: Superuser, settings: Settings, project_directory: Path) -> None:
    role = sql.Identifier(str(psycopg.conninfo.conninfo_to_dict(settings.database_url)["user"]))
    limit = sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}")
    said: list[str | None] = []
    with connect(settings) as watcher:
        superuser.execute(limit.format(role, sql.Literal(2)))  # this one, and the one that holds the project's lock

        def index() -> None:
            index_project(settings, load_project(project_directory), on_held_up=said.append)

        running = threading.Thread(target=index)
        running.start()
        until(lambda: watcher.execute("SELECT 1 FROM projects WHERE held_up IS NOT NULL").fetchone() is not None)
        waiting = project_status(watcher, "shop")
        assert waiting.state is ProjectState.INDEXING
        assert waiting.held_up is not None
        assert "too many connections for role" in waiting.held_up
        superuser.execute(limit.format(role, sql.Literal(-1)))
        running.join(DEADLINE_SECONDS)
        ready = project_status(watcher, "shop")
    assert (ready.state, ready.held_up, ready.chunks_embedded) == (ProjectState.READY, None, ready.chunks)
    assert said[-1] is None


def test_doctor_says_busy_and_not_down(own_postgres: str, settings: Settings) -> None:
    with no_connection_left(own_postgres):
        examined = run(settings, "doctor")
    assert "The database is busy: all of its connections are taken" in examined.stdout
    assert "cannot be used" not in examined.stdout
