"""What the indexer's main loop does: inspect the projects in turn, and run what has changed side by side.

Everything that a project can hold up or break happens in threads; the loop itself waits for nothing but its database. A project whose
inspection or run fails, however unforeseen the reason, fails alone: the reason is in its status, and it is tried again after longer and
longer pauses.
"""

import logging
import time
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

import psycopg

from cocosearch.database.connection import Connection
from cocosearch.database.failures import is_lost
from cocosearch.database.models import find_model, last_known_window
from cocosearch.database.projects import fail_run, find_unchanged, hold_up_run, note_wait
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.embedding.pacing import Pacing
from cocosearch.errors import CocosearchError, EmbeddingUnavailableError, HeldUpError, ProjectBusyError
from cocosearch.indexing.background import in_thread
from cocosearch.indexing.engine.children import Children
from cocosearch.indexing.freshness import inspect, pause_after
from cocosearch.indexing.progress import Progress
from cocosearch.indexing.pulse import Pulse
from cocosearch.indexing.run import RunResult, index_project
from cocosearch.indexing.schedule import ProjectEntry, Schedule, read_projects
from cocosearch.indexing.vanished import take_back_what_vanished
from cocosearch.projects import Project, load_known_project
from cocosearch.settings import Settings

log = logging.getLogger(__name__)

MODEL_CHECK_SECONDS = 10.0
# While something is under way, its end is looked for so often.
UNDER_WAY_SECONDS = 0.2
# A quick inspection is waited for, so that its run begins at once; a slow one goes on beside the others.
QUICK_INSPECTION_SECONDS = 0.2
# An inspection that takes longer is reported as one that hangs; so is a run whose counts have stood still for so long.
INSPECTION_SECONDS = 60.0
STILL_SECONDS = 900.0
# At one time, not counting what hangs: inspections; projects that are indexed; of these, those that need all of their vectors (for hours).
MAX_INSPECTIONS = 4
MAX_RUNS = 6
MAX_LONG_RUNS = 2
NAMED_PROJECTS = 3


@dataclass(frozen=True, slots=True)
class _Seen:
    """What an inspection found; the digest is that of the rows that the files would make now, None where it is of no use yet."""

    project: Project
    digest: bytes | None
    elapsed: float
    processor: float


@dataclass(slots=True)
class _Inspecting:
    """An inspection under way."""

    future: "Future[_Seen]"
    asked: bool
    began: float = field(default_factory=time.monotonic)
    hangs: bool = False


@dataclass(slots=True)
class _Running:
    """A run under way; `note` and `wait` are called from its threads."""

    digest: bytes | None
    is_long: bool
    future: "Future[RunResult] | None" = None
    progress: Progress | None = None
    moved_at: float = field(default_factory=time.monotonic)
    reported: bool = False
    held_up: str | None = None
    told: str | None = None

    def wait(self, sentence: str | None) -> None:
        """Remember what it waits for, None for nothing; to wait is no standing still."""
        self.held_up, self.moved_at = sentence, time.monotonic()

    def note(self, progress: Progress) -> None:
        """Remember when the counts last changed."""
        if progress != self.progress:
            self.progress, self.moved_at = progress, time.monotonic()

    @property
    def hangs(self) -> bool:
        """Whether the counts have stood still for too long."""
        return time.monotonic() - self.moved_at > STILL_SECONDS


@dataclass(slots=True)
class _CurrentModel:
    """Which of the registered models the server has now, asked for rarely and in a thread: a server that hangs holds nothing up."""

    client: OllamaClient
    digest: str | None = None
    _asking: "Future[str | None] | None" = None
    _asked_at: float = float("-inf")

    def came_back(self) -> bool:
        """Ask, if it is time; whether a server or a model that was away is there again."""
        if self._asking is None:
            if time.monotonic() - self._asked_at >= MODEL_CHECK_SECONDS:
                self._asking = in_thread(self._ask, "model")
            return False
        if not self._asking.done():
            return False
        if (error := self._asking.exception()) is not None:
            log.warning("the model could not be asked for: %s: %s", type(error).__name__, error)
        known, self.digest = self.digest, None if error is not None else self._asking.result()
        self._asking, self._asked_at = None, time.monotonic()
        return known is None and self.digest is not None

    def _ask(self) -> str | None:
        try:
            return self.client.require_model_digest()
        except EmbeddingUnavailableError:
            return None

    def is_other_than(self, session: Connection, model_id: int | None) -> bool:
        """Whether the server has another model than this one; False while it is away."""
        if self.digest is None:
            return False
        found = find_model(session, self.client.model, self.digest, self.client.prompt_version)
        return found is None or found.id != model_id


