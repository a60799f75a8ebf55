"""What `cocosearch doctor` finds in the database: the server, pgvector, tables, indexes, the indexer and every project."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from cocosearch.database.connection import CONNECT_TIMEOUT_SECONDS
from cocosearch.database.extension import installed_version, pgvector_version
from cocosearch.database.failures import explained
from cocosearch.database.heartbeat import IndexerLife, Life, indexer_life
from cocosearch.database.migrations import applied, available
from cocosearch.database.pgvector import MENDED_PGVECTOR, MIN_PGVECTOR, faults, written
from cocosearch.database.projects import ProjectState
from cocosearch.database.reindexing import unusable_indexes
from cocosearch.database.status import ProjectStatus, list_projects, why_full
from cocosearch.errors import DatabaseBusyError
from cocosearch.operations.findings import Finding, Level
from cocosearch.process.units import has_unit, look_or_check, show_status
from cocosearch.settings import Settings, variable_name

UNCHECKED_AFTER = timedelta(minutes=10)


def look_at_database(settings: Settings) -> Iterator[Finding]:
    """All findings in the database; one that is down is one finding."""
    try:
        with psycopg.connect(settings.database_url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
            connection.execute("SELECT set_config('statement_timeout', '10s', false)")
            yield Finding("database", Level.OK, f"PostgreSQL {connection.info.parameter_status('server_version')} answers.")
            yield extension_finding(pgvector_version(connection), installed_version(connection))
            migrations = _migrations(applied(connection))
            yield migrations
            if migrations.level is Level.OK:
                if (full := why_full(connection)) is not None:
                    yield Finding("database", Level.PROBLEM, full, "Make room on the disk of the database.")
                yield from _indexes(unusable_indexes(connection))
                projects = list_projects(connection)
                yield _indexer(indexer_life(connection), projects)
                yield from (project_finding(status) for status in projects)
    except psycopg.Error as error:
        failure = explained(error)
        status = show_status("cocosearch-postgresql")
        busy = f"If this lasts, look at {f'{status}, and at ' if status else ''}the programs that hold connections."
        down = look_or_check("cocosearch-postgresql", variable_name("database_url"))
        yield Finding("database", Level.PROBLEM, str(failure), busy if isinstance(failure, DatabaseBusyError) else down)


def extension_finding(version: tuple[int, ...] | None, installed: tuple[int, ...] | None) -> Finding:
    """What the version of pgvector in the database means; `installed` is that of the server's package."""
    if version is None:
        return Finding("extension", Level.PROBLEM, "The database lacks pgvector.", "A superuser runs in it: CREATE EXTENSION vector;")
    found = f"pgvector {written(version)}."
    if version < MIN_PGVECTOR:
        return Finding(
            "extension",
            Level.PROBLEM,
            found,
            f"{written(MIN_PGVECTOR)} is needed: install a newer package; then a superuser runs: ALTER EXTENSION vector UPDATE;",
        )
    known = faults(version)
    if not known:
        return Finding("extension", Level.OK, found)
    is_there = installed is not None and not faults(installed)
    return Finding(
        "extension",
        Level.WARNING,
        f"{found} Faults of its vector index are known: {'; '.join(known)}. The vectors themselves stand in a table, and are not touched.",
        f"{'' if is_there else _newer_pgvector()}{_update_pgvector()}",
    )


def _newer_pgvector() -> str:
    by_playbook = "`postgresql_source: pgdg`, and the playbook again; or " if has_unit("cocosearch-postgresql") else ""
    return (
        f"Install pgvector {written(MENDED_PGVECTOR)} or later, as PGDG has it ({by_playbook}"
        "`apt-get install postgresql-MAJOR-pgvector` with PGDG's archive). Then "
    )


def _update_pgvector() -> str:
    # The unit updates the extension where the server is this machine's own.
    if has_unit("cocosearch-postgresql"):
        return "`systemctl restart cocosearch-database`, and `sudo cocosearch reindex`."
    return "a superuser runs in the database: ALTER EXTENSION vector UPDATE; and then `cocosearch reindex`."


