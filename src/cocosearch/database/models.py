"""Embedding models as the database knows them, and the vectors that they made."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from pgvector import HalfVector
from psycopg import sql

from cocosearch.database.connection import Connection
from cocosearch.ollama import Model, Vector


def register_model(connection: Connection, model: Model) -> int:
    """Id of a model; a new one gets its own HNSW index over the chunks that carry its vectors."""
    key = [model.name, model.digest, model.prompt_version]
    with connection.transaction():
        created = connection.execute(
            "INSERT INTO models (name, digest, prompt_version, dimensions) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id",
            [*key, model.dimensions],
        ).fetchone()
        if created is not None:
            connection.execute(
                sql.SQL("CREATE INDEX {} ON chunks USING hnsw ((embedding::halfvec({})) halfvec_cosine_ops) WHERE model_id = {}").format(
                    sql.Identifier(f"chunks_embedding_{created[0]}"), sql.Literal(model.dimensions), sql.Literal(created[0])
                )
            )
            return int(created[0])
    known = connection.execute("SELECT id FROM models WHERE (name, digest, prompt_version) = (%s, %s, %s)", key).fetchone()
    assert known is not None  # noqa: S101 - models are never deleted
    return int(known[0])


def find_model(connection: Connection, name: str, digest: str, prompt_version: int) -> tuple[int, int] | None:
    """Id and dimensions of a model that something was indexed with, or None."""
    row = connection.execute(
        "SELECT id, dimensions FROM models WHERE (name, digest, prompt_version) = (%s, %s, %s)", [name, digest, prompt_version]
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else None


def cached_embeddings(connection: Connection, model_id: int, digests: Sequence[bytes]) -> dict[bytes, Vector]:
    """Vectors made before, by digest of the embedded text; those found count as used today."""
    rows = connection.execute(
        "SELECT text_digest, embedding FROM embeddings WHERE model_id = %s AND text_digest = ANY(%s)", [model_id, list(digests)]
    ).fetchall()
    found = {bytes(digest): embedding.to_list() for digest, embedding in rows}
    if found:
        connection.execute(
            "UPDATE embeddings SET used_on = current_date WHERE model_id = %s AND text_digest = ANY(%s) AND used_on <> current_date",
            [model_id, list(found)],
        )
    return found


def store_embeddings(connection: Connection, model_id: int, vectors: Mapping[bytes, Vector]) -> None:
    """Keep vectors for the next time that the same text is embedded, in whatever project."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO embeddings (model_id, text_digest, embedding) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [(model_id, digest, HalfVector(vector)) for digest, vector in vectors.items()],
        )


def forget_embeddings(connection: Connection, unused_for: timedelta) -> int:
    """Delete vectors that no indexing has asked for in that time; returns how many."""
    return connection.execute("DELETE FROM embeddings WHERE used_on < current_date - %s", [unused_for]).rowcount
