"""Requests of people: for the directory that was looked at, and for no other one that has its path by then."""

from datetime import timedelta
from pathlib import Path

import pytest

from cocosearch.access.requests import enqueue, enqueue_checked, wait_for
from cocosearch.database.connection import Connection
from cocosearch.database.projects import ProjectState
from cocosearch.database.status import ProjectStatus, list_projects
from cocosearch.errors import ConfigurationError, IndexingError


def identity(path: Path) -> str:
    status = path.stat()
    return f"{status.st_dev}:{status.st_ino}"


def test_the_directory_that_was_looked_at_is_asked_for(connection: Connection, project_directory: Path) -> None:
    job = enqueue_checked(connection, project_directory, "mine", identity(project_directory), max_queued=10)
    assert (job.project, job.root, job.state) == ("mine", str(project_directory), ProjectState.WAITING)


def test_another_directory_with_its_path_is_not(connection: Connection, project_directory: Path, tmp_path: Path) -> None:
    seen = identity(project_directory)
    project_directory.rename(tmp_path / "moved")
    secret = tmp_path / "secret"
    secret.mkdir()
    project_directory.symlink_to(secret)
    with pytest.raises(ConfigurationError, match="is another directory than a moment ago; nothing was indexed"):
        enqueue_checked(connection, project_directory, None, seen, max_queued=10)
    with pytest.raises(ConfigurationError, match="is another directory than a moment ago"):
        enqueue_checked(connection, project_directory, None, identity(secret), max_queued=10)
    project_directory.unlink()
    with pytest.raises(ConfigurationError, match="cannot be reached by the service: No such file or directory"):
        enqueue_checked(connection, project_directory, None, seen, max_queued=10)
    assert list_projects(connection) == []


def test_a_link_is_never_queued(connection: Connection, project_directory: Path, tmp_path: Path) -> None:
    """Whoever asks has resolved the path before: a link in it was put there since then."""
    link = tmp_path / "link"
    link.symlink_to(project_directory)
    with pytest.raises(ConfigurationError, match="leads to another directory now"):
        enqueue(connection, link, None, max_queued=10)
    assert list_projects(connection) == []


def test_waiting_ends_with_this_request(connection: Connection, project_directory: Path) -> None:
    """Not with the state that an earlier one left."""
    job = enqueue(connection, project_directory, None, max_queued=10)
    seen: list[ProjectStatus] = []

    def look(status: ProjectStatus) -> None:
        seen.append(status)
        began = job.requested_at + timedelta(seconds=1) if len(seen) > 1 else job.requested_at - timedelta(days=1)
        connection.execute("UPDATE projects SET state = 'ready', started_at = %s WHERE name = %s", [began, job.project])

    assert wait_for(connection, job, look).state is ProjectState.READY
    assert len(seen) == 3


def test_a_failure_is_the_services_sentence(connection: Connection, project_directory: Path) -> None:
    job = enqueue(connection, project_directory, None, max_queued=10)
    connection.execute("UPDATE projects SET state = 'failed', last_error = 'No room.', started_at = now() WHERE name = %s", [job.project])
    with pytest.raises(IndexingError, match=r"No room\."):
        wait_for(connection, job, lambda _: None)
