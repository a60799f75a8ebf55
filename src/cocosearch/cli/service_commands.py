"""What each command of the services and of their operator does: call the part that does it, print what it returned."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cocosearch.access.text import line, printable
from cocosearch.cli.output import as_json as to_json
from cocosearch.cli.output import escaped
from cocosearch.cli.terminal import log_at, say, settings_of_a_user
from cocosearch.settings import Settings, Transport, load_settings

if TYPE_CHECKING:
    from cocosearch.operations.health import Answer


# sysexits.h
EX_CONFIG = 78


def mcp(transport: str | None, host: str | None, port: int | None) -> int:
    """`cocosearch mcp` over HTTP."""
    from cocosearch.serving import serve_http

    serve_http(load_settings(transport=Transport(transport) if transport else None, host=host, port=port))
    return 0


def indexer(*, drain: bool) -> int:
    """`cocosearch indexer`."""
    settings = load_settings()
    log_at(settings.log_level)
    from cocosearch.indexing.worker import run_indexer

    run_indexer(settings, drain=drain)
    return 0


def health(*, parts: bool, as_json: bool) -> int:
    """`cocosearch health`."""
    settings = settings_of_a_user()
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
    settings = settings_of_a_user()
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
            say(f"cocosearch: {newer}")
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
        say(unknown)
    with OllamaClient(settings) as client:
        model = client.ensure_model(say)
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
    settings = settings_of_a_user()
    from cocosearch.access.tokens import read_tokens
    from cocosearch.errors import ConfigurationError

    if settings.token_file is None:
        raise ConfigurationError("There is no token: COCOSEARCH_TOKEN_FILE is not set, so this server asks its clients for none.")
    sys.stdout.write("".join(f"{token}\n" for token in read_tokens(settings.token_file)))
    return 0


def reindex(*, every_index: bool, as_json: bool) -> int:
    """`cocosearch reindex`."""
    settings = settings_of_a_user()
    from cocosearch.cli.progress import reindex_progress
    from cocosearch.database.reindexing import reindex as make_anew

    with reindex_progress(say) as show:
        done = make_anew(settings, show, every_index=every_index)
    if as_json:
        sys.stdout.write(to_json(done))
    else:
        removed = f" Removed what a call had left that was broken off: {', '.join(done.removed)}." if done.removed else ""
        sys.stdout.write(line(f"Made anew: {', '.join(done.indexes) or 'none, for there is no index yet'}.{removed}"))
    return 0
