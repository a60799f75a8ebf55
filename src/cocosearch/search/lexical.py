"""The lexical arm: BM25 over the identifier-aware terms of each chunk."""

from dataclasses import dataclass

from psycopg import sql

from cocosearch.database.connection import Connection
from cocosearch.search.filters import Filters

# Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009): the usual values.
K1 = 1.2
B = 0.75
# A term in more than this share of the chunks tells nothing apart; it scores, but finds no candidates while others do.
COMMON_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Ranked:
    """Chunk ids of one arm, best first."""

    chunk_ids: tuple[int, ...]


_FREQUENCIES = """
    SELECT term, (SELECT count(*) FROM chunks c WHERE {where} AND c.terms @> ARRAY[term])
    FROM unnest(%(terms)s::text[]) AS term
"""
_SIZE = "SELECT count(*), coalesce(avg(c.term_count), 0)::float8 FROM chunks c WHERE {where}"

# frequencies[array_position(terms, term)] is NULL where a chunk lacks the term, and sum() leaves it out.
_SCORED = """
    SELECT c.id
    FROM chunks c
    CROSS JOIN unnest(%(terms)s::text[], %(weights)s::float8[]) AS q (term, idf)
    CROSS JOIN LATERAL (SELECT c.frequencies[array_position(c.terms, q.term)]::float8 AS tf) f
    WHERE {where} AND c.terms && %(telling)s::text[]
    GROUP BY c.id
    ORDER BY sum(q.idf * f.tf * ({k1} + 1) / (f.tf + {k1} * (1 - {b} + {b} * c.term_count / %(average)s))) DESC, c.id
    LIMIT %(limit)s
"""


def search_lexical(connection: Connection, terms: list[str], filters: Filters, limit: int) -> Ranked:
    """The best chunks for the terms; IDF and average length are those of the chunks that the filters leave."""
    where, parameters = filters.where()
    size = connection.execute(sql.SQL(_SIZE).format(where=where), parameters).fetchone()
    chunks, average = (int(size[0]), float(size[1])) if size else (0, 0.0)
    if not terms or not chunks:
        return Ranked(())
    counted = connection.execute(sql.SQL(_FREQUENCIES).format(where=where), {**parameters, "terms": terms})
    frequency = {term: int(count) for term, count in counted if count}
    if not frequency:
        return Ranked(())
    statement = sql.SQL(_SCORED).format(where=where, k1=sql.Literal(K1), b=sql.Literal(B))
    found = connection.execute(
        statement,
        {
            **parameters,
            "terms": list(frequency),
            "weights": [_idf(count, chunks) for count in frequency.values()],
            "telling": telling_terms(frequency, chunks),
            "average": max(average, 1.0),
            "limit": limit,
        },
    )
    return Ranked(tuple(row[0] for row in found))


def telling_terms(frequency: dict[str, int], chunks: int) -> list[str]:
    """Terms that may bring a chunk into the ranking: those that are not in every fifth chunk, or the rarest if all are."""
    telling = [term for term, count in frequency.items() if count <= COMMON_SHARE * chunks]
    return telling or [min(frequency, key=lambda term: frequency[term])]


def _idf(count: int, chunks: int) -> float:
    from math import log

    return log(1 + (chunks - count + 0.5) / (count + 0.5))
