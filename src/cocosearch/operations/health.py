"""Whether each part that a search needs works, and the client side of asking a running server."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import psycopg

from cocosearch.database.connection import Connection
from cocosearch.database.extension import check_extension
from cocosearch.database.failures import explained
from cocosearch.database.heartbeat import Life, indexer_life, indexer_vector_age
from cocosearch.database.migrations import check_migrated
from cocosearch.database.pgvector import MIN_PGVECTOR, written
from cocosearch.database.status import why_full
from cocosearch.embedding.ollama import PROBE_TEXT, OllamaClient
from cocosearch.embedding.proof import seconds_since_vector
from cocosearch.errors import CocosearchError, DatabaseBusyError, DatabaseUnavailableError, EmbeddingUnavailableError, ExtensionMissingError
from cocosearch.process.room import Amount, disks, remedy
from cocosearch.process.units import look_or_check
from cocosearch.settings import Settings

CONNECT_TIMEOUT_SECONDS = 2
STATEMENT_TIMEOUT_MS = 2000
# The model counts as working for so long after a vector; a probe is one short text a minute at most, while nobody searches or indexes.
PROVED_FOR_SECONDS = 60.0
INDEXER = "indexer"
DISK = "disk"
DATABASE_PARTS = ("database", "extension", INDEXER)


class PartState(StrEnum):
    """The word for one part."""

    OK = "ok"
    DOWN = "down"
    MISSING = "missing"
    OUTDATED = "outdated"
    UNKNOWN = "unknown"  # it depends on a part that is down
    TIMEOUT = "timeout"
    FAILED = "failed"
    BUSY = "busy"  # it is there, and had no connection or no time for the question
    LOW = "low"  # little room
    FULL = "full"  # no room: nothing new is indexed


class Overall(StrEnum):
    """The word for the whole: `degraded` is search by words alone, or slow, or of what was indexed while there was an indexer and room."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Part:
    """State of one part; the detail is a sentence for the operator and goes to clients with a token alone."""

    name: str
    state: PartState
    detail: str


@dataclass(frozen=True, slots=True)
class HealthReport:
    """State of all parts."""

    parts: tuple[Part, ...]

    @property
    def ok(self) -> bool:
        """Whether searches are answered (HTTP 200): they need neither the indexer nor room, and a busy database has its connections."""
        return all(part.name in _FRESHNESS or part.state in {PartState.BUSY, PartState.FULL} for part in self._broken)

    @property
    def overall(self) -> Overall:
        """`down` when the database is: all else leaves searches that answer, or that may do so in a moment."""
        if not self._broken:
            return Overall.OK
        stopped = (part for part in self._broken if part.name in DATABASE_PARTS and part.name != INDEXER and part.state not in _MAY_ANSWER)
        return Overall.DOWN if any(stopped) else Overall.DEGRADED

    @property
    def _broken(self) -> list[Part]:
        """What is unknown depends on a part that is itself among these."""
        return [part for part in self.parts if part.state not in {PartState.OK, PartState.UNKNOWN}]


# What only keeps fresh what is searched.
_FRESHNESS = frozenset({INDEXER, DISK})
_MAY_ANSWER = frozenset({PartState.BUSY, PartState.TIMEOUT, PartState.FULL})
Check = Callable[[], tuple[Part, ...]]

_BY_LIFE = {Life.LIVES: PartState.OK, Life.HANGS: PartState.TIMEOUT, Life.GONE: PartState.DOWN}


def check_database(settings: Settings) -> tuple[Part, ...]:
    """The parts `database` (answers, tables are there), `extension` and `indexer`, over a connection of its own, in a few seconds."""
    try:
        with _connect(settings) as connection:
            database = _check_migrations(connection)
            return (database, _check_extension(connection), _check_indexer(connection, database))
    except psycopg.Error as error:
        failure = explained(error)
        state = _no_answer(error) if isinstance(failure, DatabaseBusyError) else PartState.DOWN
        unknown = (Part(name, PartState.UNKNOWN, "The database does not answer.") for name in DATABASE_PARTS[1:])
        return (Part("database", state, str(failure)), *unknown)


def _no_answer(error: psycopg.Error) -> PartState:
    """A server that refuses in words works; one that is silent may be busy, and may hang."""
    return PartState.TIMEOUT if isinstance(error, psycopg.errors.ConnectionTimeout) else PartState.BUSY


def _connect(settings: Settings) -> Connection:
    return psycopg.connect(
        settings.database_url,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        application_name="cocosearch-health",
        options=f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
    )


def _check_migrations(connection: Connection) -> Part:
    try:
        check_migrated(connection)
    except DatabaseUnavailableError as error:
        return Part("database", PartState.OUTDATED, str(error))
    full = why_full(connection)
    if full is not None:
        return Part("database", PartState.FULL, full)
    return Part("database", PartState.OK, "It answers, and its tables are up to date.")


