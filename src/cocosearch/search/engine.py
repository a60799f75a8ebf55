"""One search from query to hits."""

import time
from dataclasses import dataclass, replace

import psycopg

from cocosearch.database.connection import Connection, Pool
from cocosearch.database.models import RegisteredModel, find_model
from cocosearch.database.notifications import announce_query
from cocosearch.database.status import project_not_found
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.errors import CocosearchError, EmbeddingUnavailableError
from cocosearch.search.candidates import find_candidates
from cocosearch.search.condensing import condense
from cocosearch.search.filters import Filters
from cocosearch.search.hits import fit_budget, make_hits
from cocosearch.search.misses import reread
from cocosearch.search.notes import (
    NO_WORD_FOUND,
    index_states,
    note_on_budget,
    note_on_filters,
    note_on_nothing,
    note_on_progress,
    note_on_words,
)
from cocosearch.search.query import analyse
from cocosearch.search.ranking import WEIGHTS, Weights, rank
from cocosearch.search.request import check_request, tidied
from cocosearch.search.symbols import read_symbol
from cocosearch.search.types import Arm, Degraded, Hit, IndexState, QueryVector, SearchRequest, SearchResponse, Timings

# A longer query is searched by its telling parts.
MAX_QUERY_CHARACTERS = 2000
# Of a text that a note quotes.
MAX_SHOWN = 120
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
        DatabaseBusyError: the database has no connection or no time for it now.
    """
    began = time.perf_counter()
    request = tidied(request)
    check_request(request)
    asked, shortened = _shortened(request.query)
    try:
        vector, failure = _embed(pool, client, asked) if Arm.DENSE in arms else (None, None)
        embed_ms = _milliseconds(began)
        sql_began = time.perf_counter()
        with pool.connection() as connection, connection.transaction():
            hits, notes, indexes, degraded = _answer(connection, replace(request, query=asked), vector, arms, weights)
    except psycopg.errors.InvalidRegularExpression as error:
        raise CocosearchError(f"The path pattern '{request.path_glob}' is none that paths can be matched with.") from error
    missing = f"Found by words alone, because there is no vector for the query: {failure}" if failure else None
    note = " ".join(filter(None, [missing, shortened, *notes])) or None
    degraded = Degraded(failure.why) if failure else degraded
    return SearchResponse(tuple(hits), note, degraded, indexes, Timings(embed_ms, _milliseconds(sql_began), _milliseconds(began)))


def _shortened(query: str) -> tuple[str, str | None]:
    """What is searched for of a query, and what is to be said where that is not all of it."""
    if len(query) <= MAX_QUERY_CHARACTERS:
        return query, None
    telling = condense(query)
    begin = telling.split("\n", 1)[0][:MAX_SHOWN]
    return telling, f"The query has {len(query)} characters: its messages and names were searched, beginning with '{begin}'."


def _answer(
    connection: Connection, request: SearchRequest, vector: QueryVector | None, arms: frozenset[Arm], weights: Weights
) -> tuple[list[Hit], list[str], tuple[IndexState, ...], Degraded | None]:
    """Hits, what is to be said of them, the state of the indexes that they come from, and what they lack."""
    query = analyse(request.query)
    project = _project(connection, request.project)
    name, chunks = (project.name, project.chunks) if project else (None, None)

    def find(filters: Filters) -> list[Hit]:
        terms, candidates = find_candidates(connection, query, vector, filters, arms=arms, chunks=chunks)
        ranked = rank(query, terms, candidates, weights)
        named = read_symbol(filters.symbol).names if filters.symbol else ()
        names = query.names | {name.lower() for name in named}
        return make_hits(connection, ranked, request.limit, names, whole_definitions=request.whole_definitions)

    filters = Filters(project.id if project else None, request.language, request.path_glob, request.symbol, request.kind)
    found, notes, degraded = find(filters), [note_on_words(query)], None
    if not found and (nothing := note_on_nothing(connection, name, chunks)):
        notes, degraded = [nothing], Degraded.NOTHING_INDEXED
    elif not found and filters.within_project:
        meant = reread(connection, filters, name)
        notes += meant.notes
        if meant.filters != filters:
            found = find(meant.filters)
        if not found and (meant.filters != filters or not meant.notes):
            notes.append(note_on_filters(connection, meant.filters))
    elif not found:
        notes.append(NO_WORD_FOUND)
    hits = found if request.max_tokens is None else fit_budget(found, request.max_tokens, explain=request.explain)
    states = index_states(connection, name, found, vector.model.id if vector else None)
    if behind := note_on_progress(states):
        degraded = degraded or Degraded.VECTORS_INCOMPLETE
    said = [note for note in (*notes, note_on_budget(found, hits, explain=request.explain), behind) if note]
    return hits, said, states, degraded


@dataclass(frozen=True, slots=True)
class _Project:
    id: int
    name: str
    chunks: int


_PROJECT = "SELECT id, name, chunks FROM projects WHERE name = lower(%(given)s) OR root = rtrim(%(given)s, '/')"


def _project(connection: Connection, given: str | None) -> _Project | None:
    """The project of that name, in any case, or in that directory."""
    if given is None:
        return None
    row = connection.execute(_PROJECT, {"given": given}).fetchone()
    if row is None:
        raise project_not_found(connection, given)
    return _Project(int(row[0]), str(row[1]), int(row[2]))


def _embed(pool: Pool, client: OllamaClient, query: str) -> tuple[QueryVector | None, EmbeddingUnavailableError | None]:
    """The query's vector, or why there is none; no connection is held while the model works."""
    with pool.connection() as connection:
        announce_query(connection)
    try:
        digest, vector = client.query_vector(query)
    except EmbeddingUnavailableError as error:
        return None, error
    with pool.connection() as connection:
        model = find_model(connection, client.model, digest, client.prompt_version)
    return QueryVector(vector, model or RegisteredModel(NO_MODEL, len(vector))), None


def _milliseconds(since: float) -> float:
    return round((time.perf_counter() - since) * 1000, 2)
