"""What breaks an indexing run must never leave an index that looks whole and is not."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from tests.integration.indexing.command import DEADLINE_SECONDS, run, start
from tests.integration.indexing.conftest import content_digest
from tests.integration.indexing.gate import Gate, gate

from cocosearch.database.connection import Connection
from cocosearch.database.projects import ProjectState
from cocosearch.database.status import project_status
from cocosearch.errors import IndexingError
from cocosearch.indexing.run import index_project
from cocosearch.projects import load_project
from cocosearch.settings import Settings


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Poll until the condition holds, while the process lives."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert process.poll() is None, f"the run ended ({process.returncode}) before it could be disturbed"
        assert time.monotonic() < deadline, "the run did not get that far"
        time.sleep(0.02)


def embedded(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM embeddings").fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def clean_digest(connection: Connection, settings: Settings, project_directory: Path, tmp_path: Path) -> str:
    """What a run that nothing disturbs makes of the project; database, cache and state are as new afterwards."""
    undisturbed = settings.model_copy(update={"state_dir": tmp_path / "undisturbed"})
    index_project(undisturbed, load_project(project_directory))
    digest = content_digest(connection)
    connection.execute("DELETE FROM projects")
    connection.execute("DELETE FROM embeddings")
    return digest


@pytest.fixture
def half_way(embedder_url: str, known_chunks: int) -> Iterator[Gate]:
    """An embedding server that has vectors for half of the project, until it is opened."""
    with gate(embedder_url, known_chunks // 2) as state:
        yield state


def behind(gate: Gate, settings: Settings) -> Settings:
    return settings.model_copy(update={"ollama_url": gate.url})


def held(gate: Gate, connection: Connection) -> Callable[[], bool]:
    """Whether a run waits at the gate, with some of its vectors stored."""
    return lambda: gate.held.is_set() and embedded(connection) > 0


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9], ids=["early", "half-way", "late"])
def test_kill_9_then_a_rerun_gives_what_a_clean_run_gives(
    share: float,
    settings: Settings,
    connection: Connection,
    project_directory: Path,
    clean_digest: str,
    known_chunks: int,
    embedder_url: str,
) -> None:
    with gate(embedder_url, round(share * known_chunks)) as state:
        process = start(behind(state, settings), "index", str(project_directory))
        wait_until(held(state, connection), process)
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert 0 < embedded(connection) < known_chunks

    again = run(settings, "index", str(project_directory))
    assert again.returncode == 0, again.stderr
    assert content_digest(connection) == clean_digest
    assert embedded(connection) == known_chunks  # none was lost, none made twice
    assert project_status(connection, "h11").state is ProjectState.READY


def test_two_runs_at_once_make_one_index(
    settings: Settings, connection: Connection, project_directory: Path, clean_digest: str, known_chunks: int, half_way: Gate
) -> None:
    first = start(behind(half_way, settings), "index", str(project_directory))
    wait_until(held(half_way, connection), first)
    second = start(behind(half_way, settings), "index", str(project_directory))
    assert second.stderr is not None
    assert "is being indexed already; waiting" in second.stderr.readline()
    half_way.open()
    _, errors = first.communicate(timeout=DEADLINE_SECONDS)
    assert first.returncode == 0, errors
    output, errors = second.communicate(timeout=DEADLINE_SECONDS)
    assert second.returncode == 0, errors
    assert "0 changed" in output
    assert content_digest(connection) == clean_digest
    assert embedded(connection) == known_chunks


def test_the_embedding_server_dies_in_the_middle(
    settings: Settings, connection: Connection, project_directory: Path, clean_digest: str, embedder_url: str, known_chunks: int
) -> None:
    with gate(embedder_url, known_chunks // 2) as mortal:
        process = start(behind(mortal, settings), "index", str(project_directory))
        wait_until(held(mortal, connection), process)
    _, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 1
    assert "cannot be used" in errors
    assert "COCOSEARCH_OLLAMA_URL" in errors
    assert "Traceback" not in errors
    status = project_status(connection, "h11")
    assert status.state is ProjectState.FAILED
    assert status.files_done == status.files_total
    assert 0 < status.chunks_embedded < status.chunks

    again = run(settings, "index", str(project_directory))
    assert again.returncode == 0, again.stderr
    assert content_digest(connection) == clean_digest


def test_the_database_drops_all_connections_in_the_middle(
    settings: Settings, connection: Connection, project_directory: Path, clean_digest: str, postgres_url: str, half_way: Gate
) -> None:
    """As in a restart of PostgreSQL: the run must not report success, for it has lost its lock on the project."""
    process = start(behind(half_way, settings), "index", str(project_directory))
    wait_until(held(half_way, connection), process)
    with psycopg.connect(postgres_url, autocommit=True) as superuser:
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s",
            [connection.info.dbname, connection.info.backend_pid],
        )
    half_way.open()
    _, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 1, errors
    assert "Traceback" not in errors

    again = run(settings, "index", str(project_directory))
    assert again.returncode == 0, again.stderr
    assert content_digest(connection) == clean_digest


def test_a_failure_keeps_its_reason_when_the_session_is_lost_with_it(
    settings: Settings, connection: Connection, project_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(session: Connection, *_: object) -> None:
        connection.execute("SELECT pg_terminate_backend(%s)", [session.info.backend_pid])
        raise IndexingError("one file failed")

    monkeypatch.setattr("cocosearch.indexing.run._require_rows", fail)
    with pytest.raises(IndexingError, match="one file failed"):
        index_project(settings, load_project(project_directory))
