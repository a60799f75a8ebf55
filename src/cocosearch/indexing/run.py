"""One indexing run of one project: rows of all its files, then the vectors of their texts.

A run ends when every text of the rows has its vector, and no row has been written since the pass that made the vectors began. It judges by
the rows, not by the engine's word, and what it could not complete it leaves for the next run.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from cocosearch.database.connection import PATIENCE_SECONDS, Connection, OnWait, Pool, connect
from cocosearch.database.failures import FORESEEN, explained
from cocosearch.database.locks import project_lock
from cocosearch.database.models import last_known_window
from cocosearch.database.projects import begin_run, complete_rows, complete_run, fail_run, hold_up_run, note_wait, register_project
from cocosearch.database.rows import complete_paths, count_skipped, count_texts, delete_all_but, last_chunk_id
from cocosearch.database.status import project_status
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.embedding.pacing import Pacing
from cocosearch.embedding.protocol import DEFAULT_CONTEXT_TOKENS
from cocosearch.errors import (
    CocosearchError,
    DatabaseUnavailableError,
    EmbeddingUnavailableError,
    HeldUpError,
    IndexingError,
    NoRoomError,
)
from cocosearch.indexing.engine.children import Children
from cocosearch.indexing.engine.engine import Engine, EngineReport
from cocosearch.indexing.engine.flow import ROWS_VERSION
from cocosearch.indexing.engine.rows import RowStore
from cocosearch.indexing.engine.state import project_state
from cocosearch.indexing.freshness import Inspection, inspect, pause_after
from cocosearch.indexing.progress import ProgressCallback
from cocosearch.indexing.reporter import Reporter
from cocosearch.indexing.sources.listing import Listing
from cocosearch.indexing.vanished import take_back_what_vanished
from cocosearch.indexing.vectors import DenseCounts, DensePass
from cocosearch.process.room import is_no_space, require_room
from cocosearch.projects import Project, load_known_project
from cocosearch.settings import Settings

log = logging.getLogger(__name__)

MAX_NAMED_ERRORS = 3


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a complete run did. A run that was not complete raises instead."""

    project: str
    files: int
    changed: int
    deleted: int
    embedded: int
    cached: int
    refused: int
    rebuilt: bool
    skipped: dict[str, int]


def index_project(
    settings: Settings,
    project: Project,
    on_progress: ProgressCallback = lambda _: None,
    on_wait: Callable[[], None] | None = lambda: None,
    *,
    on_held_up: OnWait = lambda _: None,
    pacing: Pacing | None = None,
    children: Children | None = None,
    follow: bool = False,
) -> RunResult:
    """Bring a project's rows up to date with its files, then their vectors; waits while another process does the same.

    Args:
        settings: of this process.
        project: what to index.
        on_progress: called from another thread, a few times a second at most.
        on_wait: called once if another process has the project, which is then waited for; None: do not wait.
        on_held_up: called with a sentence while the database is busy, and with None when it is not any more.
        pacing: to the embedding server, where this process has other runs beside this one.
        children: that read the files, where this process has other runs beside this one.
        follow: look at the files again and again while vectors are being made, so that words find a change at once.

    Raises:
        IndexingError: the root is missing or has nothing to index (the index is kept), or a part of the files failed; the message says
            which, and the next run takes up where this one ended. Also whatever nobody has foreseen, with the exception as its cause.
        ProjectBusyError: another process has the project, and it is not to be waited for.
        EmbeddingUnavailableError: the embedding server is down; the rows are written and words find them.
        DatabaseUnavailableError: the database is down.
        HeldUpError: the database was busy for long, or a disk is full; the project waits, and the next run goes on where this one ended.
    """
    require_room(settings)
    with connect(settings, patience_seconds=PATIENCE_SECONDS, on_wait=on_held_up) as connection:
        project_id = register_project(connection, project.name, project.root)
    with project_lock(settings, project_id, on_wait, on_held_up=on_held_up) as session, ExitStack() as opened:
        try:
            run = _prepare(opened, settings, project_id, session, on_held_up, pacing, children)
            return run.index(project, on_progress, follow=follow)
        except Exception as error:
            failure = _failure(settings, session, project, error)
            _note_failure(session, project_id, failure)
            if failure is error:
                raise
            raise failure from error


