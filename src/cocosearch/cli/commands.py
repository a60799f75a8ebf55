"""What each command does: call the part that does it, print what it returned."""

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cocosearch.access.text import line, printable
from cocosearch.cli.output import as_json as to_json
from cocosearch.cli.output import escaped, write_hits, write_project, write_projects
from cocosearch.process.logs import log_to_stderr
from cocosearch.search.types import SearchRequest
from cocosearch.settings import LogLevel, Settings, Transport, load_settings

if TYPE_CHECKING:
    from cocosearch.database.connection import OnWait
    from cocosearch.database.projects import Job
    from cocosearch.database.status import ProjectStatus
    from cocosearch.operations.health import Answer


# sysexits.h
EX_CONFIG = 78


def index(path: Path, name: str | None, *, as_json: bool) -> int:
    """`cocosearch index`."""
    settings = _settings_of_a_user()
    from cocosearch.cli.progress import index_progress
    from cocosearch.indexing.run import index_project
    from cocosearch.projects import load_project

    project = load_project(path, name)
    with index_progress(project.name) as on_progress:
        result = index_project(
            settings,
            project,
            on_progress,
            on_wait=lambda: _say(f"'{project.name}' is being indexed already; waiting."),
            on_held_up=_changes_said(),
        )
    if as_json:
        sys.stdout.write(to_json(result))
    else:
        skipped = ", ".join(f"{count} {reason}" for reason, count in sorted(result.skipped.items()))
        sys.stdout.write(
            f"{result.project}: {result.files} files, {result.changed} changed, {result.deleted} deleted; "
            f"{result.embedded} chunks embedded, {result.cached} from the cache"
            + (f", {result.refused} refused by the model" if result.refused else "")
            + (f"; skipped: {skipped}" if skipped else "")
            + "\n"
        )
    return 0


def index_in_background(path: Path, name: str | None, *, as_json: bool) -> int:
    """`cocosearch index --background`."""
    settings = _settings_of_a_user()
    from cocosearch.access.requests import enqueue
    from cocosearch.database import connect
    from cocosearch.projects import real_directory

    with connect(settings) as connection:
        job = enqueue(connection, real_directory(path), name, settings.max_queued_jobs)
    _write_job(job, as_json=as_json)
    return 0


def index_checked(path: Path, name: str | None, checked: str, *, background: bool, as_json: bool) -> int:
    """`cocosearch index` of a person whose right to read the directory was proved: the service does the work, and this waits for it."""
    settings = _settings_of_a_user()
    from cocosearch.access.requests import enqueue_checked, wait_for
    from cocosearch.cli.progress import index_progress
    from cocosearch.database import connect
    from cocosearch.indexing.progress import Progress

    with connect(settings) as connection:
        job = enqueue_checked(connection, path, name, checked, settings.max_queued_jobs)
        if background:
            _write_job(job, as_json=as_json)
            return 0
        say_held_up = _changes_said()
        with index_progress(job.project) as show:

            def follow(now: "ProjectStatus") -> None:
                show(Progress(now.files_total, now.files_done, now.chunks, now.chunks_embedded))
                say_held_up(now.held_up)

            status = wait_for(connection, job, follow)
    if as_json:
        sys.stdout.write(to_json(status))
    else:
        write_project(status)
    return 0


