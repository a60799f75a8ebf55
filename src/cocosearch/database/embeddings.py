"""The table `embeddings`: the vector of each text by each model, or the model's refusal, whatever project has the text."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from pgvector import HalfVector
from psycopg import sql

from cocosearch.database.connection import Connection
from cocosearch.embedding.types import Vector

# Of embeddings e that are none: when the model is asked again, after ten minutes and then twice as long each time, up to a day.
REFUSAL_DUE_AT = sql.SQL("""
    coalesce(e.refused_at + least(interval '1 day', interval '10 minutes' * power(2, least(greatest(e.refusals, 1), 12) - 1)), '-infinity')
""")


@dataclass(frozen=True, slots=True)
class MissingText:
    """A chunk whose text has no vector yet."""

    chunk_id: int
    digest: bytes
    path: str
    enclosing: str | None
    text: str


def missing_texts(connection: Connection, project_id: int, model_id: int, after: int, limit: int) -> list[MissingText]:
    """Chunks of a project, with ids above `after` and in their order, whose texts the model has not been asked for, or is to be again."""
    rows = connection.execute(
        sql.SQL("""
        SELECT c.id, c.embedded_digest, c.path, c.enclosing, c.text FROM chunks c
        WHERE c.project_id = %s AND c.id > %s
          AND NOT EXISTS (
            SELECT FROM embeddings e
            WHERE e.model_id = %s AND e.text_digest = c.embedded_digest AND (e.embedding IS NOT NULL OR {due_at} > now())
          )
        ORDER BY c.id LIMIT %s
        """).format(due_at=REFUSAL_DUE_AT),
        [project_id, after, model_id, limit],
    )
    return [MissingText(row[0], bytes(row[1]), row[2], row[3], row[4]) for row in rows]


@contextmanager
def unsynced(connection: Connection) -> Iterator[None]:
    """Commits do not wait for the disk: of vectors, a crash of the server takes only what is then asked for again."""
    connection.execute("SET synchronous_commit = off")
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("RESET synchronous_commit")


def store_embeddings(connection: Connection, model_id: int, vectors: Mapping[bytes, Vector | None]) -> None:
    """Keep vectors for every chunk that has or will have one of these texts, in whatever project; None: the model refused the text."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO embeddings AS e (model_id, text_digest, embedding, refusals, refused_at)
            VALUES (%(model)s, %(digest)s, %(vector)s, %(refused)s, CASE WHEN %(refused)s > 0 THEN clock_timestamp() END)
            ON CONFLICT (model_id, text_digest) DO UPDATE
            SET embedding = EXCLUDED.embedding, refusals = e.refusals + EXCLUDED.refusals, refused_at = EXCLUDED.refused_at
            WHERE e.embedding IS NULL
            """,
            [
                {
                    "model": model_id,
                    "digest": digest,
                    "vector": None if vector is None else HalfVector(vector),
                    "refused": int(vector is None),
                }
                for digest, vector in vectors.items()
            ],
        )


def forget_refusals(connection: Connection, project_id: int) -> None:
    """Have the texts of a project that a model refused be asked for anew, as if they never had been."""
    connection.execute(
        "DELETE FROM embeddings e USING chunks c WHERE e.embedding IS NULL AND e.text_digest = c.embedded_digest AND c.project_id = %s",
        [project_id],
    )


def forget_embeddings(connection: Connection, unused_for: timedelta) -> int:
    """Delete vectors whose texts no chunk has had for that time; returns how many. Called from time to time, it also takes the time."""
    with connection.transaction():
        connection.execute(
            """
            DELETE FROM unused_embeddings u WHERE EXISTS (SELECT FROM chunks c WHERE c.embedded_digest = u.text_digest)
            """
        )
        connection.execute(
            """
            INSERT INTO unused_embeddings (model_id, text_digest)
            SELECT e.model_id, e.text_digest FROM embeddings e
            WHERE NOT EXISTS (SELECT FROM chunks c WHERE c.embedded_digest = e.text_digest)
            ON CONFLICT DO NOTHING
            """
        )
        return connection.execute(
            """
            DELETE FROM embeddings e USING unused_embeddings u
            WHERE (e.model_id, e.text_digest) = (u.model_id, u.text_digest) AND u.since < current_date - %s
            """,
            [unused_for],
        ).rowcount
