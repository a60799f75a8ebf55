"""The lexical arm: BM25 over the identifier-aware terms of each chunk."""

from dataclasses import dataclass

from pgvector import SparseVector
from psycopg import sql

from cocosearch.database.connection import Connection
from cocosearch.search.filters import Filters
from cocosearch.terms import DIMENSIONS, term_number

# A term in more than this share of the chunks tells nothing apart; it scores, but finds no candidates while others do.
COMMON_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Ranked:
    """Chunk ids of one arm, best first."""

    chunk_ids: tuple[int, ...]


_FREQUENCIES = """
    SELECT term, (SELECT count(*) FROM chunks c WHERE {where} AND c.terms @> ARRAY[term])
    FROM unnest(%(terms)s::integer[]) AS term
"""
_SCORED = """
    SELECT c.id FROM chunks c
    WHERE {where} AND c.terms && %(telling)s::integer[]
    ORDER BY c.weights <#> %(idf)s, c.id
    LIMIT %(limit)s
"""


def search_lexical(connection: Connection, terms: list[str], filters: Filters, limit: int) -> Ranked:
    """The best chunks for the terms; the IDF is that of the chunks that the filters leave."""
    where, parameters = filters.where()
    size = connection.execute(sql.SQL("SELECT count(*) FROM chunks c WHERE {where}").format(where=where), parameters).fetchone()
    chunks = int(size[0]) if size else 0
    counted = connection.execute(sql.SQL(_FREQUENCIES).format(where=where), {**parameters, "terms": [term_number(term) for term in terms]})
    frequency = {term: int(count) for term, count in counted if count}
    if not frequency:
        return Ranked(())
    idf = SparseVector({term - 1: _idf(count, chunks) for term, count in frequency.items()}, DIMENSIONS)
    found = connection.execute(
        sql.SQL(_SCORED).format(where=where), {**parameters, "telling": telling_terms(frequency, chunks), "idf": idf, "limit": limit}
    )
    return Ranked(tuple(row[0] for row in found))


def telling_terms(frequency: dict[int, int], chunks: int) -> list[int]:
    """Terms that may bring a chunk into the ranking: those that are not in every fifth chunk, or the rarest if all are."""
    telling = [term for term, count in frequency.items() if count <= COMMON_SHARE * chunks]
    return telling or [min(frequency, key=lambda term: frequency[term])]


def _idf(count: int, chunks: int) -> float:
    from math import log

    return log(1 + (chunks - count + 0.5) / (count + 0.5))
