"""The indexer: takes requests from the database and keeps every project's index as fresh as its files."""

import logging
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
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
from cocosearch.database.models import find_model, forget_embeddings, last_known_window
from cocosearch.database.queries import QUERY_CHANNEL
from cocosearch.errors import CocosearchError, DatabaseUnavailableError, EmbeddingUnavailableError
from cocosearch.indexing.lane import Lane
from cocosearch.indexing.listing import list_files
from cocosearch.indexing.looks import Look
from cocosearch.indexing.outcome import failed, found_unchanged
from cocosearch.indexing.run import RunResult, index_project, listing_digest, recipe_for
from cocosearch.ollama import OllamaClient
from cocosearch.projects import Project, load_known_project
from cocosearch.sdnotify import notify
from cocosearch.settings import Settings

log = logging.getLogger(__name__)

LOCK_POLL_SECONDS = 1.0
RECONNECT_SECONDS = 1.0
FIRST_RETRY_SECONDS = 2.0
MAX_RETRY_SECONDS = 300.0
CACHE_UNUSED_FOR = timedelta(days=60)
MODEL_CHECK_SECONDS = 10.0
# While something runs, its end is looked for so often.
RUN_POLL_SECONDS = 0.2
# Projects that are indexed side by side; of these, so many that need all of their vectors, which may take hours.
MAX_RUNS = 6
MAX_LONG_RUNS = 2


class _BusyError(Exception):
    """Another process indexes this project in this moment."""


@dataclass(frozen=True, slots=True)
class _Due:
    """A project as the indexer finds it in the database."""

    project_id: int
    name: str
    root: Path
    requested: bool
    digest: bytes | None
    model_id: int | None
    vectors_complete: bool


@dataclass(slots=True)
class _Schedule:
    """When each project is looked at next, and when what failed is tried again, by the clock of `time.monotonic`."""

    next_look: dict[int, float] = field(default_factory=dict)
    next_try: dict[int, float] = field(default_factory=dict)
    failures: dict[int, int] = field(default_factory=dict)
    # Processor time of each project's last look.
    costs: dict[int, float] = field(default_factory=dict)

    def is_due(self, due: _Due) -> bool:
        return due.requested or time.monotonic() >= self.next_look.get(due.project_id, 0.0)

    def may_try(self, due: _Due) -> bool:
        return due.requested or time.monotonic() >= self.next_try.get(due.project_id, 0.0)

    def looked(self, project_id: int, pause: float) -> None:
        self.next_look[project_id] = time.monotonic() + pause

    def succeeded(self, project_id: int) -> None:
        self.failures.pop(project_id, None)
        self.next_try.pop(project_id, None)

    def failed(self, project_id: int) -> None:
        count = self.failures.get(project_id, 0)
        self.failures[project_id] = count + 1
        self.next_try[project_id] = time.monotonic() + min(MAX_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0**count)

    def forget_all_but(self, project_ids: set[int]) -> None:
        for known in (self.next_look, self.next_try, self.failures, self.costs):
            for gone in known.keys() - project_ids:
                known.pop(gone)

    def try_all_again(self) -> None:
        self.failures.clear()
        self.next_try.clear()


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
    """Leave at once, with all threads: what is cut off is taken up by the next run, as after a kill."""
    os._exit(0)


def _wait_for_lock(session: Connection) -> None:
    while not try_indexer_lock(session):
        log.info("another indexer serves this database; waiting for it to end")
        time.sleep(LOCK_POLL_SECONDS)


def _serve(settings: Settings, session: Connection, *, drain: bool) -> None:
    session.execute(f"LISTEN {CHANNEL}")
    session.execute(f"LISTEN {QUERY_CHANNEL}")
    forgotten = forget_embeddings(session, CACHE_UNUSED_FOR)
    log.info("serving; forgot %s unused embeddings", forgotten)
    with OllamaClient(settings) as client:
        indexer = _Indexer(settings, session, client, Lane(settings.embed_batch))
        while True:
            indexer.look_at_all()
            if drain and indexer.is_idle():
                return
            for notification in session.notifies(timeout=indexer.pause(), stop_after=1):
                if notification.channel == QUERY_CHANNEL:
                    indexer.lane.query_announced()


def _projects(session: Connection) -> list[_Due]:
    """What is changed in an index that serves comes before what is indexed for the first time."""
    rows = session.execute(
        """
        SELECT id, name, root, state = 'waiting' OR started_at IS NULL OR requested_at > started_at, listing_digest, model_id,
               vectors_complete
        FROM projects ORDER BY indexed_at IS NULL, requested_at
        """
    )
    return [_Due(row[0], row[1], Path(row[2]), row[3], bytes(row[4]) if row[4] else None, row[5], row[6]) for row in rows]


