"""What may be an answer: the best chunks of both arms, those that define what the query names, and the measures of all of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pgvector import HalfVector
from psycopg import sql

from cocosearch.database.connection import Connection
from cocosearch.lexicon.file_kinds import FileKind
from cocosearch.lexicon.terms import DATA_MARK
from cocosearch.search.dense import search_dense
from cocosearch.search.filters import Filters
from cocosearch.search.lexical import search_lexical, sparse_query, weigh_terms
from cocosearch.search.query import Query, TermWeights
from cocosearch.search.symbols import read_symbol
from cocosearch.search.types import Arm, Candidate, QueryVector

# Of each arm: the ranking is better than either as long as it looks deeper than the page.
PER_ARM = 100
# Definitions of names that the query quotes: both arms may miss them among a hundred uses.
DEFINITIONS = 50
# More data than this among what an arm finds leaves too little code.
MOST_DATA = PER_ARM // 2


_DEFINING = """
    SELECT c.id FROM definitions d
    JOIN chunks c ON c.project_id = d.project_id AND c.path = d.path AND d.name_line BETWEEN c.start_line AND c.end_line
    WHERE lower(d.name) = ANY(%(names)s) AND {where}
    GROUP BY c.id
    ORDER BY c.terms @> %(mark)s::integer[], c.id
    LIMIT %(limit)s
"""
_MEASURED = """
    SELECT c.id, c.project_id, c.path, c.symbols, -(c.weights <#> %(query)s), {cosine}, c.terms @> %(mark)s::integer[]
    FROM chunks c {vectors}
    WHERE c.id = ANY(%(ids)s)
    ORDER BY c.id
"""
_COUNT_DATA = "SELECT count(*) FROM chunks WHERE id = ANY(%(ids)s) AND terms @> %(mark)s::integer[]"
_VECTORS = "LEFT JOIN embeddings e ON e.model_id = {model_id} AND e.text_digest = c.embedded_digest"
_COSINE = "1 - (e.embedding::halfvec({dimensions}) <=> %(vector)s::halfvec({dimensions}))"


def find_candidates(
    connection: Connection,
    query: Query,
    vector: QueryVector | None,
    filters: Filters,
    *,
    arms: frozenset[Arm] = frozenset(Arm),
    chunks: int | None = None,
) -> tuple[TermWeights, list[Candidate]]:
    """Candidates with the measures of both arms, by id, and the weights of the query's stems.

    Args:
        connection: in a transaction, whose settings this changes.
        query: what is asked.
        vector: of the query; None where there is none.
        filters: hold in each arm.
        arms: the ones to ask; fewer than both is for measuring.
        chunks: at most so many are left by the filters, where that is known.
    """
    terms, telling = weigh_terms(connection, query.stems, filters.project_id)
    found: dict[Arm, list[int]] = {}
    if Arm.LEXICAL in arms:
        found[Arm.LEXICAL] = _beside_data(connection, partial(search_lexical, connection, terms, telling, limit=PER_ARM), filters, query)
    if Arm.DENSE in arms and vector is not None:
        # A name is defined in few chunks: the index would be read to its end for them.
        few = 0 if filters.symbol is not None else chunks
        nearest = partial(search_dense, connection, vector.model, vector.vector, limit=PER_ARM, chunks=few)
        found[Arm.DENSE] = _beside_data(connection, nearest, filters, query)
    defining = _defining(connection, query, filters)
    ids = list(dict.fromkeys([chunk_id for arm in found.values() for chunk_id in arm] + defining))
    members = {arm: frozenset(chunk_ids) for arm, chunk_ids in found.items()}
    measured = _measured(connection, terms, vector if Arm.DENSE in arms else None, ids)
    return terms, [
        Candidate(
            chunk_id=row[0],
            project_id=row[1],
            path=row[2],
            symbols=tuple(row[3]),
            bm25=float(row[4]) if Arm.LEXICAL in arms else 0.0,
            cosine=None if row[5] is None else float(row[5]),
            is_data=row[6],
            arms=tuple(arm for arm in Arm if row[0] in members.get(arm, ())) or (Arm.LEXICAL,),
        )
        for row in measured
    ]


def _beside_data(connection: Connection, arm: Callable[[Filters], list[int]], filters: Filters, query: Query) -> list[int]:
    """What an arm finds, and where data crowds the code out, what it finds beside data too."""
    found = arm(filters)
    if len(found) < PER_ARM or FileKind.DATA in query.wanted:
        return found
    row = connection.execute(_COUNT_DATA, {"ids": found, "mark": [DATA_MARK]}).fetchone()
    if row is None or row[0] <= MOST_DATA:
        return found
    return list(dict.fromkeys([*found, *arm(replace(filters, without_data=True))]))


def _defining(connection: Connection, query: Query, filters: Filters) -> list[int]:
    names = query.names
    if filters.symbol is not None:
        # Who gives a name wants its definition, whatever the query's words are.
        names |= {name.lower() for name in (*read_symbol(filters.symbol).written, *read_symbol(filters.symbol).names)}
    if not names:
        return []
    where, parameters = filters.where()
    rows = connection.execute(
        sql.SQL(_DEFINING).format(where=where), {**parameters, "names": sorted(names), "limit": DEFINITIONS, "mark": [DATA_MARK]}
    )
    return [row[0] for row in rows]


def _measured(connection: Connection, terms: TermWeights, vector: QueryVector | None, ids: Sequence[int]) -> list[tuple[Any, ...]]:
    parameters: dict[str, object] = {"query": sparse_query(terms), "ids": list(ids), "mark": [DATA_MARK]}
    if vector is None:
        statement = sql.SQL(_MEASURED).format(cosine=sql.SQL("NULL"), vectors=sql.SQL(""))
    else:
        parameters["vector"] = HalfVector(vector.vector)
        statement = sql.SQL(_MEASURED).format(
            cosine=sql.SQL(_COSINE).format(dimensions=sql.Literal(vector.model.dimensions)),
            vectors=sql.SQL(_VECTORS).format(model_id=sql.Literal(vector.model.id)),
        )
    return connection.execute(statement, parameters).fetchall()
