"""One search from query to hits."""

import time
from collections.abc import Sequence

import psycopg
from psycopg import sql
from psycopg_pool import PoolTimeout

from cocosearch.database.connection import Connection, Pool, unavailable
from cocosearch.database.locks import PROJECT_LOCKS
from cocosearch.database.models import find_model
from cocosearch.database.queries import announce_query
from cocosearch.database.status import STATE, ProjectState, project_not_found
from cocosearch.errors import CocosearchError, EmbeddingUnavailableError
from cocosearch.ollama import OllamaClient
from cocosearch.search.candidates import QueryVector, find_candidates
from cocosearch.search.filters import Filters
from cocosearch.search.hits import estimate_tokens, fit_budget, make_hits
from cocosearch.search.query import analyse
from cocosearch.search.ranking import WEIGHTS, Weights, rank
from cocosearch.search.types import Arm, Hit, IndexState, SearchRequest, SearchResponse, Timings

MAX_QUERY_CHARACTERS = 2000
MAX_LIMIT = 50
MIN_TOKENS, MAX_TOKENS = 100, 200_000
# Nothing was indexed with the model that makes the vectors of queries.
NO_MODEL = 0
BOTH_ARMS = frozenset(Arm)


def search(
    pool: Pool, client: OllamaClient, request: SearchRequest, *, arms: frozenset[Arm] = BOTH_ARMS, weights: Weights = WEIGHTS
) -> SearchResponse:
    """Find code by words and by meaning; blocks, so call it from a worker thread.

    Args:
        pool: of the database.
        client: of the embedding server.
        request: query, filters and form of the answer.
        arms: the ones to ask, and
        weights: of the ranking; others than the defaults are for measuring.

    Raises:
        CocosearchError: the request is out of bounds.
        ProjectNotFoundError: its project is not indexed.
        DatabaseUnavailableError: the database is down. Without Ollama the lexical hits come back with a note.
    """
    began = time.perf_counter()
    check_request(request)
    try:
        vector, missing = _embed(pool, client, request.query) if Arm.DENSE in arms else (None, None)
        embed_ms = _milliseconds(began)
        sql_began = time.perf_counter()
        with pool.connection() as connection, connection.transaction():
            response = _answer(connection, request, vector, arms, weights)
    except (psycopg.OperationalError, PoolTimeout) as error:
        raise unavailable(error) from error
    hits, notes, indexes = response
    note = " ".join(filter(None, [missing, *notes])) or None
    return SearchResponse(tuple(hits), note, indexes, Timings(embed_ms, _milliseconds(sql_began), _milliseconds(began)))


def _answer(
    connection: Connection, request: SearchRequest, vector: QueryVector | None, arms: frozenset[Arm], weights: Weights
) -> tuple[list[Hit], list[str], tuple[IndexState, ...]]:
    """Hits, what is to be said of them, and the state of the indexes that they come from."""
    query = analyse(request.query)
    project = _project(connection, request.project)
    filters = Filters(project[0] if project else None, request.language, request.path_glob, request.symbol, request.kind)
    terms, candidates = find_candidates(connection, query, vector, filters, arms=arms, chunks=project[1] if project else None)
    ranked = rank(query, terms, candidates, weights)
    names = query.names | (analyse(request.symbol).names if request.symbol else frozenset())
    found = make_hits(connection, ranked, request.limit, names, whole_definitions=request.whole_definitions)
    hits = found if request.max_tokens is None else fit_budget(found, request.max_tokens)
    states = _index_states(connection, request.project, found, vector)
    notes = [_note_on_budget(found, hits), _note_on_progress(states), None if found else _note_on_nothing(connection)]
    return hits, [note for note in notes if note], states


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
    if request.max_tokens is not None and not MIN_TOKENS <= request.max_tokens <= MAX_TOKENS:
        raise CocosearchError(f"max_tokens is {request.max_tokens}; it must be between {MIN_TOKENS} and {MAX_TOKENS}.")
    for name, value in (
        ("query", request.query),
        ("project", request.project),
        ("language", request.language),
        ("path", request.path_glob),
        ("symbol", request.symbol),
        ("kind", request.kind),
    ):
        if value and any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value):
            raise CocosearchError(f"The {name} holds a character that is not text (NUL or half of a surrogate pair).")


def _project(connection: Connection, name: str | None) -> tuple[int, int] | None:
    """Id of a project and its number of chunks."""
    if name is None:
        return None
    row = connection.execute("SELECT id, chunks FROM projects WHERE name = %s", [name]).fetchone()
    if row is None:
        raise project_not_found(connection, name)
    return int(row[0]), int(row[1])


def _embed(pool: Pool, client: OllamaClient, query: str) -> tuple[QueryVector | None, str | None]:
    """The query's vector, or why there is none; no connection is held while the model works."""
    with pool.connection() as connection:
        announce_query(connection)
    try:
        digest, vector = client.query_vector(query)
    except EmbeddingUnavailableError as error:
        return None, f"Found by words alone, because there is no vector for the query: {error}"
    with pool.connection() as connection:
        model = find_model(connection, client.model, digest, client.prompt_version)
    return QueryVector(vector, model or (NO_MODEL, len(vector))), None


# Vectors of another model than the query's are none for this search.
_STATES = sql.SQL("""
    SELECT name, {state}, chunks, CASE WHEN %(model)s::integer IS NULL OR model_id = %(model)s THEN chunks_embedded ELSE 0 END,
           indexed_at, checked_at
    FROM projects p
    WHERE name = ANY(%(names)s) OR %(project)s::text IS NULL AND (state <> 'ready' OR chunks_embedded < chunks)
    ORDER BY name
""").format(state=sql.SQL(STATE))


def _index_states(connection: Connection, project: str | None, found: Sequence[Hit], vector: QueryVector | None) -> tuple[IndexState, ...]:
    """Of the project that was searched; where all were, of those with hits, and of those that may yet get some."""
    names = [project] if project else [hit.project for hit in found]
    model = vector.model[0] if vector else None
    return tuple(
        IndexState(*row)
        for row in connection.execute(_STATES, {"names": names, "project": project, "model": model, "locks": PROJECT_LOCKS})
    )


def _note_on_budget(found: Sequence[Hit], hits: Sequence[Hit]) -> str | None:
    if len(hits) == len(found):
        return None
    if hits:
        return f"Not within max_tokens: {len(found) - len(hits)} of {len(found)} hits."
    best = found[0]
    needed = estimate_tokens(best.text)
    return f"No hit fits into max_tokens: the best, {best.path}:{best.start_line}-{best.end_line} of {best.project}, needs {needed}."


def _note_on_progress(states: Sequence[IndexState]) -> str | None:
    behind = [state for state in states if _waits_for_vectors(state)]
    if not behind:
        return None
    shares = ", ".join(f"'{state.project}' {100 * state.chunks_embedded // state.chunks} %" for state in behind)
    return f"Not all code can be found by its meaning yet, the rest by its words alone: {shares}."


def _waits_for_vectors(state: IndexState) -> bool:
    """What a complete index lacks the model has refused, which is nothing to wait for; unless it has the vectors of another model."""
    complete = state.state == ProjectState.READY and state.chunks_embedded > 0
    return state.chunks_embedded < state.chunks and not complete


def _note_on_nothing(connection: Connection) -> str | None:
    row = connection.execute("SELECT EXISTS (SELECT FROM chunks)").fetchone()
    return None if row and row[0] else "Nothing is indexed yet: run `cocosearch index PATH`, or call index_project."


def _milliseconds(since: float) -> float:
    return round((time.perf_counter() - since) * 1000, 2)
