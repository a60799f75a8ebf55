"""The dense arm: nearest neighbours by cosine distance, by the model's own HNSW index or, where few chunks count, by all their vectors."""

from pgvector import HalfVector
from psycopg import sql

from cocosearch.database.connection import Connection
from cocosearch.database.models import RegisteredModel
from cocosearch.embedding.types import Vector
from cocosearch.search.filters import Filters

# pgvector's candidate list: larger finds more of the true neighbours (benchmarks/README.md).
EF_SEARCH = 400
# Up to so many chunks, comparing them all is as quick as the index, and exact.
EXACT_UP_TO = 2000
# The index is read until it has met enough of a project's chunks. A query that is about something else finds them late, and a vector of the
# index costs so many times what it costs to compare one of the project's (benchmarks/scale.md).
INDEX_COST = 2.5
# What pgvector reads at most (its default for hnsw.max_scan_tuples).
MAX_SCAN = 20_000

# The text that was found belongs to every chunk that has it.
_NEAREST = """
    SELECT c.id, e.embedding::halfvec({dimensions}) <=> %(vector)s::halfvec({dimensions}) AS distance
    FROM embeddings e JOIN chunks c ON c.embedded_digest = e.text_digest
    WHERE e.model_id = {model_id} AND e.embedding IS NOT NULL AND {where}
    ORDER BY e.embedding::halfvec({dimensions}) <=> %(vector)s::halfvec({dimensions})
    LIMIT %(limit)s
"""
# No index orders by a sum: the filter first, then all distances, and no copy of the vectors on the way.
_NEAREST_EXACT = """
    SELECT c.id FROM chunks c JOIN embeddings e ON e.model_id = {model_id} AND e.text_digest = c.embedded_digest
    WHERE e.embedding IS NOT NULL AND {where}
    ORDER BY (e.embedding::halfvec({dimensions}) <=> %(vector)s::halfvec({dimensions})) + 0, c.id
    LIMIT %(limit)s
"""


def search_dense(
    connection: Connection, model: RegisteredModel, vector: Vector, filters: Filters, limit: int, *, chunks: int | None = None
) -> list[int]:
    """Ids of the nearest chunks among those that the filters leave and whose texts have vectors of this model, nearest first.

    Args:
        connection: in a transaction, whose settings this changes.
        model: whose vectors.
        vector: unit length.
        filters: hold inside the index scan, which goes on until it has enough rows (pgvector 0.8, iterative scans).
        limit: rows wanted.
        chunks: at most so many are left by the filters, where that is known.
    """
    where, parameters = filters.where()
    parts = {"model_id": sql.Literal(model.id), "dimensions": sql.Literal(model.dimensions), "where": where}
    parameters |= {"vector": HalfVector(vector), "limit": limit}
    exact = sql.SQL(_NEAREST_EXACT).format(**parts)
    if chunks is not None and chunks <= EXACT_UP_TO:
        return [row[0] for row in connection.execute(exact, parameters)]
    # Strict order would throw away every neighbour that is met after a farther one: most of them, where a filter leaves few.
    connection.execute("SET LOCAL hnsw.iterative_scan = relaxed_order")
    connection.execute(sql.SQL("SET LOCAL hnsw.ef_search = {}").format(sql.Literal(max(EF_SEARCH, limit))))
    connection.execute(sql.SQL("SET LOCAL hnsw.max_scan_tuples = {}").format(sql.Literal(max_scan(chunks))))
    rows = connection.execute(sql.SQL(_NEAREST).format(**parts), parameters).fetchall()
    if len(rows) < limit and filters:
        # The scan has ended at its bound: what a filter leaves that is so rare is quickly compared one by one.
        rows = connection.execute(exact, parameters).fetchall()
    else:
        rows.sort(key=lambda row: (row[1], row[0]))
    return [row[0] for row in rows]


def max_scan(chunks: int | None) -> int:
    """How many vectors of the index may be read where a filter leaves `chunks`: no more than comparing these would cost."""
    return MAX_SCAN if chunks is None else max(EF_SEARCH, min(MAX_SCAN, int(chunks / INDEX_COST)))
