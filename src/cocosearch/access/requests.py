"""Requests to the indexer by people whose right to read a directory was proved before (`on_behalf`)."""

import time
from collections.abc import Callable
from pathlib import Path

from cocosearch.database.connection import Connection
from cocosearch.database.jobs import Job, enqueue
from cocosearch.database.status import ProjectState, ProjectStatus, project_status
from cocosearch.errors import ConfigurationError, IndexingError

POLL_SECONDS = 0.5


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
