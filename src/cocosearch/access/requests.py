"""Requests to the indexer; the right of whoever asks to read the directory was proved before (`on_behalf`)."""

import time
from collections.abc import Callable
from pathlib import Path

from cocosearch.database.connection import Connection
from cocosearch.database.projects import Job, ProjectState, request_run
from cocosearch.database.status import ProjectStatus, project_status
from cocosearch.errors import ConfigurationError, IndexingError
from cocosearch.projects import load_project

POLL_SECONDS = 0.5


def enqueue(connection: Connection, root: Path, name: str | None, max_queued: int) -> Job:
    """Ask the indexer to index the project at `root`, now; asking twice is asking once.

    Args:
        connection: in autocommit mode.
        root: real directory of the project, as whoever asks for it may name it; its `cocosearch.yaml` is read.
        name: project name, else the one in `cocosearch.yaml`, else the directory's.
        max_queued: refuse when that many projects wait already.

    Raises:
        IndexingError: the queue is full, or the name belongs to another directory.
        ConfigurationError: the project's `cocosearch.yaml` is malformed, or the directory is another one in this moment.
    """
    project = load_project(root, name)
    if project.root != root:
        raise ConfigurationError(f"'{root}' leads to another directory now; give the directory itself.")
    return request_run(connection, project.name, project.root, max_queued)


def enqueue_checked(connection: Connection, path: Path, name: str | None, checked: str, max_queued: int) -> Job:
    """Ask for the directory that was looked at, and for no other one that has its path now.

    Args:
        connection: in autocommit mode.
        path: the directory, without links in it.
        name: as for `enqueue`.
        checked: device and inode of the directory that was looked at, as `DEVICE:INODE`.
        max_queued: as for `enqueue`.

    Raises:
        ConfigurationError: another directory has this path now; nothing was asked for.
    """
    try:
        status = path.lstat()
    except OSError as error:
        raise ConfigurationError(f"'{path}' cannot be reached by the service: {error.strerror}. {_how_to_let_in()}") from None
    if f"{status.st_dev}:{status.st_ino}" != checked:
        raise ConfigurationError(f"'{path}' is another directory than a moment ago; nothing was indexed. Try again.")
    return enqueue(connection, path, name, max_queued)


def wait_for(connection: Connection, job: Job, on_status: Callable[[ProjectStatus], None]) -> ProjectStatus:
    """Return when the service has done what was asked for.

    Raises:
        IndexingError: it failed; the message is the service's.
    """
    while True:
        status = project_status(connection, job.project)
        on_status(status)
        begun = status.started_at is not None and status.started_at >= job.requested_at
        if begun and status.state is ProjectState.FAILED:
            raise IndexingError(status.last_error or f"'{job.project}' could not be indexed.")
        if begun and status.state is ProjectState.READY:
            return status
        time.sleep(POLL_SECONDS)


def _how_to_let_in() -> str:
    return "The user of the service must be able to enter the directories above (`sudo setfacl -m u:cocosearch:x DIRECTORY`)."
