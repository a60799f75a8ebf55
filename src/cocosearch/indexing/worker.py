"""The indexer: takes requests from the database and keeps every project's index as fresh as its files."""

import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import FrameType

import psycopg

from cocosearch.database import connect
from cocosearch.database.connection import Connection
from cocosearch.database.jobs import CHANNEL
from cocosearch.database.locks import indexer_is_running, try_indexer_lock
from cocosearch.database.migrations import check_migrated
from cocosearch.database.models import forget_embeddings, register_model
from cocosearch.errors import CocosearchError, DatabaseUnavailableError
from cocosearch.indexing.listing import list_files
from cocosearch.indexing.outcome import finish, found_unchanged
from cocosearch.indexing.run import index_project, listing_digest, recipe_for
from cocosearch.ollama import Model, OllamaClient
from cocosearch.projects import Project, load_project
from cocosearch.sdnotify import notify
from cocosearch.settings import Settings

log = logging.getLogger(__name__)

LOCK_POLL_SECONDS = 1.0
RECONNECT_SECONDS = 1.0
# Looking at a large tree costs processor time: a tenth of a core's at most.
PAUSE_PER_LOOK = 9.0
FIRST_RETRY_SECONDS = 2.0
MAX_RETRY_SECONDS = 300.0
CACHE_UNUSED_FOR = timedelta(days=60)


class _BusyError(Exception):
    """Another process indexes this project in this moment."""


class _StopError(SystemExit):
    """SIGTERM: leave at once; a run that is cut off is taken up by the next."""


@dataclass(frozen=True, slots=True)
class _Due:
    """A project as the indexer finds it in the database."""

    project_id: int
    name: str
    root: Path
    requested: bool
    digest: bytes | None
    model_id: int | None


@dataclass(slots=True)
class _Schedule:
    """When each project is looked at next, by the clock of `time.monotonic`."""

    next_look: dict[int, float] = field(default_factory=dict)
    failures: dict[int, int] = field(default_factory=dict)

    def is_due(self, due: _Due) -> bool:
        return due.requested or time.monotonic() >= self.next_look.get(due.project_id, 0.0)

    def looked(self, project_id: int, pause: float) -> None:
        self.failures.pop(project_id, None)
        self.next_look[project_id] = time.monotonic() + pause

    def failed(self, project_id: int) -> None:
        count = self.failures.get(project_id, 0)
        self.failures[project_id] = count + 1
        self.next_look[project_id] = time.monotonic() + min(MAX_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0**count)


def run_indexer(settings: Settings, *, drain: bool = False) -> None:
    """Serve until SIGTERM; with `drain`, until nothing waits any more, and not at all where an indexer runs already.

    A database that goes away is waited for.
    """
    signal.signal(signal.SIGTERM, _stop)
    while True:
        try:
            with connect(settings) as session:
                check_migrated(session)
                if drain and not try_indexer_lock(session):
                    return
                _wait_for_lock(session)
                notify("READY=1")
                _serve(settings, session, drain=drain)
                return
        except (DatabaseUnavailableError, psycopg.OperationalError) as error:
            if drain:
                raise
            log.warning("waiting for the database: %s", error)
            time.sleep(RECONNECT_SECONDS)


def ensure_worker(settings: Settings) -> None:
    """Start an indexer that ends with its work, in a session of its own, unless one serves this database."""
    with connect(settings) as connection:
        if indexer_is_running(connection):
            return
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.state_dir / "indexer.log").open("ab") as output:
        # Forked once more by setsid(1), so that it is init's child: nobody here would ever wait for it.
        subprocess.run(
            ["setsid", "--fork", sys.executable, "-m", "cocosearch", "indexer", "--drain"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            check=True,
        )


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise _StopError(0)


def _wait_for_lock(session: Connection) -> None:
    while not try_indexer_lock(session):
        log.info("another indexer serves this database; waiting for it to end")
        time.sleep(LOCK_POLL_SECONDS)


def _serve(settings: Settings, session: Connection, *, drain: bool) -> None:
    session.execute(f"LISTEN {CHANNEL}")
    forgotten = forget_embeddings(session, CACHE_UNUSED_FOR)
    log.info("serving; forgot %s unused embeddings", forgotten)
    schedule = _Schedule()
    with OllamaClient(settings) as client:
        models = _Models(client)
        while True:
            projects = _projects(session)
            for due in projects:
                if schedule.is_due(due):
                    _look(settings, session, models, schedule, due)
            if drain and not any(due.requested for due in _projects(session)):
                return
            for _ in session.notifies(timeout=settings.refresh_seconds, stop_after=1):
                pass


def _projects(session: Connection) -> list[_Due]:
    rows = session.execute(
        """
        SELECT id, name, root, state = 'waiting' OR started_at IS NULL OR requested_at > started_at, listing_digest, model_id
        FROM projects ORDER BY requested_at
        """
    )
    return [_Due(row[0], row[1], Path(row[2]), requested=row[3], digest=bytes(row[4]) if row[4] else None, model_id=row[5]) for row in rows]


@dataclass(slots=True)
class _Models:
    """The configured model, described again only when its digest changes."""

    client: OllamaClient
    known: tuple[Model, int] | None = None

    def current(self, session: Connection) -> tuple[Model, int]:
        """The model and its id."""
        if self.known is None or self.known[0].digest != self.client.require_model_digest():
            model = self.client.describe_model()
            self.known = model, register_model(session, model)
        return self.known


def _look(settings: Settings, session: Connection, models: _Models, schedule: _Schedule, due: _Due) -> None:
    """Index one project if its files, its configuration or the model changed since the last complete run."""
    began, processor_began = time.monotonic(), _processor_seconds()
    pause = settings.refresh_seconds
    try:
        project = load_project(due.root, due.name)
        if _unchanged(settings, session, models, due, project):
            found_unchanged(session, due.project_id)
            pause = pause_after_look(settings.refresh_seconds, time.monotonic() - began, _processor_seconds() - processor_began)
        else:
            result = index_project(settings, project, on_wait=_busy)
            log.info("%s: %s files, %s changed, %s chunks embedded", result.project, result.files, result.changed, result.embedded)
    except _BusyError:
        schedule.looked(due.project_id, settings.refresh_seconds)
    except (DatabaseUnavailableError, psycopg.OperationalError):
        raise
    except CocosearchError as error:
        log.warning("%s: %s", due.name, error)
        finish(session, due.project_id, error=str(error))
        schedule.failed(due.project_id)
    else:
        # After a run, however long it took, the files are looked at again at once: they may have changed meanwhile.
        schedule.looked(due.project_id, pause)


def _unchanged(settings: Settings, session: Connection, models: _Models, due: _Due, project: Project) -> bool:
    if due.digest is None or due.model_id is None:
        return False
    listing = list_files(project, settings)
    model, model_id = models.current(session)
    if due.digest != listing_digest(listing, recipe_for(project, model.context_tokens, settings), model_id):
        return False
    held = session.execute("SELECT count(*) FROM files WHERE project_id = %s", [due.project_id]).fetchone()
    return held is not None and held[0] == len(listing.files)


def pause_after_look(refresh_seconds: float, elapsed: float, processor: float) -> float:
    """Seconds until a project is looked at again; a look that only waited for a busy machine or disk costs no more than its length."""
    return max(refresh_seconds, elapsed, PAUSE_PER_LOOK * processor)


def _processor_seconds() -> float:
    """Processor time of this process and of the programs that it ran (git)."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _busy() -> None:
    raise _BusyError
