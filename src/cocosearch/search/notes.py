"""What is said beside the hits of a search: that it is less than it could be, why, and what to do."""

from collections.abc import Sequence

from psycopg import sql

from cocosearch.database.connection import Connection
from cocosearch.database.projects import STATE, ProjectState
from cocosearch.lexicon.terms import STOP_WORDS
from cocosearch.lexicon.words import terms_of
from cocosearch.search.filters import Filters
from cocosearch.search.hits import hit_tokens
from cocosearch.search.misses import leaves_anything
from cocosearch.search.query import Query
from cocosearch.search.request import MAX_TOKENS
from cocosearch.search.types import Hit, IndexState

# So many indexes are told of, and so many of those that wait for vectors.
MAX_INDEXES, MAX_BEHIND = 20, 5
NO_WORD_FOUND = "No word of the query stands in the code."

# Vectors of another model than the query's are none for this search.
_STATES = sql.SQL("""
    SELECT name, {state}, chunks, CASE WHEN %(model)s::integer IS NULL OR model_id = %(model)s THEN chunks_embedded ELSE 0 END,
           indexed_at, checked_at
    FROM projects p
    WHERE name = ANY(%(names)s)
       OR %(project)s::text IS NULL AND (%(names)s::text[] = '{{}}' OR state <> 'ready' OR chunks_embedded < chunks)
    ORDER BY name = ANY(%(names)s) DESC, name
    LIMIT %(limit)s
""").format(state=sql.SQL(STATE))


def index_states(connection: Connection, project: str | None, found: Sequence[Hit], model: int | None) -> tuple[IndexState, ...]:
    """Of the project that was searched; where all were, of those with hits and of those that may yet get some, or of all without hits."""
    names = [project] if project else sorted({hit.project for hit in found})
    parameters = {"names": names, "project": project, "model": model, "limit": MAX_INDEXES}
    return tuple(sorted((IndexState(*row) for row in connection.execute(_STATES, parameters)), key=lambda state: state.project))


def note_on_words(query: Query) -> str | None:
    """Where the query has nothing that words could find."""
    words = terms_of(query.text)
    if not words:
        return "The query holds no word and no number: only meaning can find something for it. Give an identifier or a question."
    if all(word in STOP_WORDS for word in words):
        return "The query holds only words that are everywhere: name what the code does, or an identifier."
    return None


def note_on_budget(found: Sequence[Hit], hits: Sequence[Hit], *, explain: bool) -> str | None:
    """Where there is no room for all hits."""
    if len(hits) == len(found):
        return None
    if hits:
        return (
            f"Not within max_tokens: {len(found) - len(hits)} of {len(found)} hits. "
            f"A narrower search, or max_tokens {_rounded(found, explain=explain)}, shows them."
        )
    best = found[0]
    needed = hit_tokens(best, explain=explain)
    return f"No hit fits into max_tokens: the best, {best.path}:{best.start_line}-{best.end_line} of {best.project}, needs {needed}."


def _rounded(found: Sequence[Hit], *, explain: bool) -> int:
    """Room for all of them, as a number that is easy to write."""
    needed = sum(hit_tokens(hit, explain=explain) for hit in found)
    return min(MAX_TOKENS, -(-needed // 1000) * 1000)


def note_on_progress(states: Sequence[IndexState]) -> str | None:
    """Where vectors are still being made."""
    behind = [state for state in states if _waits_for_vectors(state)]
    if not behind:
        return None
    shares = ", ".join(f"'{state.project}' {100 * state.chunks_embedded // state.chunks} %" for state in behind[:MAX_BEHIND])
    if len(behind) > MAX_BEHIND:
        shares += f" and {len(behind) - MAX_BEHIND} more"
    return f"Not all code can be found by its meaning yet, the rest by its words alone: {shares}."


def _waits_for_vectors(state: IndexState) -> bool:
    """What a complete index lacks the model has refused, which is nothing to wait for; unless it has the vectors of another model."""
    complete = state.state == ProjectState.READY and state.chunks_embedded > 0
    return state.chunks_embedded < state.chunks and not complete


def note_on_nothing(connection: Connection, project: str | None, chunks: int | None) -> str | None:
    """Where nothing was found because nothing is indexed, at all or of the project."""
    row = connection.execute("SELECT EXISTS (SELECT FROM chunks)").fetchone()
    if not row or not row[0]:
        return "Nothing is indexed yet: run `cocosearch index PATH`, or call index_project."
    return None if chunks is None or chunks else f"Nothing of '{project}' is indexed yet: index_status tells how far it is."


def note_on_filters(connection: Connection, filters: Filters) -> str:
    """Where each filter leaves something, or was told of, and no hit came."""
    if leaves_anything(connection, filters):
        return "The filters leave code, and none of it holds a word of the query."
    given = [name for name in ("language", "path_glob", "symbol", "kind") if getattr(filters, name) is not None]
    return f"No code is all that {' and '.join(given)} ask for together: leave one of them out."
