"""Embedding models as the database knows them, and the vectors that they made."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from pgvector import HalfVector
from psycopg import sql

from cocosearch.database.connection import Connection
from cocosearch.database.extension import build_safely
from cocosearch.database.locks import index_build
from cocosearch.embedding.ollama import Model, Vector

# Links of a vector, and how many candidates it is compared with when it is inserted (pgvector's defaults: 16 and 64). Among 121,000 texts
# fewer lose a tenth of the true neighbours, and some queries all of them; this costs an insertion 0.14 ms more (benchmarks/README.md).
HNSW_M = 16
HNSW_EF_CONSTRUCTION = 128
# Name of a model's index, before the model's id.
_VECTOR_INDEX = "embeddings_of_model_"
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


@dataclass(frozen=True, slots=True)
class ModelKey:
    """What makes vectors comparable; the digest is None where the model's server does not say it now."""

    name: str
    digest: str | None
    prompt_version: int


def why_embedded_anew(before: ModelKey, now: ModelKey) -> str | None:
    """Why vectors of one model are none of another, as the end of a sentence; None where they are."""
    if before.name != now.name:
        return f"the embedding model was {before.name} and is {now.name}"
    if now.digest is not None and before.digest != now.digest:
        return f"the server has another version of the embedding model {now.name}"
    if before.prompt_version != now.prompt_version:
        return "what stands in front of code when it is embedded is another text"
    return None


def why_rows_anew(before: int | None, now: int) -> str | None:
    """Why rows of one version have to be made anew, as the end of a sentence; None where they need not, or nothing is known of them."""
    return "this release cuts code into other chunks (what stays the same keeps its vector)" if before not in {None, now} else None


def register_model(connection: Connection, model: Model) -> int:
    """Id of a model; a new one gets its own HNSW index over the vectors that it will make."""
    key = [model.name, model.digest, model.prompt_version]
    known = connection.execute(
        "UPDATE models SET context_tokens = %s WHERE (name, digest, prompt_version) = (%s, %s, %s) RETURNING id",
        [model.context_tokens, *key],
    ).fetchone()
    if known is not None:
        return int(known[0])
    build_safely(connection)
    with index_build(connection), connection.transaction():
        created = connection.execute(
            """
            INSERT INTO models (name, digest, prompt_version, dimensions, context_tokens) VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT DO NOTHING RETURNING id
            """,
            [*key, model.dimensions, model.context_tokens],
        ).fetchone()
        if created is not None:
            create_vector_index(connection, int(created[0]), model.dimensions)
            return int(created[0])
    return register_model(connection, model)  # another process made it in this moment


def create_vector_index(connection: Connection, model_id: int, dimensions: int, *, concurrently: bool = False) -> None:
    """Build a model's own HNSW index; concurrently beside writes, and then not in a transaction."""
    statement = (
        "CREATE INDEX {} {} ON embeddings USING hnsw ((embedding::halfvec({})) halfvec_cosine_ops)"
        " WITH (m = {}, ef_construction = {}) WHERE model_id = {}"
    )
    connection.execute(
        sql.SQL(statement).format(
            sql.SQL("CONCURRENTLY" if concurrently else ""),
            sql.Identifier(f"{_VECTOR_INDEX}{model_id}"),
            *map(sql.Literal, (dimensions, HNSW_M, HNSW_EF_CONSTRUCTION, model_id)),
        )
    )


def models_without_index(connection: Connection) -> list[tuple[int, int]]:
    """Ids and dimensions of the models whose index is gone."""
    rows = connection.execute("SELECT id, dimensions FROM models WHERE to_regclass(%s || id) IS NULL ORDER BY id", [_VECTOR_INDEX])
    return [(int(row[0]), int(row[1])) for row in rows]


def find_model(connection: Connection, name: str, digest: str, prompt_version: int) -> tuple[int, int] | None:
    """Id and dimensions of a model that something was indexed with, or None."""
    row = connection.execute(
        "SELECT id, dimensions FROM models WHERE (name, digest, prompt_version) = (%s, %s, %s)", [name, digest, prompt_version]
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else None


def use_model(connection: Connection, project_id: int, model: Model) -> int:
    """Make a model, registered now if need be, the one whose vectors a project is to have; returns its id."""
    model_id = register_model(connection, model)
    before = connection.execute(
        """
        SELECT m.name, m.digest, m.prompt_version FROM projects p JOIN models m ON m.id = p.model_id
        WHERE p.id = %s AND p.chunks_embedded > 0
        """,
        [project_id],
    ).fetchone()
    reason = why_embedded_anew(ModelKey(*before), ModelKey(model.name, model.digest, model.prompt_version)) if before else None
    connection.execute("UPDATE projects SET model_id = %s, anew = coalesce(%s, anew) WHERE id = %s", [model_id, reason, project_id])
    return model_id


def last_known_window(connection: Connection, name: str) -> int | None:
    """Window, in tokens, of the model of that name that was registered last; None if none ever was."""
    row = connection.execute("SELECT context_tokens FROM models WHERE name = %s ORDER BY id DESC LIMIT 1", [name]).fetchone()
    return int(row[0]) if row else None


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


def last_chunk_id(connection: Connection) -> int:
    """Every chunk that is written from now on has a greater id."""
    row = connection.execute("SELECT coalesce(max(id), 0) FROM chunks").fetchone()
    return int(row[0]) if row else 0


def count_texts(connection: Connection, project_id: int, after: int) -> int:
    """Distinct texts of the project's chunks with ids above `after`."""
    row = connection.execute(
        "SELECT count(DISTINCT embedded_digest) FROM chunks WHERE project_id = %s AND id > %s", [project_id, after]
    ).fetchone()
    return int(row[0]) if row else 0


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
