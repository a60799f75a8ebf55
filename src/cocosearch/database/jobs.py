"""Requests for indexing: a row in the database and a notification, so that they outlive whoever asked."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cocosearch.database.connection import Connection
from cocosearch.database.status import ProjectState
from cocosearch.errors import ConfigurationError, IndexingError
from cocosearch.projects import load_project

CHANNEL = "cocosearch_jobs"


@dataclass(frozen=True, slots=True)
class Job:
    """A request to bring one project's index up to date; progress is in the project's status."""

    project: str
    root: str
    state: ProjectState
    requested_at: datetime


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
    with connection.transaction():
        waiting = connection.execute("SELECT count(*) FROM projects WHERE state = 'waiting' AND root <> %s", [str(project.root)]).fetchone()
        if waiting and waiting[0] >= max_queued:
            raise IndexingError(f"{waiting[0]} projects wait for indexing already; try again when `cocosearch list` shows fewer.")
        register_project(connection, project.name, project.root)
        row = connection.execute(
            """
            UPDATE projects
            SET requested_at = clock_timestamp(), state = CASE WHEN state = 'indexing' THEN state ELSE 'waiting' END
            WHERE root = %s
            RETURNING name, root, state, requested_at
            """,
            [str(project.root)],
        ).fetchone()
        assert row is not None  # noqa: S101 - the row was made above, in this transaction
        connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, project.name])
    return Job(project=row[0], root=row[1], state=ProjectState(row[2]), requested_at=row[3])


def register_project(connection: Connection, name: str, root: Path) -> int:
    """The project's id; makes the row if there is none.

    Raises:
        IndexingError: the name is taken by another directory, or the directory is indexed under another name.
    """
    row = connection.execute(
        "SELECT id, name, root FROM projects WHERE name = %s OR root = %s ORDER BY (root = %s) DESC", [name, str(root), str(root)]
    ).fetchone()
    if row is None:
        created = connection.execute(
            "INSERT INTO projects (name, root) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING id", [name, str(root)]
        ).fetchone()
        if created is None:  # another process made it in this moment
            return register_project(connection, name, root)
        return int(created[0])
    project_id, known_name, known_root = row
    if known_root != str(root):
        raise IndexingError(
            f"The name '{name}' belongs to {known_root}. Give this project another name: --name, or `name:` in cocosearch.yaml."
        )
    if known_name != name:
        raise IndexingError(f"{root} is indexed as '{known_name}'. Use that name, or run `cocosearch clear {known_name}` first.")
    return int(project_id)