def _write_job(job: "Job", *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(to_json(job))
    else:
        sys.stdout.write(line(f"{job.project}: {job.root} is {job.state}; `cocosearch status {job.project}` shows how far it is."))


def search(request: SearchRequest, *, explain: bool, as_json: bool) -> int:
    """`cocosearch search`."""
    settings = _settings_of_a_user()
    from cocosearch.database import open_pool
    from cocosearch.embedding.ollama import OllamaClient
    from cocosearch.search import search as run_search

    with open_pool(settings, settings.statement_timeout_seconds) as pool, OllamaClient(settings) as client:
        response = run_search(pool, client, request)
    if as_json:
        sys.stdout.write(to_json(response))
    else:
        write_hits(response, explain=explain)
    return 0


def list_all(*, as_json: bool) -> int:
    """`cocosearch list`."""
    settings = _settings_of_a_user()
    from cocosearch.database import connect
    from cocosearch.database.status import list_projects

    with connect(settings) as connection:
        projects = list_projects(connection)
    if as_json:
        sys.stdout.write(to_json(projects))
    else:
        write_projects(projects)
    return 0


def status(name: str | None, *, as_json: bool) -> int:
    """`cocosearch status`."""
    settings = _settings_of_a_user()
    from cocosearch.database import connect
    from cocosearch.database.status import list_projects, project_status

    with connect(settings) as connection:
        projects = [project_status(connection, name)] if name else list_projects(connection)
    if as_json:
        sys.stdout.write(to_json(projects[0] if name else projects))
    else:
        for project in projects:
            write_project(project)
    return 0


def clear(name: str, *, confirmed: bool) -> int:
    """`cocosearch clear`."""
    settings = _settings_of_a_user()
    from cocosearch.database import connect
    from cocosearch.database.status import project_status
    from cocosearch.indexing.clear import clear_project

    with connect(settings) as connection:
        project = project_status(connection, name)
    if not confirmed:
        if not sys.stdin.isatty():
            _say(f"Not a terminal, so nobody can be asked: `cocosearch clear {name} --yes` removes {project.chunks} chunks.")
            return 2
        _say(f"Remove '{name}' ({project.root}, {project.files} files, {project.chunks} chunks) from the index? Its files stay. [y/N]")
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            _say("Nothing was removed.")
            return 1
    chunks = clear_project(settings, name, on_wait=lambda: _say(f"'{name}' is being indexed; waiting for its end."))
    sys.stdout.write(f"Removed '{name}' with {chunks} chunks from the index.\n")
    return 0


def mcp(transport: str | None, host: str | None, port: int | None) -> int:
    """`cocosearch mcp` over HTTP."""
    from cocosearch.serving import serve_http

    serve_http(load_settings(transport=Transport(transport) if transport else None, host=host, port=port))
    return 0


def indexer(*, drain: bool) -> int:
    """`cocosearch indexer`."""
    settings = load_settings()
    _log(settings.log_level)
    from cocosearch.indexing.worker import run_indexer

    run_indexer(settings, drain=drain)
    return 0


def health(*, parts: bool, as_json: bool) -> int:
    """`cocosearch health`."""
    settings = _settings_of_a_user()
    from cocosearch.operations.health import ask

    answer = _look_at_parts(settings) if parts else ask(settings)
    if as_json:
        sys.stdout.write(to_json(answer))
    else:
        sys.stdout.write(line(answer.status) + "".join(line(f"  {part}: {state}") for part, state in answer.parts.items()))
    return 0 if answer.ok else 1


def _look_at_parts(settings: Settings) -> "Answer":
    """What a server would say, where none listens."""
    from cocosearch.embedding.ollama import OllamaClient
    from cocosearch.operations.health import Answer, check

    with OllamaClient(settings) as client:
        report = check(settings, client)
    return Answer(
        ok=report.ok,
        status=report.overall.value,
        parts={part.name: part.state.value for part in report.parts},
        details={part.name: part.detail for part in report.parts},
    )


def doctor(*, as_json: bool) -> int:
    """`cocosearch doctor`."""
    settings = _settings_of_a_user()
    from cocosearch.operations import findings
    from cocosearch.operations.doctor import examine

    found = examine(settings)
    sys.stdout.write((escaped(findings.as_json(found)) if as_json else printable(findings.as_text(found))) + "\n")
    return 0 if findings.healthy(found) else 1


def config_show(*, as_json: bool) -> int:
    """`cocosearch config show`."""
    from cocosearch.operations.configuration import effective_configuration, write_configuration

    values = effective_configuration(load_settings(), Path.cwd())
    if as_json:
        sys.stdout.write(to_json(values))
    else:
        write_configuration(values)
    return 0


def config_check(environment_files: tuple[Path, ...]) -> int:
    """`cocosearch config check`."""
    from cocosearch.operations.configuration import read_environment, refused_settings

    environment = read_environment(environment_files) if environment_files else dict(os.environ)
    refused = refused_settings(environment)
    sys.stderr.write("".join(line(f"cocosearch: {sentence}") for sentence in refused))
    return EX_CONFIG if refused else 0


def database_bootstrap(admin_url: str) -> int:
    """`cocosearch database bootstrap`."""
    from cocosearch.database.bootstrap import bootstrap

    bootstrap(admin_url)
    return 0


def database_migrate() -> int:
    """`cocosearch database migrate`."""
    settings = load_settings()
    from cocosearch.database import connect
    from cocosearch.database.migrations import check_migrated, migrate
    from cocosearch.errors import DatabaseUnavailableError

    with connect(settings) as connection:
        applied = migrate(connection)
        try:
            check_migrated(connection)
        except DatabaseUnavailableError as newer:
            # No reason not to serve: what this program can still answer, it does, and its health says the same.
            _say(f"cocosearch: {newer}")
    sys.stdout.write(f"Applied migrations: {', '.join(map(str, applied)) or 'none, all were there'}.\n")
    return 0


def database_check() -> int:
    """`cocosearch database check`."""
    settings = load_settings()
    from cocosearch.database.readiness import try_database

    sys.stdout.write(line(try_database(settings)))
    return 0


def database_plan() -> int:
    """`cocosearch database plan`."""
    settings = load_settings()
    from cocosearch.database import connect
    from cocosearch.database.models import ModelKey
    from cocosearch.database.plan import plan
    from cocosearch.embedding.ollama import OllamaClient
    from cocosearch.errors import EmbeddingUnavailableError
    from cocosearch.indexing.engine.flow import ROWS_VERSION

    with OllamaClient(settings) as client:
        try:
            digest = client.model_digest()
        except EmbeddingUnavailableError:
            digest = None
        model = ModelKey(client.model, digest, client.prompt_version)
    with connect(settings) as connection:
        sys.stdout.write("".join(line(sentence) for sentence in plan(connection, model, ROWS_VERSION)))
    return 0


def model_ensure() -> int:
    """`cocosearch model ensure`."""
    settings = load_settings()
    from cocosearch.embedding.ollama import OllamaClient
    from cocosearch.embedding.prompts import unknown_family

    if unknown := unknown_family(settings):
        _say(unknown)
    with OllamaClient(settings) as client:
        model = client.ensure_model(_say)
    sys.stdout.write(f"{model.name} is ready: {model.dimensions} dimensions, {model.context_tokens} tokens.\n")
    return 0


def token_create(file: Path) -> int:
    """`cocosearch token create`."""
    from cocosearch.access.tokens import create_token_file

    made = create_token_file(file)
    sys.stdout.write(f"{file} {'made' if made else 'exists; it was not changed'}.\n")
    return 0


def token_rotate(file: Path, *, keep: bool) -> int:
    """`cocosearch token rotate`."""
    from cocosearch.access.tokens import rotate_token_file

    rotate_token_file(file, keep=keep)
    others = "The ones before stay valid until they are taken out of it" if keep else "Clients with an old one are refused from now on"
    sys.stdout.write(f"{file} holds a new token: `cocosearch token show` prints it. {others}.\n")
    return 0


def token_check(file: Path) -> int:
    """`cocosearch token check`."""
    from cocosearch.access.tokens import check_tokens

    sys.stdout.write(f"{file}: {check_tokens(file)} token(s).\n")
    return 0


def token_show() -> int:
    """`cocosearch token show`."""
    settings = _settings_of_a_user()
    from cocosearch.access.tokens import read_tokens
    from cocosearch.errors import ConfigurationError

    if settings.token_file is None:
        raise ConfigurationError("There is no token: COCOSEARCH_TOKEN_FILE is not set, so this server asks its clients for none.")
    sys.stdout.write("".join(f"{token}\n" for token in read_tokens(settings.token_file)))
    return 0


def reindex(*, every_index: bool, as_json: bool) -> int:
    """`cocosearch reindex`."""
    settings = _settings_of_a_user()
    from cocosearch.cli.progress import reindex_progress
    from cocosearch.database.reindexing import reindex as make_anew

    with reindex_progress(_say) as show:
        done = make_anew(settings, show, every_index=every_index)
    if as_json:
        sys.stdout.write(to_json(done))
    else:
        removed = f" Removed what a call had left that was broken off: {', '.join(done.removed)}." if done.removed else ""
        sys.stdout.write(line(f"Made anew: {', '.join(done.indexes) or 'none, for there is no index yet'}.{removed}"))
    return 0


def _settings_of_a_user() -> Settings:
    """Settings for a command at a terminal, where only warnings disturb."""
    settings = load_settings()
    _log(settings.log_level if settings.log_level is not LogLevel.INFO else LogLevel.WARNING)
    return settings


def _log(level: LogLevel) -> None:
    log_to_stderr(level.value, quiet=("httpx", "httpcore"))
    if level is not LogLevel.DEBUG:  # the pool warns of each attempt to connect; the error at their end says it all
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


def _say(message: str) -> None:
    sys.stderr.write(line(message))
    sys.stderr.flush()


def _changes_said() -> "OnWait":
    """Says what is waited for, once for each reason; called from several threads."""
    said: list[str | None] = [None]

    def say(sentence: str | None) -> None:
        if sentence is not None and sentence != said[0]:
            _say(f"Waiting: {sentence}")
        said[0] = sentence

    return say