def _check_extension(connection: Connection) -> Part:
    try:
        check_extension(connection)
    except DatabaseUnavailableError as error:
        state = PartState.MISSING if isinstance(error, ExtensionMissingError) else PartState.OUTDATED
        return Part("extension", state, str(error))
    return Part("extension", PartState.OK, f"pgvector is there, {written(MIN_PGVECTOR)} or later.")


def _check_indexer(connection: Connection, database: Part) -> Part:
    if database.state is PartState.OUTDATED:
        return Part(INDEXER, PartState.UNKNOWN, "The database has no table for its sign of life.")
    indexer = indexer_life(connection)
    return Part(INDEXER, _BY_LIFE[indexer.life], indexer.detail)


_BY_ROOM = {Amount.ENOUGH: PartState.OK, Amount.LOW: PartState.LOW, Amount.FULL: PartState.FULL}


def check_disk(settings: Settings) -> tuple[Part, ...]:
    """The part `disk`: the fullest of the disks that this machine has for us."""
    seen = disks(settings)
    worst = max(seen, key=lambda disk: list(Amount).index(disk.amount))
    sentences = [disk.sentence if disk.amount is Amount.ENOUGH else f"{disk.sentence} {remedy(settings, disk)}" for disk in seen]
    return (Part(DISK, _BY_ROOM[worst.amount], " ".join(sentences)),)


def check_ollama(settings: Settings, client: OllamaClient, tell: Callable[[EmbeddingUnavailableError], None]) -> tuple[Part, ...]:
    """The parts `ollama` and `model`; `tell` hears why there are no vectors, so that no search waits for one."""
    try:
        version = client.version()
        digest = client.model_digest()
    except EmbeddingUnavailableError as error:
        tell(error)
        return (Part("ollama", PartState.DOWN, str(error)), Part("model", PartState.UNKNOWN, "Ollama does not answer."))
    ollama = Part("ollama", PartState.OK, f"Version {version} answers.")
    if digest is None:
        return (ollama, Part("model", PartState.MISSING, f"Ollama does not have '{settings.model}': run `cocosearch model ensure`."))
    return (ollama, _check_model(settings, client, tell))


def _check_model(settings: Settings, client: OllamaClient, tell: Callable[[EmbeddingUnavailableError], None]) -> Part:
    """A list that holds the model says nothing of its runner: it works if it made a vector lately, for whomever, or makes one now."""
    age = seconds_since_vector(settings)
    if age is None or PROVED_FOR_SECONDS < age < math.inf:
        # Behind a batch of the indexer's a vector would have to wait; the batch is the proof.
        age = _indexer_vector_age(settings)
    if age is not None and age <= PROVED_FOR_SECONDS:
        return Part("model", PartState.OK, f"'{settings.model}' made a vector {age:.0f} s ago.")
    try:
        client.embed_query(PROBE_TEXT)
    except EmbeddingUnavailableError as error:
        tell(error)
        return Part("model", PartState.FAILED, str(error))
    return Part("model", PartState.OK, f"'{settings.model}' has just made a vector.")


def _indexer_vector_age(settings: Settings) -> float | None:
    try:
        with _connect(settings) as connection:
            return indexer_vector_age(connection)
    except psycopg.Error:
        return None  # the part `database` tells of it


def check(settings: Settings, client: OllamaClient) -> HealthReport:
    """All parts, one after the other, now; for the command line. A server uses `HealthMonitor`."""
    return HealthReport(check_database(settings) + check_ollama(settings, client, client.known_away) + check_disk(settings))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a running server said of itself: the words by part, and details where it gave them."""

    ok: bool
    status: str
    parts: dict[str, str]
    details: dict[str, str]


def ask(settings: Settings, timeout_seconds: float = 3.0) -> Answer:
    """Ask the server on this machine for its health (`cocosearch health`).

    Raises:
        CocosearchError: nothing listens there, or what answers is not cocosearch.
    """
    import httpx

    url = f"http://{_local_address(settings.host)}:{settings.port}/health"
    try:
        response = httpx.get(url, headers={"Host": "localhost"}, timeout=timeout_seconds, trust_env=False)
        body = response.json()
        return Answer(
            ok=response.status_code == httpx.codes.OK,
            status=str(body["status"]),
            parts={str(name): str(state) for name, state in body["parts"].items()},
            details={str(name): str(text) for name, text in body.get("details", {}).items()},
        )
    except httpx.TransportError as error:
        raise CocosearchError(f"No answer from {url}: {error}. {look_or_check('cocosearch', 'COCOSEARCH_PORT')}") from error
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise CocosearchError(f"What answers at {url} is not cocosearch: another program has the port. Check COCOSEARCH_PORT.") from error


def _local_address(host: str) -> str:
    """Address at which a server that listens on `host` can be asked from this machine."""
    if host in {"", "0.0.0.0", "localhost"}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    if host in {"::", "::0"}:
        return "[::1]"
    return f"[{host}]" if ":" in host else host
