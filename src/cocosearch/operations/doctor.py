"""`cocosearch doctor`: looks at everything that has to be right, and says for each part what it found and what to do."""

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from cocosearch.access.tokens import load_tokens
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.embedding.prompts import unknown_family
from cocosearch.errors import CocosearchError, EmbeddingUnavailableError
from cocosearch.operations.doctor_database import is_readable_directory, look_at_database
from cocosearch.operations.findings import Finding, Level
from cocosearch.operations.health import ask
from cocosearch.process.listening import is_loopback
from cocosearch.process.room import Amount, disks, existing, remedy
from cocosearch.process.units import has_unit, look_or_check
from cocosearch.settings import Settings, variable_name

PROBE_QUERY = "does the model answer"


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Look at every part; a part that is down never hides the others."""
    checks: tuple[Callable[[Settings], Iterable[Finding]], ...] = (
        _listening,
        _tokens,
        state_directory_findings,
        disk_findings,
        root_findings,
        look_at_database,
        _embedding,
    )
    return tuple(finding for check in checks for finding in check(settings))


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


def state_directory_findings(settings: Settings) -> Iterator[Finding]:
    """Whether the indexing engine can keep its state, and nobody else reads it."""
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


def disk_findings(settings: Settings) -> Iterator[Finding]:
    """Whether there is room on each disk."""
    for disk in disks(settings):
        yield Finding("disk", _BY_ROOM[disk.amount], disk.sentence, "" if disk.amount is Amount.ENOUGH else remedy(settings, disk))


def root_findings(settings: Settings) -> Iterator[Finding]:
    """Whether what clients may have indexed can be read."""
    for root in settings.allowed_roots:
        if is_readable_directory(root):
            yield Finding("allowed root", Level.OK, f"{root} can be read.")
        else:
            yield Finding(
                "allowed root",
                Level.WARNING,
                f"{root} is missing or cannot be read by this user.",
                f"Give the user of the service access to it, or take it out of {variable_name('allowed_roots')}.",
            )


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
