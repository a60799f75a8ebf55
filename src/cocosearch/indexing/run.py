"""One indexing run of one project: refuse what would do harm, run the engine, check what it did."""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from cocosearch.database import connect, open_pool
from cocosearch.database.connection import Connection, unavailable
from cocosearch.database.jobs import register_project
from cocosearch.database.locks import project_lock
from cocosearch.database.models import register_model
from cocosearch.errors import CocosearchError, IndexingError
from cocosearch.indexing.chunking import DEFAULT_CHUNK_CHARACTERS
from cocosearch.indexing.embedding import Embedder, EmbeddingCounts
from cocosearch.indexing.engine import Engine, EngineReport
from cocosearch.indexing.engine_state import project_state
from cocosearch.indexing.flow import Recipe
from cocosearch.indexing.listing import Listing, list_files
from cocosearch.indexing.outcome import finish, missing_rows, start, sweep
from cocosearch.indexing.progress import ProgressCallback
from cocosearch.ollama import OllamaClient
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
        EmbeddingUnavailableError, DatabaseUnavailableError: a service is down.
    """
    with connect(settings) as connection:
        project_id = register_project(connection, project.name, project.root)
    with project_lock(settings, project_id, on_wait) as session:
        try:
            return _run_locked(settings, project, project_id, session, on_progress)
        except CocosearchError as error:
            _note_failure(session, project_id, error)
            raise
        except psycopg.OperationalError as error:
            raise unavailable(error) from error


def _note_failure(session: Connection, project_id: int, failure: CocosearchError) -> None:
    """Tell others why the run failed; a session that is lost too must not hide the reason from the caller."""
    try:
        finish(session, project_id, error=str(failure))
    except psycopg.OperationalError as error:
        log.warning("the failure could not be written to the database: %s", error)


def recipe_for(project: Project, model_id: int, context_tokens: int, settings: Settings) -> Recipe:
    """What rows of this project are made with."""
    return Recipe(
        model_id=model_id,
        chunk_characters=project.config.chunk_size or DEFAULT_CHUNK_CHARACTERS,
        max_tokens=context_tokens,
        max_file_bytes=settings.max_file_bytes,
    )


def listing_digest(listing: Listing, recipe: Recipe) -> bytes:
    """Equal digests: a run would change nothing."""
    return hashlib.sha256(listing.digest() + repr(recipe).encode()).digest()


def _run_locked(settings: Settings, project: Project, project_id: int, session: Connection, on_progress: ProgressCallback) -> RunResult:
    listing = list_files(project, settings)
    if not listing.files:
        raise IndexingError(
            f"{project.root} has no files to index. The existing index is kept; `cocosearch clear {project.name}` removes it."
        )
    with OllamaClient(settings) as client, open_pool(settings) as pool:
        model = client.describe_model()
        model_id = register_model(session, model)
        recipe = recipe_for(project, model_id, model.context_tokens, settings)
        state = project_state(settings, project.name)
        start(session, project_id, model_id)
        rebuilt = not state.ensure_matches(session, project_id)
        embedder = Embedder(client, pool, model_id, settings.embed_batch)
        engine = Engine(settings.engine_map_bytes, project, project_id, state.engine_path, pool, embedder, on_progress)
        report = asyncio.run(engine.run(listing, recipe))
        if not report.errors and missing_rows(session, project_id, listing):
            log.warning("%s: rows are missing that the engine has written; rebuilding", project.name)
            state.start_anew(session, project_id)
            rebuilt = True
            report = asyncio.run(engine.run(listing, recipe))
        _complete(session, project, project_id, listing, report)
        state.advance(session, project_id)
        finish(session, project_id, listing=listing, digest=listing_digest(listing, recipe))
        return _result(project, listing, report, embedder.counts, rebuilt=rebuilt)


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


def _result(project: Project, listing: Listing, report: EngineReport, counts: EmbeddingCounts, *, rebuilt: bool) -> RunResult:
    return RunResult(
        project=project.name,
        files=len(listing.files),
        changed=report.changed,
        deleted=report.deleted,
        embedded=counts.embedded,
        cached=counts.cached,
        refused=counts.refused,
        rebuilt=rebuilt,
        skipped={str(reason): count for reason, count in listing.skipped.items()},
    )
