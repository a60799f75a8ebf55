"""Vectors kept in a file between runs, as PostgreSQL's COPY writes them: digest of the embedded text, tab, halfvec."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy
from numpy.typing import NDArray
from psycopg import sql
from tests.integration.services import REPOSITORY

from cocosearch.database.connection import Connection
from cocosearch.embedding.types import Model

CACHE = REPOSITORY / ".cache" / "retrieval"
BLOCK_BYTES = 1 << 20


def cache_of(model: Model) -> Path:
    """Where `benchmarks.retrieval` keeps the vectors of a model."""
    return CACHE / f"{model.digest[-16:]}-{model.prompt_version}.copy"


def keep(connection: Connection, model_id: int, file: Path) -> None:
    """Write all vectors of a model to a file, or leave the file as it was."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    statement = sql.SQL("COPY (SELECT text_digest, embedding FROM embeddings WHERE model_id = {}) TO STDOUT").format(model_id)
    with part.open("wb") as output, connection.cursor() as cursor, cursor.copy(statement) as copy:
        for block in copy:
            output.write(block)
    part.replace(file)


def load(connection: Connection, model_id: int, file: Path) -> None:
    """Store a file's vectors as a model's, for whichever of their texts are going to be indexed."""
    with connection.transaction():
        connection.execute("CREATE TEMPORARY TABLE kept (text_digest bytea, embedding halfvec) ON COMMIT DROP")
        with file.open("rb") as source, connection.cursor() as cursor, cursor.copy("COPY kept FROM STDIN") as copy:
            while block := source.read(BLOCK_BYTES):
                copy.write(block)
        with without_vector_index(connection):
            connection.execute("INSERT INTO embeddings (model_id, text_digest, embedding) SELECT %s, * FROM kept", [model_id])


def drop_unused(connection: Connection) -> None:
    """Leave the vectors alone that chunks have: others of the file would stand in the way of the index."""
    with connection.transaction(), without_vector_index(connection):
        connection.execute("DELETE FROM embeddings e WHERE NOT EXISTS (SELECT FROM chunks c WHERE c.embedded_digest = e.text_digest)")


def read(file: Path) -> dict[bytes, NDArray[numpy.float32]]:
    """A file's vectors by the digests of their texts, without those that the model refused."""
    found = {}
    with file.open("rb") as source:
        for line in source:
            digest, vector = line.rstrip(b"\n").split(b"\t")
            if vector != rb"\N":
                found[bytes.fromhex(digest.removeprefix(rb"\\x").decode())] = numpy.fromstring(vector[1:-1], "f4", sep=",")
    return found


@contextmanager
def without_vector_index(connection: Connection) -> Iterator[None]:
    """The HNSW index is made at the end: vector by vector, as they come from a model, takes several times longer."""
    indexes = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'embeddings' AND indexdef LIKE '%USING hnsw%'"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    yield
    connection.execute("SET maintenance_work_mem = '1GB'")
    connection.execute("SET max_parallel_maintenance_workers = 0")
    for _, definition in indexes:
        connection.execute(definition)
    connection.execute("RESET maintenance_work_mem")
    connection.execute("RESET max_parallel_maintenance_workers")
