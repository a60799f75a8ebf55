"""One indexing run of one project: refuse what would do harm, run the engine, check what it did."""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import psycopg

from cocosearch.database import connect, open_pool
from cocosearch.database.connection import Connection, unavailable
from cocosearch.database.jobs import register_project
from cocosearch.database.locks import project_lock
from cocosearch.database.models import last_known_window, register_model
from cocosearch.errors import CocosearchError, EmbeddingUnavailableError, IndexingError
from cocosearch.indexing.chunking import DEFAULT_CHUNK_CHARACTERS
from cocosearch.indexing.dense_pass import DenseCounts, DensePass
from cocosearch.indexing.engine import Engine, EngineReport
from cocosearch.indexing.engine_state import EngineState, project_state
from cocosearch.indexing.flow import Recipe
from cocosearch.indexing.listing import Listing, list_files
from cocosearch.indexing.outcome import finish, missing_rows, start, sweep
from cocosearch.indexing.progress import ProgressCallback
from cocosearch.indexing.reporter import Reporter
from cocosearch.indexing.rows import RowStore
from cocosearch.ollama import DEFAULT_CONTEXT_TOKENS, Model, OllamaClient
from cocosearch.projects import Project
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
) -> RunResult:
    """Bring a project's rows up to date with its files; waits while another process does the same.

    Raises:
        IndexingError: the root is missing or has nothing to index (the index is kept), or a part of the files failed; the message says
            which, and the next run takes up where this one ended.
        EmbeddingUnavailableError: the embedding server is down; the rows are written and words find them.
        DatabaseUnavailableError: the database is down.
    """
    with connect(settings) as connection:
        project_id = register_project(connection, project.name, project.root)
    with project_lock(settings, project_id, on_wait) as session:
        try:
            return _run_locked(settings, project, project_id, session, on_progress)
        except CocosearchError as error:
            if not session.closed:
                finish(session, project_id, error=str(error))
            raise
        except psycopg.OperationalError as error:
            raise unavailable(error) from error


def recipe_for(project: Project, context_tokens: int, settings: Settings) -> Recipe:
    """What rows of this project are made with."""
    return Recipe(
        chunk_characters=project.config.chunk_size or DEFAULT_CHUNK_CHARACTERS,
        max_tokens=context_tokens,
        max_file_bytes=settings.max_file_bytes,
    )


def listing_digest(listing: Listing, recipe: Recipe, model_id: int) -> bytes:
    """Equal digests: a run would change nothing."""
    return hashlib.sha256(listing.digest() + repr((recipe, model_id)).encode()).digest()


def _run_locked(settings: Settings, project: Project, project_id: int, session: Connection, on_progress: ProgressCallback) -> RunResult:
    listing = list_files(project, settings)
    if not listing.files:
        raise IndexingError(
            f"{project.root} has no files to index. The existing index is kept; `cocosearch clear {project.name}` removes it."
        )
    with OllamaClient(settings) as client, open_pool(settings) as pool:
        model = _model(client)
        model_id = register_model(session, model) if isinstance(model, Model) else None
        recipe = recipe_for(project, last_known_window(session, client.model) or DEFAULT_CONTEXT_TOKENS, settings)
        start(session, project_id, model_id)
        state = project_state(settings, project.name)
        rows = RowStore(pool, project_id, model_id)
        with ExitStack() as stack:
            reporter = stack.enter_context(Reporter(pool, project_id, len(listing.files), on_progress))
            dense = stack.enter_context(DensePass(client, pool, project_id, model_id, settings.embed_batch)) if model_id else None
            engine = Engine(settings.engine_map_bytes, project, state.engine_path, rows, reporter)
            report, rebuilt = _write_rows(session, engine, state, project_id, listing, recipe)
            if model_id is None or dense is None:
                raise model if isinstance(model, EmbeddingUnavailableError) else AssertionError
            dense.finish()
        finish(session, project_id, listing=listing, digest=listing_digest(listing, recipe, model_id))
    return _result(project, listing, report, rows, dense.counts, rebuilt=rebuilt)


def _write_rows(
    session: Connection, engine: Engine, state: EngineState, project_id: int, listing: Listing, recipe: Recipe
) -> tuple[EngineReport, bool]:
    """Make the rows those of the listing; also whether that was a rebuild of rows or state that had been lost."""
    rebuilt = not state.ensure_matches(session, project_id)
    report = asyncio.run(engine.run(listing, recipe))
    if not report.errors and missing_rows(session, project_id, listing):
        log.warning("%s: rows are missing that the engine has written; rebuilding", engine.project.name)
        state.start_anew(session, project_id)
        rebuilt = True
        report = asyncio.run(engine.run(listing, recipe))
    _complete(session, engine.project, project_id, listing, report)
    state.advance(session, project_id)
    return report, rebuilt


def _model(client: OllamaClient) -> Model | EmbeddingUnavailableError:
    """The model, or why there is none now: rows need only its window, and words find them without it."""
    try:
        return client.describe_model()
    except EmbeddingUnavailableError as error:
        return error


def _complete(session: Connection, project: Project, project_id: int, listing: Listing, report: EngineReport) -> None:
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


def _result(project: Project, listing: Listing, report: EngineReport, rows: RowStore, counts: DenseCounts, *, rebuilt: bool) -> RunResult:
    return RunResult(
        project=project.name,
        files=len(listing.files),
        changed=report.changed,
        deleted=report.deleted,
        embedded=counts.embedded,
        cached=rows.cached,
        refused=counts.refused,
        rebuilt=rebuilt,
        skipped={str(reason): count for reason, count in listing.skipped.items()},
    )
