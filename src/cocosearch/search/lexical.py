"""The lexical arm: BM25 over the stems of each chunk, as one inner product of sparse vectors."""

from collections.abc import Set

from pgvector import SparseVector
from psycopg import sql

from cocosearch.database.connection import Connection
from cocosearch.search.filters import Filters
from cocosearch.search.query import TermWeights, term_weights
from cocosearch.terms import DIMENSIONS, term_number

# A stem in more than this share of the chunks tells nothing apart; it scores, but finds no candidates while others do.
COMMON_SHARE = 0.2

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
    return term_weights(stems, frequencies, chunks), telling_stems({stem: frequencies.get(stem, 0) for stem in stems}, chunks)


def telling_stems(frequencies: dict[str, int], chunks: int) -> frozenset[str]:
    """Those that are not in every fifth chunk; if none of them is known to occur, also the rarest that does."""
    telling = frozenset(stem for stem, count in frequencies.items() if count <= COMMON_SHARE * chunks)
    if any(frequencies[stem] for stem in telling):
        return telling
    occurring = [stem for stem, count in frequencies.items() if count]
    return telling | frozenset(sorted(occurring, key=lambda stem: frequencies[stem])[:1])


def sparse_query(terms: TermWeights) -> SparseVector:
    """The other factor of the chunks' `weights`: the inner product of the two is the BM25 score."""
    # pgvector's Python side counts dimensions from zero.
    return SparseVector({term_number(stem) - 1: idf for stem, idf in terms.idf.items()}, DIMENSIONS)


def search_lexical(connection: Connection, terms: TermWeights, telling: frozenset[str], filters: Filters, limit: int) -> list[int]:
    """Ids of the best chunks by words, best first."""
    found = _scored(connection, terms, telling, filters, limit)
    if len(found) < limit and filters.within_project and telling < terms.idf.keys():
        # What is rare in the project may be missing in the part of it that the filters leave, and what is common be all that there is.
        found = _scored(connection, terms, terms.idf.keys(), filters, limit)
    return found


def _scored(connection: Connection, terms: TermWeights, finding: Set[str], filters: Filters, limit: int) -> list[int]:
    where, parameters = filters.where()
    rows = connection.execute(
        sql.SQL(_SCORED).format(where=where),
        {**parameters, "telling": [term_number(stem) for stem in finding], "query": sparse_query(terms), "limit": limit},
    )
    return [row[0] for row in rows]
