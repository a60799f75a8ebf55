"""A full disk below the database: searches answer, indexing waits and says so, and goes on by itself; nothing is lost."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.integration.database.test_busy import searching, until
from tests.integration.database.trouble import Superuser, full_disk
from tests.integration.indexing.command import DEADLINE_SECONDS, run, start
from tests.integration.indexing.conftest import content_digest, copy_h11

from cocosearch.database import connect
from cocosearch.database.connection import Connection
from cocosearch.database.projects import ProjectState
from cocosearch.database.status import ProjectStatus, project_status
from cocosearch.errors import DatabaseFullError, NoRoomError
from cocosearch.indexing.run import index_project
from cocosearch.operations import health
from cocosearch.operations.health import HealthReport, Overall, PartState
from cocosearch.projects import load_project
from cocosearch.settings import Settings


@contextmanager
def indexer(settings: Settings, **variables: str) -> Iterator[None]:
    """The indexer runs until the end of the block."""
    process = start(settings, "indexer", **variables)
    try:
        yield
    finally:
        process.terminate()
        process.communicate(timeout=DEADLINE_SECONDS)


def test_the_disk_of_the_database_fills_and_empties(
    superuser: Superuser, on_a_small_disk: Settings, project_directory: Path, tmp_path: Path
) -> None:
    settings = on_a_small_disk
    large = tmp_path / "h11"
    copy_h11(large)
    with connect(settings) as connection, indexer(settings):
        assert run(settings, "index", str(project_directory)).returncode == 0
        until(lambda: "follows 1 projects" in _doing(connection))
    with connect(settings) as connection, searching(settings) as ask, ExitStack() as running:
        with full_disk(superuser):
            refused = run(settings, "index", str(large))
            assert (refused.returncode, "The database has no room left" in refused.stderr) == (1, True), refused.stderr
            assert "Traceback" not in refused.stderr
            ask()
            waiting = project_status(connection, "h11")
            assert waiting.state is ProjectState.WAITING
            assert "No space left on device" in str(waiting.held_up)
            report = HealthReport(health.check_database(settings))
            assert (report.parts[0].state, report.overall, report.ok) == (PartState.FULL, Overall.DEGRADED, True)
            examined = json.loads(run(settings, "doctor", "--json").stdout)["findings"]
            assert [finding["level"] for finding in examined if "has no room left" in finding["found"]] == ["problem", "warning"]
            running.enter_context(indexer(settings))
            until(lambda: "follows 2 projects" in _doing(connection))
            assert project_status(connection, "h11").state is not ProjectState.READY
        until(lambda: project_status(connection, "h11").state is ProjectState.READY)
        running.close()
        after = project_status(connection, "h11")
        assert (after.held_up, after.last_error, after.chunks_embedded) == (None, None, after.chunks)
        assert HealthReport(health.check_database(settings)).parts[0].state is PartState.OK
        filled = content_digest(connection)
        connection.execute("DELETE FROM projects")
        clean = settings.model_copy(update={"state_dir": tmp_path / "clean"})
        for directory in (project_directory, large):
            index_project(clean, load_project(directory))
        assert content_digest(connection) == filled


def _doing(connection: Connection) -> str:
    row = connection.execute("SELECT doing FROM indexer_heartbeat").fetchone()
    return str(row[0]) if row else ""


def test_a_disk_that_fills_in_the_middle_of_a_run(superuser: Superuser, on_a_small_disk: Settings, tmp_path: Path) -> None:
    large = tmp_path / "h11"
    copy_h11(large)
    with connect(on_a_small_disk) as connection:
        process = start(on_a_small_disk, "index", str(large))
        until(lambda: connection.execute("SELECT 1 FROM embeddings LIMIT 1").fetchone() is not None)
        with full_disk(superuser):
            _, errors = process.communicate(timeout=DEADLINE_SECONDS)
            assert (process.returncode, "The database has no room left" in errors) == (1, True), errors
            waiting = project_status(connection, "h11")
            assert waiting.state is ProjectState.WAITING
        assert run(on_a_small_disk, "index", str(large)).returncode == 0
        after = project_status(connection, "h11")
        assert (after.state, after.chunks_embedded) == (ProjectState.READY, after.chunks)


def test_a_database_that_takes_no_writes_holds_runs_up(superuser: Superuser, settings: Settings, project_directory: Path) -> None:
    """As a provider's does whose disk is nearly full."""
    with connect(settings) as connection:
        superuser.execute(f"ALTER DATABASE {connection.info.dbname} SET default_transaction_read_only = on")
    with pytest.raises(DatabaseFullError, match="takes no writes"):
        index_project(settings, load_project(project_directory))


def test_before_the_disk_is_full_runs_leave_the_rest_to_the_database(settings: Settings, project_directory: Path) -> None:
    """Seen by this machine's own file system: with a threshold that no disk keeps to."""
    index_project(settings, load_project(project_directory))
    (project_directory / "more.py").write_text("def more(): ...\n")
    full = settings.model_copy(update={"database_dir": project_directory / "not" / "there", "low_space_bytes": 2**60})
    with pytest.raises(NoRoomError, match=r"The disk below .* \(database, state\) is full"):
        index_project(full, load_project(project_directory))
    with connect(settings) as connection, searching(full) as ask:
        ask()
        assert project_status(connection, "shop").state is ProjectState.READY  # the service says what its indexer waits for


def test_the_indexer_waits_for_room_and_says_so(settings: Settings, project_directory: Path) -> None:
    index_project(settings, load_project(project_directory))
    (project_directory / "more.py").write_text("def more(): ...\n")
    full = {"COCOSEARCH_LOW_SPACE_BYTES": str(2**60)}

    def status() -> ProjectStatus:
        return project_status(connection, "shop")

    with connect(settings) as connection:
        with indexer(settings, **full):
            until(lambda: status().held_up is not None)
            assert status().state is ProjectState.WAITING
            assert "(state) is full" in str(status().held_up)
        until(lambda: str(status().held_up).startswith("No indexer runs"))
        with indexer(settings):
            until(lambda: status().state is ProjectState.READY)
        assert (status().held_up, status().files) == (None, 4)