def _indexes(unusable: list[str]) -> Iterator[Finding]:
    if unusable:
        yield Finding(
            "indexes", Level.WARNING, f"{', '.join(unusable)}: of a repair that was broken off.", "Run `sudo cocosearch reindex`."
        )


def _migrations(done: list[int]) -> Finding:
    known = list(available())
    missing = [number for number in known if number not in done]
    if missing:
        return Finding("migrations", Level.PROBLEM, f"{len(missing)} of {len(known)} are missing.", "Run `cocosearch database migrate`.")
    if done[-1] > known[-1]:
        return Finding(
            "migrations", Level.PROBLEM, f"The database is at {done[-1]}, this program knows {known[-1]}.", "Upgrade cocosearch."
        )
    return Finding("migrations", Level.OK, f"All {len(known)} are applied.")


def _indexer(indexer: IndexerLife, projects: list[ProjectStatus]) -> Finding:
    waiting = [status.name for status in projects if status.state is ProjectState.WAITING]
    if indexer.life is Life.LIVES:
        return Finding("indexer", Level.OK, indexer.detail)
    # Whoever indexes by hand, or by a client over stdio, needs none that stays.
    is_problem = indexer.life is Life.HANGS or bool(waiting)
    found = f"{indexer.detail} Projects that wait for it: {', '.join(waiting)}." if waiting else indexer.detail
    return Finding(
        "indexer",
        Level.PROBLEM if is_problem else Level.WARNING,
        found,
        _look_at_the_indexer(),
    )


def _look_at_the_indexer() -> str:
    status = show_status("cocosearch-indexer")
    return f"{status}, `journalctl -u cocosearch-indexer`." if status else "Run `cocosearch indexer`, or `cocosearch index` by hand."


_REMEDY_OF_NOTES = (
    "Let the service's user read what is named there, or make it what it should be; until then more or fewer files are indexed."
)
_NOTHING_TO_DO = "Nothing has to be done."
_REMEDY_OF_REFUSALS = "Nothing has to be done; `cocosearch clear` and then `cocosearch index` ask the model at once."


def _remedy_of_notes(status: ProjectStatus) -> str:
    if len(status.notes) > bool(status.refused) + bool(status.anew):
        return _REMEDY_OF_NOTES
    return _REMEDY_OF_REFUSALS if status.refused else _NOTHING_TO_DO


def is_readable_directory(path: Path) -> bool:
    """Whether this process can list it."""
    # access first: below a directory of somebody else even is_dir raises.
    return os.access(path, os.R_OK | os.X_OK) and path.is_dir()


def project_finding(status: ProjectStatus) -> Finding:
    """How one project stands, and what to do where it does not stand well."""
    part = f"project {status.name}"
    size = f"{status.files} files, {status.chunks} chunks"
    if not is_readable_directory(Path(status.root)):
        return Finding(
            part,
            Level.WARNING,
            f"{status.root} is not there, or not for this user; {size} stay searchable.",
            f"Bring it back, or run `cocosearch clear {status.name}`.",
        )
    if status.state is ProjectState.FAILED:
        return Finding(
            part,
            Level.PROBLEM,
            f"The last run failed: {status.last_error} ({size} stay searchable.)",
            f"Then: `cocosearch index {status.root}`.",
        )
    if status.held_up is not None and status.state is not ProjectState.INDEXING:
        return Finding(
            part, Level.WARNING, f"{status.state.value}: {status.held_up} ({size} are searchable.)", "It goes on by itself then."
        )
    seen = status.checked_at or status.requested_at
    if datetime.now(UTC) - seen > UNCHECKED_AFTER and status.state is not ProjectState.INDEXING:
        return Finding(
            part,
            Level.WARNING,
            f"{status.state.value}; {size}; nobody has looked at its files since {seen:%Y-%m-%d %H:%M} UTC.",
            _look_at_the_indexer(),
        )
    by_words_alone = status.chunks - status.chunks_embedded
    without = f" {by_words_alone} of them found by words alone." if by_words_alone else ""
    if status.notes:
        return Finding(
            part,
            Level.WARNING,
            f"{status.state.value}; {size}.{without} {' '.join(status.notes)}",
            _remedy_of_notes(status),
        )
    return Finding(part, Level.OK, f"{status.state.value}; {size}.{without}")