@dataclass(slots=True)
class _CurrentModel:
    """Which of the registered models the server has now, asked for rarely: a look at a project must not wait for a server that hangs."""

    client: OllamaClient
    digest: str | None = None
    _asked_at: float = float("-inf")

    def came_back(self) -> bool:
        """Ask, if it is time; whether a server or a model that was away is there again."""
        if time.monotonic() - self._asked_at < MODEL_CHECK_SECONDS:
            return False
        known = self.digest
        try:
            self.digest = self.client.require_model_digest()
        except EmbeddingUnavailableError:
            self.digest = None
        self._asked_at = time.monotonic()
        return known is None and self.digest is not None

    def is_other_than(self, session: Connection, model_id: int | None) -> bool:
        """Whether the server has another model than this one; False while it is away."""
        if self.digest is None:
            return False
        found = find_model(session, self.client.model, self.digest, self.client.prompt_version)
        return found is None or found[0] != model_id


@dataclass(slots=True)
class _Indexer:
    """Looks at the projects in turn, and runs what has changed side by side: a small change does not wait for a long first index."""

    settings: Settings
    session: Connection
    client: OllamaClient
    lane: Lane
    schedule: _Schedule = field(default_factory=_Schedule)
    runs: dict[int, "Future[RunResult]"] = field(default_factory=dict)
    long_runs: set[int] = field(default_factory=set)
    executor: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(MAX_RUNS, "run"))
    model: _CurrentModel = field(init=False)

    def __post_init__(self) -> None:
        self.model = _CurrentModel(self.client)

    def look_at_all(self) -> None:
        """Take in what has ended, and begin what has changed."""
        if self.model.came_back():
            self.schedule.try_all_again()
        projects = _projects(self.session)
        self.schedule.forget_all_but({due.project_id for due in projects})
        for due in projects:
            if due.project_id in self.runs:
                self._take_in(due)
            elif self.schedule.is_due(due):
                self._look(due)

    def is_idle(self) -> bool:
        """Whether nothing runs, and nothing that was asked for waits."""
        return not self.runs and not any(due.requested for due in _projects(self.session))

    def pause(self) -> float:
        """Seconds until the next look, unless something is asked for."""
        return RUN_POLL_SECONDS if self.runs else self.settings.refresh_seconds

    def _take_in(self, due: _Due) -> None:
        """Note the end of a run. Then the files are looked at again at once: they may have changed meanwhile."""
        if not self.runs[due.project_id].done():
            return
        run = self.runs.pop(due.project_id)
        self.long_runs.discard(due.project_id)
        self.schedule.looked(due.project_id, self.settings.refresh_seconds)
        try:
            result = run.result()
        except _BusyError:
            pass
        except (DatabaseUnavailableError, psycopg.OperationalError):
            raise
        except CocosearchError as error:
            log.warning("%s: %s", due.name, error)
            self.schedule.failed(due.project_id)
        else:
            self.schedule.succeeded(due.project_id)
            log.info("%s: %s files, %s changed, %s chunks embedded", result.project, result.files, result.changed, result.embedded)

    def _look(self, due: _Due) -> None:
        """Index one project if its files, its configuration or the model changed since the last complete run."""
        is_long = not due.vectors_complete or self.model.is_other_than(self.session, due.model_id)
        if len(self.runs) >= MAX_RUNS or (is_long and len(self.long_runs) >= MAX_LONG_RUNS):
            return
        look = Look.begin()
        try:
            project = load_known_project(due.root, due.name)
            fresh = due.digest is not None and due.digest == self._digest(project)
        except CocosearchError as error:
            log.warning("%s: %s", due.name, error)
            failed(self.session, due.project_id, str(error))
            self.schedule.failed(due.project_id)
            self.schedule.next_look[due.project_id] = self.schedule.next_try[due.project_id]
            return
        self.schedule.costs[due.project_id] = look.processor()
        self.schedule.looked(due.project_id, look.pause(self.settings.refresh_seconds, sum(self.schedule.costs.values())))
        if fresh and not is_long:
            found_unchanged(self.session, due.project_id)
            self.schedule.succeeded(due.project_id)
        # Rows that were once complete are made fresh at once; what failed, and vectors that could not be had, have to wait.
        elif (due.digest is not None and not fresh) or self.schedule.may_try(due):
            if is_long:
                self.long_runs.add(due.project_id)
            run = self.executor.submit(index_project, self.settings, project, on_wait=_busy, lane=self.lane, follow=True)
            self.runs[due.project_id] = run

    def _digest(self, project: Project) -> bytes | None:
        """Digest of the rows that the files would make now; None where no model was ever seen."""
        window = last_known_window(self.session, self.client.model)
        return listing_digest(list_files(project, self.settings), recipe_for(project, window, self.settings)) if window else None


def _busy() -> None:
    raise _BusyError
