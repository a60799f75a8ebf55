"""One search from query to hits."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg_pool import PoolTimeout

from cocosearch.database.connection import Connection, Pool, unavailable
from cocosearch.database.models import find_model
from cocosearch.database.status import project_not_found
from cocosearch.errors import CocosearchError, EmbeddingUnavailableError
from cocosearch.ollama import OllamaClient, Vector
from cocosearch.prompts import PROMPT_VERSION
from cocosearch.search.filters import Filters
from cocosearch.search.types import Arm, Hit, SearchRequest, SearchResponse, Timings

MAX_QUERY_CHARACTERS = 2000
MAX_LIMIT = 50
# Candidates of each arm: the fused list is better than either as long as both look deeper than the page.
CANDIDATES = 100


@dataclass(frozen=True, slots=True)
class _QueryVector:
    """A query's vector and the model that made it, or why there is none."""

    vector: Vector | None
    model: tuple[int, int] | None
    note: str | None


def search(pool: Pool, client: OllamaClient, request: SearchRequest) -> SearchResponse:
    """Find chunks by words and by meaning; blocks, so call it from a worker thread.

    Raises:
        CocosearchError: the request is out of bounds.
        ProjectNotFoundError: its project is not indexed.
        DatabaseUnavailableError: the database is down. Without Ollama the lexical hits come back with a note.
    """
    began = time.perf_counter()
    check_request(request)
    try:
        query_vector = _embed(pool, client, request.query)
        embed_ms = _milliseconds(began)
        sql_began = time.perf_counter()
        with pool.connection() as connection:
            filters = Filters(_project_id(connection, request.project), request.language, request.path_glob)
            hits = _hits(connection, _ranked(connection, request, filters, query_vector))
            note = query_vector.note or _note_on_nothing(connection, hits)
    except (psycopg.OperationalError, PoolTimeout) as error:
        raise unavailable(error) from error
    return SearchResponse(hits, note, Timings(embed_ms, _milliseconds(sql_began), _milliseconds(began)))


def check_request(request: SearchRequest) -> None:
    """Refuse what PostgreSQL or a reader could not take.

    Raises:
        CocosearchError: names the argument and its bounds.
    """
    if not request.query.strip():
        raise CocosearchError("The query is empty. Ask in words, or give an identifier.")
    if len(request.query) > MAX_QUERY_CHARACTERS:
        raise CocosearchError(f"The query has {len(request.query)} characters, {MAX_QUERY_CHARACTERS} are allowed.")
    if not 1 <= request.limit <= MAX_LIMIT:
        raise CocosearchError(f"limit is {request.limit}; it must be between 1 and {MAX_LIMIT}.")
    for name, value in (
        ("query", request.query),
        ("project", request.project),
        ("language", request.language),
        ("path", request.path_glob),
    ):
        if value and any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value):
            raise CocosearchError(f"The {name} holds a character that is not text (NUL or half of a surrogate pair).")


def _project_id(connection: Connection, name: str | None) -> int | None:
    if name is None:
        return None
    row = connection.execute("SELECT id FROM projects WHERE name = %s", [name]).fetchone()
    if row is None:
        raise project_not_found(connection, name)
    return int(row[0])


def _embed(pool: Pool, client: OllamaClient, query: str) -> _QueryVector:
    """The query's vector; no connection is held while the model works."""
    try:
        digest = client.require_model_digest()
        vector = client.embed_query(query)
    except EmbeddingUnavailableError as error:
        return _QueryVector(None, None, f"Found by words alone, because there is no vector for the query: {error}")
    with pool.connection() as connection:
        return _QueryVector(vector, find_model(connection, client.model, digest, PROMPT_VERSION), None)


def _ranked(connection: Connection, request: SearchRequest, filters: Filters, query: _QueryVector) -> Sequence[object]:
    with connection.transaction():
        rankings = {Arm.LEXICAL: search_lexical(connection, query_terms(request.query), filters, CANDIDATES).chunk_ids}
        if query.vector is not None and query.model is not None:
            rankings[Arm.DENSE] = search_dense(connection, query.model, query.vector, filters, CANDIDATES).chunk_ids
    return fuse(rankings, dense_weight(request.query))[: request.limit]


_HITS = """
    SELECT c.id, p.name, c.path, c.start_line, c.end_line, c.language, c.symbols, c.text
    FROM chunks c JOIN projects p ON p.id = c.project_id
    WHERE c.id = ANY(%s)
"""


def _hits(connection: Connection, fused: Sequence[object]) -> tuple[Hit, ...]:
    """Rows of the fused chunks, in their order; one that was replaced in this moment is left out."""
    rows = {row[0]: row[1:] for row in connection.execute(sql.SQL(_HITS), [[found.chunk_id for found in fused]])}
    return tuple(
        Hit(
            project=project,
            path=path,
            start_line=start_line,
            end_line=end_line,
            language=language,
            symbol=symbols[0] if symbols else None,
            score=round(found.score, 4),
            arms=found.arms,
            text=text,
        )
        for found in fused
        if found.chunk_id in rows
        for project, path, start_line, end_line, language, symbols, text in [rows[found.chunk_id]]
    )


def _note_on_nothing(connection: Connection, hits: tuple[Hit, ...]) -> str | None:
    if hits:
        return None
    row = connection.execute("SELECT EXISTS (SELECT FROM chunks)").fetchone()
    return None if row and row[0] else "Nothing is indexed yet: run `cocosearch index PATH`, or call index_project."


def _milliseconds(since: float) -> float:
    return round((time.perf_counter() - since) * 1000, 2)