@dataclass(slots=True)
class Indexer:
    """All that is under way. Only the thread of the main loop uses it."""

    settings: Settings
    session: Connection
    client: OllamaClient
    pacing: Pacing
    children: Children
    pulse: Pulse
    _schedule: Schedule = field(default_factory=Schedule)
    _inspections: dict[int, _Inspecting] = field(default_factory=dict)
    _runs: dict[int, _Running] = field(default_factory=dict)
    _model: _CurrentModel = field(init=False)

    def __post_init__(self) -> None:
        self._model = _CurrentModel(self.client)

    def turn(self) -> None:
        """Take in what has ended, and begin what has changed.

        Raises:
            psycopg.OperationalError: the database is gone; nothing else that happens here is everybody's.
        """
        if self._model.came_back():
            self._schedule.try_all_again()
        projects = read_projects(self.session)
        self._forget_all_but({entry.project_id for entry in projects})
        for entry in projects:
            try:
                self._attend(entry)
            except Exception as error:  # nothing that one project makes happen may end the loop
                if is_lost(error):
                    raise
                self._fail(entry, error, None)
                self._schedule.next_inspection[entry.project_id] = self._schedule.next_try(entry.project_id)
            self.pulse.works(self.session, self._doing(projects))
        self.pulse.works(self.session, self._doing(projects))

    def is_idle(self) -> bool:
        """Whether nothing is under way that could end, and nothing that was asked for waits."""
        return not self._something_moves() and not any(map(self._schedule.asks, read_projects(self.session)))

    def something_hangs(self) -> bool:
        """Whether a thread will not end by itself."""
        return bool(self._inspections or self._runs)

    def pause(self) -> float:
        """Seconds until the next turn, unless something is asked for."""
        return UNDER_WAY_SECONDS if self._something_moves() else self.settings.refresh_seconds

    def _something_moves(self) -> bool:
        return any(not inspection.hangs for inspection in self._inspections.values()) or any(not run.hangs for run in self._runs.values())

    def _doing(self, projects: list[ProjectEntry]) -> str:
        """For an operator."""
        names = [entry.name for entry in projects if entry.project_id in self._runs]
        more = f" and {len(names) - NAMED_PROJECTS} more" if len(names) > NAMED_PROJECTS else ""
        indexing = f"; indexes {', '.join(names[:NAMED_PROJECTS])}{more}" if names else ""
        return f"follows {len(projects)} projects{indexing}"

    def _forget_all_but(self, project_ids: set[int]) -> None:
        self._schedule.forget_all_but(project_ids)
        for under_way in (self._inspections, self._runs):
            ended = [known for known, each in under_way.items() if each.future is not None and each.future.done()]
            for gone in set(ended) - project_ids:
                under_way.pop(gone)

    def _attend(self, entry: ProjectEntry) -> None:
        if entry.project_id in self._runs:
            self._follow_run(entry, self._runs[entry.project_id])
        elif entry.project_id in self._inspections:
            self._follow_inspection(entry, self._inspections[entry.project_id])
        elif self._schedule.is_due(entry) and self._has_room(is_long=self._is_long(entry)):
            self._begin_inspection(entry)

    def _begin_inspection(self, entry: ProjectEntry) -> None:
        window = last_known_window(self.session, self.client.model) if entry.digest is not None else None
        asked = self._schedule.hear(entry)
        inspecting = self._inspections[entry.project_id] = _Inspecting(
            in_thread(lambda: _inspect(self.settings, entry, window), f"inspect-{entry.name}"), asked
        )
        wait([inspecting.future], QUICK_INSPECTION_SECONDS)
        self._follow_inspection(entry, inspecting)

    def _follow_inspection(self, entry: ProjectEntry, inspecting: _Inspecting) -> None:
        if inspecting.future.done():
            del self._inspections[entry.project_id]
            error = inspecting.future.exception()
            if error is None:
                self._decide(entry, inspecting.future.result(), asked=inspecting.asked)
            else:
                self._fail(entry, error, None)
                self._schedule.next_inspection[entry.project_id] = self._schedule.next_try(entry.project_id)
        elif not inspecting.hangs and time.monotonic() - inspecting.began > INSPECTION_SECONDS:
            inspecting.hangs = True
            self._note(
                entry,
                f"{entry.root} does not answer: its files were not listed in {INSPECTION_SECONDS:.0f} s. Is its file system slow or gone?",
            )

    def _decide(self, entry: ProjectEntry, seen: _Seen, *, asked: bool) -> None:
        """Index one project if its files, its configuration or the model changed since the last complete run."""
        self._schedule.costs[entry.project_id] = seen.processor
        pause = pause_after(self.settings.refresh_seconds, seen.elapsed, sum(self._schedule.costs.values()))
        self._schedule.inspected(entry.project_id, pause)
        fresh = entry.digest is not None and entry.digest == seen.digest
        is_long = self._is_long(entry)
        if fresh and not is_long and self._lost_rows(entry):
            self._schedule.next_inspection[entry.project_id] = 0.0
        elif fresh and not is_long:
            find_unchanged(self.session, entry.project_id)
            self._schedule.succeeded(entry.project_id)
        elif asked or self._schedule.may_try(entry, seen.digest):
            if self._has_room(is_long=is_long):
                self._begin_run(entry, seen, is_long=is_long)
            elif asked:
                self._schedule.unhear(entry.project_id)

    def _lost_rows(self, entry: ProjectEntry) -> bool:
        """Count the rows, if it is time to; what is gone is made again by a run that begins with the next inspection."""
        if not self._schedule.may_count(entry.project_id):
            return False
        began = time.monotonic()
        lost = take_back_what_vanished(self.session, entry.project_id, entry.name)
        self._schedule.counted(entry.project_id, time.monotonic() - began)
        return lost

    def _is_long(self, entry: ProjectEntry) -> bool:
        """Whether a run would make vectors for all of the project."""
        return not entry.vectors_complete or self._model.is_other_than(self.session, entry.model_id)

    def _has_room(self, *, is_long: bool) -> bool:
        if sum(not inspection.hangs for inspection in self._inspections.values()) >= MAX_INSPECTIONS:
            return False
        working = [run for run in self._runs.values() if not run.hangs]
        return len(working) < MAX_RUNS and not (is_long and sum(run.is_long for run in working) >= MAX_LONG_RUNS)

    def _begin_run(self, entry: ProjectEntry, seen: _Seen, *, is_long: bool) -> None:
        running = self._runs[entry.project_id] = _Running(seen.digest, is_long)

        def run() -> RunResult:
            pacing, children = self.pacing, self.children
            return index_project(
                self.settings, seen.project, running.note, None, on_held_up=running.wait, pacing=pacing, children=children, follow=True
            )

        running.future = in_thread(run, f"run-{entry.name}")

    def _follow_run(self, entry: ProjectEntry, running: _Running) -> None:
        """Note the end of a run. Then the files are inspected again at once: they may have changed meanwhile."""
        assert running.future is not None  # noqa: S101 - set where it is made
        if not running.future.done():
            if running.held_up != running.told:  # the run itself may have no connection to say it
                running.told = running.held_up
                note_wait(self.session, entry.project_id, running.told)
            if running.hangs and not running.reported:
                running.reported = True
                self._note(entry, f"Its run has not come on for {STILL_SECONDS:.0f} s. Is its file system slow or gone?")
            return
        del self._runs[entry.project_id]
        self._schedule.inspected(entry.project_id, self.settings.refresh_seconds)
        error = running.future.exception()
        if isinstance(error, ProjectBusyError):
            self._schedule.unhear(entry.project_id)
        elif error is not None:
            self._fail(entry, error, running.digest)
        else:
            self._schedule.succeeded(entry.project_id)
            result = running.future.result()
            log.info("%s: %s files, %s changed, %s chunks embedded", result.project, result.files, result.changed, result.embedded)

    def _fail(self, entry: ProjectEntry, error: BaseException, digest: bytes | None) -> None:
        """The project's failure, whatever it is; said once, and again when it is another one. What is only held up has not failed."""
        unforeseen = not isinstance(error, CocosearchError)
        reason = f"{type(error).__name__}: {error}. The log of the indexer has the whole story." if unforeseen else str(error)
        if self._schedule.failed(entry.project_id, reason, digest, will_pass=isinstance(error, HeldUpError)):
            cause = error if unforeseen else error.__cause__
            log.warning("%s: %s", entry.name, reason, exc_info=cause if _is_unforeseen(cause) else None)
        self._write(entry, error if isinstance(error, HeldUpError) else reason)

    def _note(self, entry: ProjectEntry, reason: str) -> None:
        log.warning("%s: %s", entry.name, reason)
        self._write(entry, reason)

    def _write(self, entry: ProjectEntry, reason: str | HeldUpError) -> None:
        """Put the reason into the project's status; where only this row cannot be written now, the log has said it."""
        try:
            if isinstance(reason, HeldUpError):
                hold_up_run(self.session, entry.project_id, reason)
            else:
                fail_run(self.session, entry.project_id, reason)
        except psycopg.Error as error:
            if is_lost(error):
                raise
            log.warning("%s: its failure could not be written to the database: %s", entry.name, error)


def _inspect(settings: Settings, entry: ProjectEntry, window: int | None) -> _Seen:
    """Inspect the files; not where there are no rows to compare them with, for the run does that."""
    project = load_known_project(entry.root, entry.name)
    if window is None:
        return _Seen(project, digest=None, elapsed=0.0, processor=0.0)
    inspection = inspect(settings, project, window)
    return _Seen(project, inspection.digest, inspection.elapsed, inspection.processor)


def _is_unforeseen(cause: BaseException | None) -> bool:
    """Whether the log is to have the stack: services that are away and errors with a sentence need none."""
    return cause is not None and not isinstance(cause, CocosearchError | psycopg.OperationalError | OSError)
