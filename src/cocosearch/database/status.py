"""What the database knows of each project: progress, freshness, last error."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from typing import LiteralString

from psycopg import sql
from psycopg.rows import class_row

from cocosearch.database.connection import Connection
from cocosearch.database.heartbeat import Life, indexer_life
from cocosearch.database.projects import STATE, ProjectState
from cocosearch.errors import ProjectNotFoundError

# Of many projects, so many are named where one is not found.
MAX_NAMED = 20
# Of the chunks that the model refused, so many are counted, and so many named.
MAX_REFUSED, NAMED_REFUSED = 100, 3


@dataclass(frozen=True, slots=True)
class ProjectStatus:
    """One project, as of its last progress.

    `chunks` are searchable by words now, `chunks_embedded` of them by meaning too; `files_done` of `files_total` are those whose rows the
    running or last run has written.
    """

    name: str
    root: str
    state: ProjectState
    model: str | None
    files: int
    chunks: int
    chunks_embedded: int
    files_total: int
    files_done: int
    skipped: dict[str, int]
    requested_at: datetime
    started_at: datetime | None
    indexed_at: datetime | None
    checked_at: datetime | None
    last_error: str | None
    notes: list[str] = field(default_factory=list)  # what could not be done as it should, such as honouring ignore rules
    refused: list[str] = field(default_factory=list)  # where chunks are that the model refused: path:line, the first of them
    held_up: str | None = None  # what it waits for
    anew: str | None = None  # why all of it gets other vectors

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", ProjectState(self.state))
        if self.anew:
            object.__setattr__(self, "notes", [self._note_on_vectors(self.anew), *self.notes])
        if self.refused:
            object.__setattr__(self, "notes", [*self.notes, _note_on_refusals(self.refused)])

    @property
    def percent_embedded(self) -> int:
        """Share of the chunks that meaning finds, rounded down: 100 is all."""
        return 100 * self.chunks_embedded // self.chunks if self.chunks else 0

    def _note_on_vectors(self, reason: str) -> str:
        return f"It is embedded anew, {self.percent_embedded} % so far, because {reason}. Words find all of it meanwhile."

    @property
    def searchable(self) -> str:
        """What a search finds now, in words."""
        if not self.chunks:
            return "nothing yet"
        return f"by words now, by meaning {self.percent_embedded} %"


def _note_on_refusals(places: list[str]) -> str:
    count = f"{MAX_REFUSED} chunks or more" if len(places) == MAX_REFUSED else f"{len(places)} chunks" if len(places) > 1 else "A chunk"
    named = ", ".join(places[:NAMED_REFUSED]) + (" …" if len(places) > NAMED_REFUSED else "")
    return f"{count} without a vector, because the model refused the text ({named}): found by words alone, and tried again after a pause."


_STATUS = sql.SQL("""
    SELECT p.name, p.root, {state} AS state,
           m.name AS model,
           (SELECT count(*) FROM files f WHERE f.project_id = p.id AND f.skip_reason IS NULL) AS files,
           p.chunks, p.chunks_embedded, p.files_total, p.files_done, p.skipped,
           p.requested_at, p.started_at, p.indexed_at, p.checked_at, p.last_error, p.notes, p.held_up, p.anew,
           ARRAY(
               SELECT c.path || ':' || c.start_line FROM embeddings e JOIN chunks c ON c.embedded_digest = e.text_digest
               WHERE e.model_id = p.model_id AND e.embedding IS NULL AND c.project_id = p.id
               ORDER BY c.id LIMIT {most_refused}
           ) AS refused
    FROM projects p
    LEFT JOIN models m ON m.id = p.model_id
    {which}
    ORDER BY p.name
""")


def _status(which: LiteralString) -> sql.Composed:
    return _STATUS.format(state=sql.SQL(STATE), which=sql.SQL(which), most_refused=sql.Literal(MAX_REFUSED))


def list_projects(connection: Connection) -> list[ProjectStatus]:
    """All projects, by name."""
    with connection.cursor(row_factory=class_row(ProjectStatus)) as cursor:
        found = cursor.execute(_status("")).fetchall()
    return _with_what_holds_up(connection, found)


def project_status(connection: Connection, name: str) -> ProjectStatus:
    """One project.

    Raises:
        ProjectNotFoundError: no project of that name; the message lists the names there are.
    """
    with connection.cursor(row_factory=class_row(ProjectStatus)) as cursor:
        status = cursor.execute(_status("WHERE p.name = %(name)s"), {"name": name}).fetchone()
    if status is None:
        raise project_not_found(connection, name)
    return _with_what_holds_up(connection, [status])[0]


def why_full(connection: Connection) -> str | None:
    """What the database said when it had no room for what an index run wrote last; None where it had."""
    row = connection.execute("SELECT held_up FROM projects WHERE database_full LIMIT 1").fetchone()
    return str(row[0]) if row else None


def _with_what_holds_up(connection: Connection, projects: list[ProjectStatus]) -> list[ProjectStatus]:
    """The same; those that wait for an indexer that does not work say so first."""
    waiting = {ProjectState.WAITING, ProjectState.INTERRUPTED}
    if not any(status.state in waiting for status in projects):
        return projects
    indexer = indexer_life(connection)
    if indexer.life is Life.LIVES:
        return projects
    return [
        replace(status, held_up=" ".join(filter(None, [indexer.detail, status.held_up]))) if status.state in waiting else status
        for status in projects
    ]


def project_not_found(connection: Connection, name: str) -> ProjectNotFoundError:
    """The error for an unknown name, with the names there are, the nearest first."""
    names = [row[0] for row in connection.execute("SELECT name FROM projects ORDER BY name")]
    close = get_close_matches(name.lower(), names, n=3, cutoff=0.6)
    first = list(dict.fromkeys([*close, *names]))[:MAX_NAMED]
    more = f" and {len(names) - len(first)} more" if len(names) > len(first) else ""
    known = f"Known projects: {', '.join(first)}{more}." if names else "Nothing is indexed yet: run `cocosearch index PATH`."
    return ProjectNotFoundError(f"There is no project '{name}'. {known}")
