"""Embedding models as the database knows them, each with the index over its vectors."""

from dataclasses import dataclass

from psycopg import sql

from cocosearch.database.connection import Connection
from cocosearch.database.extension import build_safely
from cocosearch.database.locks import index_build
from cocosearch.database.projects import set_model
from cocosearch.embedding.types import Model

# Links of a vector, and how many candidates it is compared with when it is inserted (pgvector's defaults: 16 and 64). Among 121,000 texts
# fewer lose a tenth of the true neighbours, and some queries all of them; this costs an insertion 0.14 ms more (benchmarks/README.md).
HNSW_M = 16
HNSW_EF_CONSTRUCTION = 128
# Name of a model's index, before the model's id.
_VECTOR_INDEX = "embeddings_of_model_"


@dataclass(frozen=True, slots=True)
class ModelKey:
    """What makes vectors comparable; the digest is None where the model's server does not say it now."""

    name: str
    digest: str | None
    prompt_version: int


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A model in the table: its id, and how many numbers its vectors have."""

    id: int
    dimensions: int


def why_embedded_anew(before: ModelKey, now: ModelKey) -> str | None:
    """Why vectors of one model are none of another, as the end of a sentence; None where they are."""
    if before.name != now.name:
        return f"the embedding model was {before.name} and is {now.name}"
    if now.digest is not None and before.digest != now.digest:
        return f"the server has another version of the embedding model {now.name}"
    if before.prompt_version != now.prompt_version:
        return "what stands in front of code when it is embedded is another text"
    return None


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


def models_without_index(connection: Connection) -> list[RegisteredModel]:
    """The models whose index is gone."""
    rows = connection.execute("SELECT id, dimensions FROM models WHERE to_regclass(%s || id) IS NULL ORDER BY id", [_VECTOR_INDEX])
    return [RegisteredModel(int(row[0]), int(row[1])) for row in rows]


def find_model(connection: Connection, name: str, digest: str, prompt_version: int) -> RegisteredModel | None:
    """The model, if something was indexed with it."""
    row = connection.execute(
        "SELECT id, dimensions FROM models WHERE (name, digest, prompt_version) = (%s, %s, %s)", [name, digest, prompt_version]
    ).fetchone()
    return RegisteredModel(int(row[0]), int(row[1])) if row else None


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
    set_model(connection, project_id, model_id, reason)
    return model_id


def last_known_window(connection: Connection, name: str) -> int | None:
    """Window, in tokens, of the model of that name that was registered last; None if none ever was."""
    row = connection.execute("SELECT context_tokens FROM models WHERE name = %s ORDER BY id DESC LIMIT 1", [name]).fetchone()
    return int(row[0]) if row else None
