"""One indexing run of one project: refuse what would do harm, run the engine, check what it did."""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from cocosearch.database.connection import PATIENCE_SECONDS, Connection, OnWait, Pool, connect
from cocosearch.database.failures import FORESEEN, explained
from cocosearch.database.jobs import register_project
from cocosearch.database.locks import project_lock
from cocosearch.database.models import count_texts, last_chunk_id, last_known_window
from cocosearch.database.status import project_status
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.embedding.protocol import DEFAULT_CONTEXT_TOKENS
from cocosearch.errors import (
    CocosearchError,
    DatabaseUnavailableError,
    EmbeddingUnavailableError,
    HeldUpError,
    IndexingError,
    NoRoomError,
)
from cocosearch.indexing.chunking.chunks import DEFAULT_CHUNK_CHARACTERS
from cocosearch.indexing.engine.children import Children
from cocosearch.indexing.engine.engine import Engine, EngineReport
from cocosearch.indexing.engine.flow import ROWS_VERSION, Recipe
from cocosearch.indexing.engine.rows import RowStore
from cocosearch.indexing.engine.state import project_state
from cocosearch.indexing.lane import Lane
from cocosearch.indexing.looks import Look
from cocosearch.indexing.outcome import complete, failed, held_up, missing_rows, rows_written, start, sweep, waits
from cocosearch.indexing.progress import ProgressCallback
from cocosearch.indexing.reporter import Reporter
from cocosearch.indexing.sources.listing import Listing, list_files
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
    on_wait: Callable[[], None] = lambda: None,
    *,
    on_held_up: OnWait = lambda _: None,
    lane: Lane | None = None,
    children: Children | None = None,
    follow: bool = False,
) -> RunResult:
    """Bring a project's rows up to date with its files, then their vectors; waits while another process does the same.

    Args:
        settings: of this process.
        project: what to index.
        on_progress: called from another thread, a few times a second at most.
        on_wait: called once if another process has the project.
        on_held_up: called with a sentence while the database is busy, and with None when it is not any more.
        lane: to the embedding server, where this process has other runs beside this one.
        children: that read the files, where this process has other runs beside this one.
        follow: look at the files again and again while vectors are being made, so that words find a change at once.

    Raises:
        IndexingError: the root is missing or has nothing to index (the index is kept), or a part of the files failed; the message says
            which, and the next run takes up where this one ended. Also whatever nobody has foreseen, with the exception as its cause.
        EmbeddingUnavailableError: the embedding server is down; the rows are written and words find them.
        DatabaseUnavailableError: the database is down.
        HeldUpError: the database was busy for long, or a disk is full; the project waits, and the next run goes on where this one ended.
    """
    require_room(settings)
    with connect(settings, patience_seconds=PATIENCE_SECONDS, on_wait=on_held_up) as connection:
        project_id = register_project(connection, project.name, project.root)
    with project_lock(settings, project_id, on_wait, on_held_up=on_held_up) as session, ExitStack() as stack:

        def wait(sentence: str | None) -> None:
            on_held_up(sentence)
            held_up(session, project_id, sentence)

        try:
            client = stack.enter_context(OllamaClient(settings))
            pool = stack.enter_context(
                Pool(settings, patience_seconds=PATIENCE_SECONDS, on_wait=wait, before_lending=lambda: require_room(settings))
            )
            made = children or stack.enter_context(Children())
            made.warm_up()
            run = _Run(settings, project_id, session, client, pool, lane or Lane(settings.embed_batch), made)
            return run.index(project, on_progress, follow=follow)
        except EmbeddingUnavailableError as error:
            incomplete = _incomplete(session, project, error)
            _note_failure(session, project_id, incomplete)
            raise incomplete from error
        except Exception as error:
            failure = _failure(settings, project, error)
            _note_failure(session, project_id, failure)
            if failure is error:
                raise
            raise failure from error


def _failure(settings: Settings, project: Project, error: Exception) -> CocosearchError:
    """The error for a reader; on a full disk things fail in many ways, and the disk is the reason."""
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
        f"{error} {without} of {status.chunks} chunks of '{project.name}' are found by words alone until a run finds the model again."
    )


def _note_failure(session: Connection, project_id: int, failure: CocosearchError) -> None:
    """Tell others why the run failed; a session that is lost too must not hide the reason from the caller."""
    try:
        if isinstance(failure, HeldUpError):
            waits(session, project_id, failure)
        else:
            failed(session, project_id, str(failure))
    except FORESEEN as error:
        log.warning("the failure could not be written to the database: %s", error)


def recipe_for(project: Project, context_tokens: int, settings: Settings) -> Recipe:
    """What rows of this project are made with."""
    return Recipe(
        chunk_characters=project.config.chunk_size or DEFAULT_CHUNK_CHARACTERS,
        max_tokens=context_tokens,
        max_file_bytes=settings.max_file_bytes,
    )