def _prepare(  # noqa: PLR0917 - what one caller has
    opened: ExitStack,
    settings: Settings,
    project_id: int,
    session: Connection,
    on_held_up: OnWait,
    pacing: Pacing | None,
    children: Children | None,
) -> "_Run":
    """A run with all that it needs; what it opens itself goes onto the stack, to be closed after a failure was noted."""

    def wait(sentence: str | None) -> None:
        on_held_up(sentence)
        note_wait(session, project_id, sentence)

    client = opened.enter_context(OllamaClient(settings))
    pool = opened.enter_context(
        Pool(settings, patience_seconds=PATIENCE_SECONDS, on_wait=wait, before_lending=lambda: require_room(settings))
    )
    children = children or opened.enter_context(Children())
    children.warm_up()
    return _Run(settings, project_id, session, client, pool, pacing or Pacing(settings.embed_batch), children)


def _failure(settings: Settings, session: Connection, project: Project, error: Exception) -> CocosearchError:
    """The error for a reader; on a full disk things fail in many ways, and the disk is the reason."""
    if isinstance(error, EmbeddingUnavailableError):
        return _incomplete(session, project, error)
    if not isinstance(error, HeldUpError | DatabaseUnavailableError):
        try:
            require_room(settings)
        except NoRoomError as full:
            return full
    if isinstance(error, CocosearchError):
        return error
    if isinstance(error, FORESEEN):
        return explained(error)
    if is_no_space(error):
        return NoRoomError(f"A disk is full: {error}. Make room on it; search goes on, and so does indexing by itself then.")
    return IndexingError(f"'{project.name}' cannot be indexed: {type(error).__name__}: {error}. The log has the whole story.")


def _incomplete(session: Connection, project: Project, error: EmbeddingUnavailableError) -> EmbeddingUnavailableError:
    """The same error with what it means for this project."""
    status = project_status(session, project.name)
    without = status.chunks - status.chunks_embedded
    return EmbeddingUnavailableError(
        f"{error} {without} of {status.chunks} chunks of '{project.name}' are found by words alone until a run finds the model again.",
        error.why,
    )


def _note_failure(session: Connection, project_id: int, failure: CocosearchError) -> None:
    """Tell others why the run failed; a session that is lost too must not hide the reason from the caller."""
    try:
        if isinstance(failure, HeldUpError):
            hold_up_run(session, project_id, failure)
        else:
            fail_run(session, project_id, str(failure))
    except FORESEEN as error:
        log.warning("the failure could not be written to the database: %s", error)


