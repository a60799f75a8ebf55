"""The indexer: takes requests, follows the files, comes back from a database that was away, and there is only one."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from tests.integration.indexing.command import DEADLINE_SECONDS, environment, run, start
from tests.integration.indexing.conftest import content_digest, paths
from tests.integration.indexing.gate import gate

from cocosearch.access.requests import enqueue
from cocosearch.database.connection import Connection
from cocosearch.database.locks import indexer_is_running
from cocosearch.database.projects import ProjectState
from cocosearch.database.status import project_status
from cocosearch.errors import IndexingError
from cocosearch.indexing.worker import ensure_worker
from cocosearch.settings import Settings


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not seen in {DEADLINE_SECONDS} s: {what}"
        time.sleep(0.05)


@contextmanager
def indexer(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    process = start(settings, "indexer")
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE_SECONDS)


def is_ready(connection: Connection) -> bool:
    return project_status(connection, "h11").state is ProjectState.READY


def test_a_request_is_served_and_changes_are_followed(settings: Settings, connection: Connection, project_directory: Path) -> None:
    with indexer(settings) as process:
        job = enqueue(connection, project_directory, None, max_queued=10)
        assert (job.project, job.state) == ("h11", ProjectState.WAITING)
        wait_for(lambda: is_ready(connection), "the first index")

        (project_directory / "_added.py").write_text("def freshly_added() -> None: ...\n")
        (project_directory / "_util.py").unlink()
        wait_for(lambda: "_added.py" in paths(connection) and "_util.py" not in paths(connection), "the change of two files")
        assert process.poll() is None
    assert process.returncode == -signal.SIGTERM  # which is a clean end for systemd; no code of ours has to run for it


def test_a_request_that_came_while_nobody_served_is_not_lost(settings: Settings, connection: Connection, project_directory: Path) -> None:
    enqueue(connection, project_directory, None, max_queued=10)
    with indexer(settings):
        wait_for(lambda: is_ready(connection), "the index that was asked for earlier")


def test_a_root_that_comes_back_is_indexed_again(settings: Settings, connection: Connection, project_directory: Path) -> None:
    with indexer(settings):
        enqueue(connection, project_directory, None, max_queued=10)
        wait_for(lambda: is_ready(connection), "the first index")
        before = content_digest(connection)
        away = project_directory.with_name("away")
        project_directory.rename(away)
        wait_for(lambda: project_status(connection, "h11").state is ProjectState.FAILED, "the missing root")
        assert content_digest(connection) == before
        away.rename(project_directory)
        wait_for(lambda: is_ready(connection), "the root that came back")


def test_it_survives_a_database_that_drops_it(
    settings: Settings, connection: Connection, project_directory: Path, postgres_url: str
) -> None:
    with indexer(settings) as process:
        enqueue(connection, project_directory, None, max_queued=10)
        wait_for(lambda: is_ready(connection), "the first index")
        with psycopg.connect(postgres_url, autocommit=True) as superuser:
            superuser.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s",
                [connection.info.dbname, connection.info.backend_pid],
            )
        (project_directory / "_after.py").write_text("AFTER = 'the connection was lost'\n")
        wait_for(lambda: "_after.py" in paths(connection), "the change after the loss")
        assert process.poll() is None


def test_a_run_that_was_killed_is_taken_up(
    cold_settings: Settings, connection: Connection, project_directory: Path, embedder_url: str, known_chunks: int
) -> None:
    enqueue(connection, project_directory, None, max_queued=10)
    with gate(embedder_url, known_chunks // 2) as state:
        process = start(cold_settings.model_copy(update={"ollama_url": state.url}), "indexer")
        wait_for(lambda: state.held.is_set() and project_status(connection, "h11").chunks_embedded > 0, "the run under way")
        process.kill()
        process.communicate()
    wait_for(lambda: project_status(connection, "h11").state is ProjectState.INTERRUPTED, "that its process is gone")
    with indexer(cold_settings):
        wait_for(lambda: is_ready(connection), "the rest of the run")


def test_there_is_one_indexer_and_a_drain_ends_by_itself(settings: Settings, connection: Connection, project_directory: Path) -> None:
    enqueue(connection, project_directory, None, max_queued=10)
    assert not indexer_is_running(connection)
    drained = run(settings, "indexer", "--drain")
    assert drained.returncode == 0, drained.stderr
    assert is_ready(connection)
    with indexer(settings):
        wait_for(lambda: indexer_is_running(connection), "the lock")
        began = time.monotonic()
        assert run(settings, "indexer", "--drain").returncode == 0
        assert time.monotonic() - began < DEADLINE_SECONDS


def test_ensure_worker_starts_one_that_outlives_its_starter(
    settings: Settings, connection: Connection, project_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    enqueue(connection, project_directory, None, max_queued=10)
    ensure_worker(settings)
    wait_for(lambda: is_ready(connection), "the index by a process that nobody waits for")
    wait_for(lambda: not indexer_is_running(connection), "its end")


def test_too_many_requests_are_refused(connection: Connection, project_directory: Path, tmp_path: Path) -> None:
    enqueue(connection, project_directory, None, max_queued=1)
    enqueue(connection, project_directory, None, max_queued=1)  # asking twice is asking once
    (tmp_path / "second").mkdir()
    with pytest.raises(IndexingError, match="1 projects wait for indexing already"):
        enqueue(connection, tmp_path / "second", None, max_queued=1)
