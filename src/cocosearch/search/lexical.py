"""The lexical arm: BM25 over the stems of each chunk, as one inner product of sparse vectors."""

from pgvector import SparseVector
from psycopg import sql

from cocosearch.database.connection import Connection
from cocosearch.lexicon.terms import DIMENSIONS, term_number
from cocosearch.search.filters import Filters
from cocosearch.search.query import TermWeights, term_weights

# So many chunks are scored for a query, found by its rarest stems; a commoner stem scores, but finds none. Where there are no more than
# this, all stems find. What it saves and what it changes is measured in benchmarks/scale.md.
MOST_SCORED = 5000
# Rare stems that are in fewer chunks than this leave too little to choose from: the next one finds too, however common it is.
LEAST_SCORED = 100

_FREQUENCIES = """
    SELECT term, sum(chunks)::integer FROM term_statistics
    WHERE term = ANY(%(terms)s) AND (%(project_id)s::integer IS NULL OR project_id = %(project_id)s)
    GROUP BY term
"""
_SIZE = "SELECT coalesce(sum(chunks_counted), 0)::integer FROM projects WHERE %(project_id)s::integer IS NULL OR id = %(project_id)s"

_SCORED = """
    SELECT c.id FROM chunks c
    WHERE {where} AND c.terms && %(telling)s::integer[]
    ORDER BY c.weights <#> %(query)s, c.id
    LIMIT %(limit)s
"""


def weigh_terms(connection: Connection, stems: tuple[str, ...], project_id: int | None) -> tuple[TermWeights, frozenset[str]]:
    """The IDF of a query's stems in the project, or in all, and which of them may bring a chunk into the ranking."""
    size = connection.execute(_SIZE, {"project_id": project_id}).fetchone()
    chunks = int(size[0]) if size else 0
    by_number = {term_number(stem): stem for stem in stems}
    counted = connection.execute(_FREQUENCIES, {"terms": list(by_number), "project_id": project_id})
    frequencies = {by_number[number]: int(count) for number, count in counted}
    return term_weights(stems, frequencies, chunks), telling_stems({stem: frequencies.get(stem, 0) for stem in stems})


def telling_stems(frequencies: dict[str, int], least: int = LEAST_SCORED, most: int = MOST_SCORED) -> frozenset[str]:
    """The rarest of them: those that are in `most` chunks together, more where these would be in fewer than `least`."""
    telling: set[str] = set()
    found = 0
    for stem, count in sorted(frequencies.items(), key=lambda item: item[1]):
        if found >= least and found + count > most:
            break
        telling.add(stem)
        found += count
    return frozenset(telling)


def sparse_query(terms: TermWeights) -> SparseVector:
    """The other factor of the chunks' `weights`: the inner product of the two is the BM25 score."""
    # pgvector's Python side counts dimensions from zero.
    return SparseVector({term_number(stem) - 1: idf for stem, idf in terms.idf.items()}, DIMENSIONS)


def search_lexical(connection: Connection, terms: TermWeights, telling: frozenset[str], filters: Filters, limit: int) -> list[int]:
    """Ids of the best chunks by words, best first; in a transaction, whose settings this changes."""
    # The planner takes comparing two arrays for as cheap as comparing two numbers, and would rather read the whole table.
    connection.execute("SET LOCAL enable_seqscan = off")
    found = _scored(connection, terms, telling, filters, limit)
    if len(found) < limit and filters.within_project and len(telling) < len(terms.idf):
        # What tells chunks apart in the whole may be in none of those that the filters leave.
        found = _scored(connection, terms, frozenset(terms.idf), filters, limit)
    connection.execute("SET LOCAL enable_seqscan = on")
    return found


def _scored(connection: Connection, terms: TermWeights, telling: frozenset[str], filters: Filters, limit: int) -> list[int]:
    where, parameters = filters.where()
    rows = connection.execute(
        sql.SQL(_SCORED).format(where=where),
        {**parameters, "telling": [term_number(stem) for stem in telling], "query": sparse_query(terms), "limit": limit},
    )
    return [row[0] for row in rows]