@dataclass(slots=True)
class _Run:
    """One run, holding the project's lock by its session."""

    settings: Settings
    project_id: int
    session: Connection
    client: OllamaClient
    pool: Pool
    pacing: Pacing
    children: Children
    counts: DenseCounts = field(default_factory=DenseCounts)
    changed: int = 0
    deleted: int = 0
    rebuilt: bool = False

    def index(self, project: Project, on_progress: ProgressCallback, *, follow: bool) -> RunResult:
        inspection = self._inspect(project)
        last_old_row = last_chunk_id(self.session)
        self.rebuilt = take_back_what_vanished(self.session, self.project_id, project.name)
        begin_run(self.session, self.project_id, ROWS_VERSION)
        written: Inspection | None = None
        with Reporter(self.pool, self.project_id, on_progress) as reporter:
            while True:
                with DensePass(self.client, self.pool, self.project_id, self.pacing, self.counts, last_old_row) as vectors:
                    if written is None:
                        written = self._write_rows(inspection, reporter)
                    vectors.rows_complete()
                    before = written
                    if follow:
                        written = self._follow_files(written, vectors, reporter)
                    vectors.wait(None)
                if written is before:  # else the pass may have ended before the last rows came
                    break
        complete_run(self.session, self.project_id)
        return RunResult(
            project=project.name,
            files=len(written.listing.files),
            changed=self.changed,
            deleted=self.deleted,
            embedded=self.counts.embedded,
            cached=count_texts(self.session, self.project_id, last_old_row) - self.counts.asked_for_new_rows,
            refused=self.counts.refused,
            rebuilt=self.rebuilt,
            skipped=dict(written.listing.skipped_by_name()),
        )

    def _follow_files(self, written: Inspection, vectors: DensePass, reporter: Reporter) -> Inspection:
        """Write the rows of what changes until the pass has ended; returns what the rows are of then."""
        pause = self.settings.refresh_seconds
        while not vectors.wait(pause):
            inspection = self._inspect(load_known_project(written.project.root, written.project.name))
            pause = pause_after(self.settings.refresh_seconds, inspection.elapsed, inspection.processor)
            if inspection.digest != written.digest:
                written = self._write_rows(inspection, reporter)
        return written

    def _inspect(self, project: Project) -> Inspection:
        """Rows need nothing of the model but its window: one that is away now had one, or is guessed a small one."""
        window = last_known_window(self.session, self.client.model) or self.client.context_tokens() or DEFAULT_CONTEXT_TOKENS
        inspection = inspect(self.settings, project, window)
        if not inspection.listing.files:
            raise IndexingError(
                f"{project.root} has no files to index. The existing index is kept; `cocosearch clear {project.name}` removes it."
            )
        return inspection

    def _write_rows(self, inspection: Inspection, reporter: Reporter) -> Inspection:
        """Make the rows those of the files; returns what they are of now."""
        project, listing = inspection.project, inspection.listing
        state = project_state(self.settings, project.name)
        if not state.ensure_matches(self.session, self.project_id):
            self.rebuilt = True
        reporter.files_total = len(listing.files)
        store = RowStore(self.pool, self.project_id)
        engine = Engine(self.settings.engine_map_bytes, project, state.engine_path, store, reporter, self.children)
        report = asyncio.run(engine.run(listing, inspection.recipe))
        if store.failure is not None:
            raise store.failure
        if not report.errors and _missing_rows(self.session, self.project_id, listing):
            log.warning("%s: rows are missing that the engine has written; rebuilding", project.name)
            state.start_anew(self.session, self.project_id)
            self.rebuilt = True
            report = asyncio.run(engine.run(listing, inspection.recipe))
        _require_rows(self.session, project, self.project_id, listing, report)
        state.advance(self.session, self.project_id)
        self.changed += report.changed
        self.deleted += report.deleted
        complete_rows(
            self.session,
            self.project_id,
            digest=inspection.digest,
            skipped=dict(listing.skipped_by_name() + count_skipped(self.session, self.project_id)),
            notes=list(listing.notes),
            rows_version=ROWS_VERSION,
        )
        reporter.rows_written()
        return inspection


def _require_rows(session: Connection, project: Project, project_id: int, listing: Listing, report: EngineReport) -> None:
    """Judge by the rows: the engine returns success with a dead embedder or a full disk."""
    if report.errors:
        named = "; ".join(report.errors[:MAX_NAMED_ERRORS])
        raise IndexingError(
            f"{len(report.errors)} of {len(listing.files)} files of '{project.name}' failed and will be tried again: {named}"
        )
    delete_all_but(session, project_id, [file.path for file in listing.files])
    missing = _missing_rows(session, project_id, listing)
    if missing:
        raise IndexingError(
            f"{len(missing)} files of '{project.name}' have no complete rows after the run, first {missing[0]}. Run it again."
        )


def _missing_rows(session: Connection, project_id: int, listing: Listing) -> list[str]:
    """Listed files that the database does not hold with all their chunks."""
    held = complete_paths(session, project_id)
    return [file.path for file in listing.files if file.path not in held]
