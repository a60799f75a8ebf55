"""`cocosearch doctor`: looks at everything that has to be right, and says for each part what it found and what to do."""

import json
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import psycopg

from cocosearch.access.tokens import load_tokens
from cocosearch.database.extension import MENDED_PGVECTOR, MIN_PGVECTOR, faults, installed_version, pgvector_version, written
from cocosearch.database.failures import explained
from cocosearch.database.heartbeat import IndexerLife, Life, indexer_life
from cocosearch.database.migrations import applied, available
from cocosearch.database.projects import ProjectState
from cocosearch.database.reindexing import unusable_indexes
from cocosearch.database.status import ProjectStatus, list_projects, why_full
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.embedding.prompts import unknown_family
from cocosearch.errors import CocosearchError, DatabaseBusyError, EmbeddingUnavailableError
from cocosearch.operations.health import ask
from cocosearch.process.listening import is_loopback
from cocosearch.process.room import Amount, disks, existing, remedy
from cocosearch.process.units import has_unit, look_or_check, show_status
from cocosearch.settings import Settings, variable_name

CONNECT_TIMEOUT_SECONDS = 5
UNCHECKED_AFTER = timedelta(minutes=10)
PROBE_QUERY = "does the model answer"


class Level(StrEnum):
    """How bad a finding is; only a `problem` makes the command fail."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in one place; the remedy is what to do, empty when nothing is."""

    part: str
    level: Level
    found: str
    remedy: str = ""


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Look at every part; a part that is down never hides the others."""
    checks: tuple[Callable[[Settings], Iterable[Finding]], ...] = (
        _listening,
        _tokens,
        _state_directory,
        _disk,
        _roots,
        _database,
        _embedding,
    )
    return tuple(finding for check in checks for finding in check(settings))


def healthy(findings: Iterable[Finding]) -> bool:
    """Whether there is no problem; warnings are allowed."""
    return all(finding.level is not Level.PROBLEM for finding in findings)


def as_text(findings: Iterable[Finding]) -> str:
    """One line for each finding, the remedy below it."""
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{finding.level.value:<8} {finding.part:<18} {finding.found}")
        if finding.remedy:
            lines.append(f"{'':<27} -> {finding.remedy}")
    return "\n".join(lines)


def as_json(findings: Iterable[Finding]) -> str:
    """The findings for a machine."""
    listed = tuple(findings)
    return json.dumps({"healthy": healthy(listed), "findings": [asdict(finding) for finding in listed]}, indent=2)


def _listening(settings: Settings) -> Iterator[Finding]:
    where = f"{settings.host} port {settings.port}"
    if is_loopback(settings.host) or settings.token_file:
        yield Finding("listening", Level.OK, f"{where}; {'with tokens' if settings.token_file else 'this machine alone, without a token'}.")
        return
    # The service gets its tokens from systemd; a person's command does not know of them. A server that runs has them, or it had refused.
    try:
        ask(settings)
    except CocosearchError:
        pass
    else:
        yield Finding("listening", Level.OK, f"{where}; a CocoSearch server answers there.")
        return
    yield Finding(
        "listening",
        Level.PROBLEM,
        f"{where} can be reached from other machines and there is no token, so the HTTP server refuses to start.",
        f"Set {variable_name('token_file')} (made by `cocosearch token create FILE`), or {variable_name('host')}=127.0.0.1.",
    )


def _tokens(settings: Settings) -> Iterator[Finding]:
    if settings.token_file is None:
        return
    try:
        tokens = load_tokens(settings.token_file)
    except CocosearchError as error:
        yield Finding("token file", Level.PROBLEM, str(error), "The HTTP server does not start until this is right.")
    else:
        yield Finding("token file", Level.OK, f"{settings.token_file}: {len(tokens)} token(s), closed to other users.")


def _state_directory(settings: Settings) -> Iterator[Finding]:
    path = settings.state_dir
    try:
        status = path.stat()
    except FileNotFoundError:
        parent = existing(path)
        if os.access(parent, os.W_OK | os.X_OK):
            yield Finding("state directory", Level.OK, f"{path} does not exist yet; the first indexing makes it.")
        else:
            yield Finding("state directory", Level.PROBLEM, f"{path} does not exist, and this user may not make it.", _state_remedy(path))
        return
    except OSError as error:
        yield Finding("state directory", Level.PROBLEM, f"{path} cannot be looked at: {error.strerror}.", _state_remedy(path))
        return
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISDIR(status.st_mode) or not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("state directory", Level.PROBLEM, f"{path} is not a directory that this user may write.", _state_remedy(path))
    elif mode & 0o077:
        yield Finding(
            "state directory",
            Level.WARNING,
            f"{path} is open to other users (mode {mode:04o}); it holds parts of the code.",
            f"chmod 700 {path}",
        )
    else:
        yield Finding("state directory", Level.OK, f"{path} is writable and closed to other users.")


def _state_remedy(path: Path) -> str:
    return f"Run the command as the user who owns {path}, or set {variable_name('state_dir')}."


_BY_ROOM = {Amount.ENOUGH: Level.OK, Amount.LOW: Level.WARNING, Amount.FULL: Level.PROBLEM}


def _disk(settings: Settings) -> Iterator[Finding]:
    for disk in disks(settings):
        yield Finding("disk", _BY_ROOM[disk.amount], disk.sentence, "" if disk.amount is Amount.ENOUGH else remedy(settings, disk))


def _is_readable_directory(path: Path) -> bool:
    # access first: below a directory of somebody else even is_dir raises.
    return os.access(path, os.R_OK | os.X_OK) and path.is_dir()


def _roots(settings: Settings) -> Iterator[Finding]:
    for root in settings.allowed_roots:
        if _is_readable_directory(root):
            yield Finding("allowed root", Level.OK, f"{root} can be read.")
        else:
            yield Finding(
                "allowed root",
                Level.WARNING,
                f"{root} is missing or cannot be read by this user.",
                f"Give the user of the service access to it, or take it out of {variable_name('allowed_roots')}.",
            )


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        with psycopg.connect(settings.database_url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
            connection.execute("SELECT set_config('statement_timeout', '10s', false)")
            yield Finding("database", Level.OK, f"PostgreSQL {connection.info.parameter_status('server_version')} answers.")
            yield _extension(pgvector_version(connection), installed_version(connection))
            migrations = _migrations(applied(connection))
            yield migrations
            if migrations.level is Level.OK:
                if (full := why_full(connection)) is not None:
                    yield Finding("database", Level.PROBLEM, full, "Make room on the disk of the database.")
                yield from _indexes(unusable_indexes(connection))
                projects = list_projects(connection)
                yield _indexer(indexer_life(connection), projects)
                yield from (_project(status) for status in projects)
    except psycopg.Error as error:
        failure = explained(error)
        status = show_status("cocosearch-postgresql")
        busy = f"If this lasts, look at {f'{status}, and at ' if status else ''}the programs that hold connections."
        down = look_or_check("cocosearch-postgresql", variable_name("database_url"))
        yield Finding("database", Level.PROBLEM, str(failure), busy if isinstance(failure, DatabaseBusyError) else down)


def _extension(version: tuple[int, ...] | None, installed: tuple[int, ...] | None) -> Finding:
    if version is None:
        return Finding("extension", Level.PROBLEM, "The database lacks pgvector.", "A superuser runs in it: CREATE EXTENSION vector;")
    found = f"pgvector {written(version)}."
    if version < MIN_PGVECTOR:
        return Finding(
            "extension",
            Level.PROBLEM,
            found,
            "0.8 is needed: install a newer package; then a superuser runs: ALTER EXTENSION vector UPDATE;",
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


def _project(status: ProjectStatus) -> Finding:
    part = f"project {status.name}"
    size = f"{status.files} files, {status.chunks} chunks"
    if not _is_readable_directory(Path(status.root)):
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


def _embedding(settings: Settings) -> Iterator[Finding]:
    with OllamaClient(settings) as client:
        try:
            yield Finding("ollama", Level.OK, f"Version {client.version()} answers at {settings.ollama_url}.")
            if client.model_digest() is None:
                yield Finding("model", Level.PROBLEM, f"Ollama does not have '{settings.model}'.", "Run `cocosearch model ensure`.")
                return
        except EmbeddingUnavailableError as error:
            remedy = f"{look_or_check('ollama', variable_name('ollama_url'))} Search answers by words alone meanwhile."
            yield Finding("ollama", Level.PROBLEM, str(error), remedy)
            return
        try:
            started = time.perf_counter()
            vector = client.embed_query(PROBE_QUERY)
        except CocosearchError as error:
            log = "`journalctl -u ollama`; a" if has_unit("ollama") else "Its server's log tells; a"
            yield Finding("model", Level.PROBLEM, str(error), f"{log} model that was just loaded needs a moment.")
            return
        took = (time.perf_counter() - started) * 1000
        yield Finding("model", Level.OK, f"'{settings.model}' embeds a query in {took:.0f} ms; {len(vector)} dimensions.")
    if unknown := unknown_family(settings):
        yield Finding("prompts", Level.WARNING, unknown, "The model's page tells; what is set is embedded anew.")
