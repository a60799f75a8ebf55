"""The HNSW graph's parameters: what an insertion costs, and what the graph finds of the true neighbours.

Starts everything it needs, indexes a project, and builds the graph anew over its vectors, one transaction for each sixteen.

    python -m benchmarks.hnsw [DIRECTORY]

DIRECTORY is the project to index; without one, the sources of the library fastmcp as it is installed here.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path

from benchmarks.appliance import library
from pgvector import HalfVector
from psycopg import sql
from tests.integration import services

from cocosearch.database import connect
from cocosearch.database.connection import Connection
from cocosearch.database.migrations import migrate
from cocosearch.indexing.run import index_project
from cocosearch.projects import load_project
from cocosearch.settings import Settings

# Links of a vector, candidates while it is inserted; the first pair is pgvector's default.
GRAPHS = ((16, 64), (16, 40), (12, 40), (12, 32), (8, 32))
EF_SEARCH = 100
QUERIES = 200
NEIGHBOURS = 10
BATCH = 16

_NEAREST = "SELECT id FROM vectors ORDER BY vector <=> %s LIMIT %s"


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path)
    given = parser.parse_args().directory
    with (
        tempfile.TemporaryDirectory() as scratch,
        services.postgres() as postgres_url,
        services.fresh_database(postgres_url) as url,
        services.embedder() as embedder_url,
    ):
        settings = Settings(database_url=url, ollama_url=embedder_url, model="all-minilm", state_dir=Path(scratch) / "state")
        with connect(settings) as connection:
            migrate(connection)
            index_project(settings, load_project(given or library(Path(scratch)), "benchmark"))
            _compare(connection)


def _compare(connection: Connection) -> None:
    row = connection.execute("SELECT array_agg(embedding ORDER BY text_digest) FROM embeddings WHERE embedding IS NOT NULL").fetchone()
    assert row is not None
    vectors: list[HalfVector] = row[0]
    dimensions = len(vectors[0].to_list())
    connection.execute(sql.SQL("CREATE TABLE vectors (id integer, vector halfvec({}))").format(sql.Literal(dimensions)))
    generator = random.Random(4711)  # noqa: S311 - data, not secrets
    queries = generator.sample(vectors, min(QUERIES, len(vectors)))
    bare = _insert(connection, vectors)
    exact = [_nearest(connection, query) for query in queries]
    print(f"{len(vectors)} vectors; without a graph an insertion takes {bare:.2f} ms\n")
    print("| m | ef_construction | ms an insertion | recall@10, ef_search 100 |\n|---|---|---|---|")
    for links, candidates in GRAPHS:
        connection.execute("TRUNCATE vectors")
        statement = "CREATE INDEX graph ON vectors USING hnsw (vector halfvec_cosine_ops) WITH (m = {}, ef_construction = {})"
        connection.execute(sql.SQL(statement).format(sql.Literal(links), sql.Literal(candidates)))
        cost = _insert(connection, vectors)
        connection.execute("SET enable_seqscan = off")
        connection.execute(sql.SQL("SET hnsw.ef_search = {}").format(sql.Literal(EF_SEARCH)))
        found = [len(_nearest(connection, query) & true) / NEIGHBOURS for query, true in zip(queries, exact, strict=True)]
        print(f"| {links} | {candidates} | {cost:.2f} | {sum(found) / len(found):.4f} |", flush=True)
        connection.execute("DROP INDEX graph")


def _insert(connection: Connection, vectors: list[HalfVector]) -> float:
    """Milliseconds a vector."""
    began = time.perf_counter()
    with connection.cursor() as cursor:
        for begin in range(0, len(vectors), BATCH):
            rows = list(enumerate(vectors[begin : begin + BATCH], start=begin))
            cursor.executemany("INSERT INTO vectors VALUES (%s, %s)", rows)
    return 1000 * (time.perf_counter() - began) / len(vectors)


def _nearest(connection: Connection, query: HalfVector) -> set[int]:
    return {row[0] for row in connection.execute(_NEAREST, [query, NEIGHBOURS])}


if __name__ == "__main__":
    main()