def listing_digest(listing: Listing, recipe: Recipe) -> bytes:
    """Equal digests: the rows would be the same."""
    return hashlib.sha256(listing.digest() + repr(recipe).encode()).digest()


@dataclass(slots=True)
class _Run:
    """One run, holding the project's lock by its session."""

    settings: Settings
    project_id: int
    session: Connection
    client: OllamaClient
    pool: Pool
    lane: Lane
    children: Children
    counts: DenseCounts = field(default_factory=DenseCounts)
    changed: int = 0
    deleted: int = 0
    rebuilt: bool = False

    def index(self, project: Project, on_progress: ProgressCallback, *, follow: bool) -> RunResult:
        listing = _listed(project, self.settings)
        last_old_row = last_chunk_id(self.session)
        self.rebuilt = take_back_what_vanished(self.session, self.project_id, project.name)
        start(self.session, self.project_id, ROWS_VERSION)
        with Reporter(self.pool, self.project_id, on_progress) as reporter:
            digest, look_again = b"", True
            while look_again:
                look_again = False
                with DensePass(self.client, self.pool, self.project_id, self.lane, self.counts, last_old_row) as dense:
                    digest = digest or self._write_rows(project, listing, reporter)
                    dense.rows_complete()
                    pause = self.settings.refresh_seconds
                    while not dense.wait(pause if follow else None):
                        look = Look.begin()
                        project = load_known_project(project.root, project.name)
                        listing = _listed(project, self.settings)
                        pause = look.pause(self.settings.refresh_seconds, look.processor())
                        if digest != listing_digest(listing, self._recipe(project)):
                            digest, look_again = self._write_rows(project, listing, reporter), True
        complete(self.session, self.project_id)
        return RunResult(
            project=project.name,
            files=len(listing.files),
            changed=self.changed,
            deleted=self.deleted,
            embedded=self.counts.embedded,
            cached=count_texts(self.session, self.project_id, last_old_row) - self.counts.asked_for_new_rows,
            refused=self.counts.refused,
            rebuilt=self.rebuilt,
            skipped={str(reason): count for reason, count in listing.skipped.items()},
        )

    def _recipe(self, project: Project) -> Recipe:
        """Rows need nothing of the model but its window: one that is away now had one, or is guessed a small one."""
        window = last_known_window(self.session, self.client.model)
        return recipe_for(project, window or self.client.context_tokens() or DEFAULT_CONTEXT_TOKENS, self.settings)

    def _write_rows(self, project: Project, listing: Listing, reporter: Reporter) -> bytes:
        """Make the rows those of the listing; returns its digest."""
        recipe = self._recipe(project)
        state = project_state(self.settings, project.name)
        if not state.ensure_matches(self.session, self.project_id):
            self.rebuilt = True
        reporter.files_total = len(listing.files)
        store = RowStore(self.pool, self.project_id)
        engine = Engine(self.settings.engine_map_bytes, project, state.engine_path, store, reporter, self.children)
        report = asyncio.run(engine.run(listing, recipe))
        if store.failure is not None:
            raise store.failure
        if not report.errors and missing_rows(self.session, self.project_id, listing):
            log.warning("%s: rows are missing that the engine has written; rebuilding", project.name)
            state.start_anew(self.session, self.project_id)
            self.rebuilt = True
            report = asyncio.run(engine.run(listing, recipe))
        _check(self.session, project, self.project_id, listing, report)
        state.advance(self.session, self.project_id)
        self.changed += report.changed
        self.deleted += report.deleted
        digest = listing_digest(listing, recipe)
        rows_written(self.session, self.project_id, listing, digest, ROWS_VERSION)
        reporter.rows_written()
        return digest


def _listed(project: Project, settings: Settings) -> Listing:
    listing = list_files(project, settings)
    if not listing.files:
        raise IndexingError(
            f"{project.root} has no files to index. The existing index is kept; `cocosearch clear {project.name}` removes it."
        )
    return listing


def _check(session: Connection, project: Project, project_id: int, listing: Listing, report: EngineReport) -> None:
    """Judge by the rows, not by the engine's word: it returns success with a dead embedder or a full disk."""
    if report.errors:
        named = "; ".join(report.errors[:MAX_NAMED_ERRORS])
        raise IndexingError(
            f"{len(report.errors)} of {len(listing.files)} files of '{project.name}' failed and will be tried again: {named}"
        )
    sweep(session, project_id, listing)
    missing = missing_rows(session, project_id, listing)
    if missing:
        raise IndexingError(
            f"{len(missing)} files of '{project.name}' have no complete rows after the run, first {missing[0]}. Run it again."
        )
