"""The seam between serving and everything behind it: a handful of functions, so that tests can stand in front of fewer parts."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psycopg

from cocosearch.database.failures import is_lost
from cocosearch.database.projects import Job
from cocosearch.database.status import ProjectStatus
from cocosearch.errors import DatabaseUnavailableError
from cocosearch.operations.health import Check
from cocosearch.search.types import SearchRequest, SearchResponse
from cocosearch.settings import Settings, Transport

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backend:
    """What serving asks of the rest; every function blocks, may be called from any thread and raises `CocosearchError` with a sentence.

    `connections` is entered before the first call and left after the last; entering it must not need a database that answers.
    """

    search: Callable[[SearchRequest], SearchResponse]
    list_projects: Callable[[], list[ProjectStatus]]
    project_status: Callable[[str], ProjectStatus]
    index_project: Callable[[str, str | None], Job]
    health_checks: Mapping[tuple[str, ...], Check]
    connections: Callable[[], AbstractContextManager[object]]


def appliance_backend(settings: Settings) -> Backend:
    """The real one: a pool on the database, a client of Ollama. Nothing is opened before `connections` is entered."""
    from cocosearch.access.requests import enqueue
    from cocosearch.database import open_pool, status
    from cocosearch.embedding.ollama import OllamaClient
    from cocosearch.operations import health
    from cocosearch.projects import resolve_allowed_root
    from cocosearch.search import search

    pool = open_pool(settings, settings.statement_timeout_seconds)
    client = OllamaClient(settings)
    watching_client = OllamaClient(settings)  # its own connections: a check never queues behind a search
    roots = allowed_roots(settings)

    def index_project(path: str, name: str | None) -> Job:
        root = resolve_allowed_root(path, roots)
        with _missing_tables_explained(), pool.connection() as connection:
            job = enqueue(connection, root, name, settings.max_queued_jobs)
        if settings.transport is Transport.STDIO:
            from cocosearch.indexing.worker import ensure_worker

            ensure_worker(settings)
        return job

    def list_projects() -> list[ProjectStatus]:
        with pool.connection() as connection:
            return status.list_projects(connection)

    def project_status(name: str) -> ProjectStatus:
        with pool.connection() as connection:
            return status.project_status(connection, name)

    @contextmanager
    def connections() -> Iterator[None]:
        with client, watching_client, pool:
            yield

    return Backend(
        search=lambda request: _reading(lambda: search(pool, client, request)),
        list_projects=lambda: _reading(list_projects),
        project_status=lambda name: _reading(lambda: project_status(name)),
        index_project=index_project,
        health_checks={
            health.DATABASE_PARTS: lambda: health.check_database(settings),
            ("ollama", "model"): lambda: health.check_ollama(settings, watching_client, client.known_away),
            (health.DISK,): lambda: health.check_disk(settings),
        },
        connections=connections,
    )


def allowed_roots(settings: Settings) -> tuple[Path, ...]:
    """Directories below which clients may have projects indexed.

    Over stdio the client already acts as this user, in this directory: with nothing configured the current directory is the one root.
    """
    if settings.allowed_roots or settings.transport is not Transport.STDIO:
        return settings.allowed_roots
    return (Path.cwd().resolve(),)


def _reading(read: Callable[[], T]) -> T:
    """Result of `read`; once more where the connection broke in the middle, as it does when PostgreSQL restarts."""
    try:
        with _missing_tables_explained():
            return read()
    except DatabaseUnavailableError as error:
        # No connection to be had has no cause of psycopg's, and is no reason to ask at once again.
        if not (isinstance(error.__cause__, psycopg.Error) and is_lost(error.__cause__)):
            raise
    with _missing_tables_explained():
        return read()


@contextmanager
def _missing_tables_explained() -> Iterator[None]:
    """A database without our tables becomes the sentence about it; the pool has those about its failures."""
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedFunction) as error:
        raise DatabaseUnavailableError(
            "The tables in the database are not there yet, or those of another release: an upgrade may be under way, so try again in a "
            "minute. Else the host's operator runs `cocosearch database migrate`; `cocosearch doctor` says more."
        ) from error
