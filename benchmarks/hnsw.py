"""The HNSW graph's parameters: what an insertion costs, what a search costs, and what it finds of the true neighbours.

    python -m benchmarks.hnsw --queries FILE.jsonl … [--vectors FILE] [--graphs M,EF_CONSTRUCTION …]

FILE holds the vectors that `benchmarks.retrieval` has kept (by default those of all-MiniLM-L6-v2). Queries: one JSON object a line with
the key `query`; they are embedded as searches are, so that a query is no vector of the graph. Starts everything it needs, and builds the
graph vector by vector, one transaction for each sixteen, as vectors come from a model.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import vectors
from pgvector import HalfVector
from psycopg import sql
from tests.integration import services

from cocosearch.database import connect
from cocosearch.database.connection import Connection
from cocosearch.database.migrations import migrate
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.search.candidates import PER_ARM
from cocosearch.settings import Settings

# Links of a vector, candidates while it is inserted; the second pair is pgvector's default.
GRAPHS = ("12,40", "16,64", "16,128")
EF_SEARCH = (100, 200, 400, 800)
NEIGHBOURS = (10, PER_ARM)
BATCH = 16

_NEAREST = "SELECT id FROM vectors ORDER BY vector <=> %s LIMIT %s"


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=Path, nargs="+", required=True, metavar="FILE.jsonl")
    parser.add_argument("--vectors", type=Path, metavar="FILE")
    parser.add_argument("--graphs", nargs="+", default=GRAPHS, metavar="M,EF_CONSTRUCTION")
    options = parser.parse_args()
    graphs = [(int(links), int(candidates)) for links, candidates in (graph.split(",") for graph in options.graphs)]
    with (
        tempfile.TemporaryDirectory() as scratch,
        services.postgres() as postgres_url,
        services.fresh_database(postgres_url) as url,
        services.embedder() as embedder_url,
    ):
        settings = Settings(database_url=url, ollama_url=embedder_url, model="all-minilm", state_dir=Path(scratch) / "state")
        with connect(settings) as connection, OllamaClient(settings) as client:
            migrate(connection)
            known = vectors.read(options.vectors or vectors.cache_of(client.describe_model()))
            queries = [json.loads(line)["query"] for file in options.queries for line in file.read_text().splitlines()]
            embedded = [HalfVector(client.embed_query(query)) for query in queries]
            _compare(connection, [HalfVector(vector) for vector in known.values()], embedded, graphs)


def _compare(connection: Connection, known: Sequence[HalfVector], queries: Sequence[HalfVector], graphs: Sequence[tuple[int, int]]) -> None:
    dimensions = sql.Literal(len(queries[0].to_list()))
    connection.execute(sql.SQL("CREATE TABLE vectors (id integer, vector halfvec({}))").format(dimensions))
    bare = _insert(connection, known)
    exact, seconds = _search(connection, queries)
    print(f"{len(known)} vectors, {len(queries)} queries; without a graph an insertion takes {bare:.2f} ms, a search {seconds:.0f} ms\n")
    print(
        "| m | ef_construction | ms an insertion | ef_search | ms a search | "
        + " | ".join(f"recall@{count}" for count in NEIGHBOURS)
        + " |"
    )
    print(f"{'|---' * (5 + len(NEIGHBOURS))}|")
    for links, candidates in graphs:
        connection.execute("TRUNCATE vectors")
        statement = "CREATE INDEX graph ON vectors USING hnsw (vector halfvec_cosine_ops) WITH (m = {}, ef_construction = {})"
        connection.execute(sql.SQL(statement).format(sql.Literal(links), sql.Literal(candidates)))
        cost = _insert(connection, known)
        connection.execute("SET enable_seqscan = off")
        for ef_search in EF_SEARCH:
            connection.execute(sql.SQL("SET hnsw.ef_search = {}").format(sql.Literal(ef_search)))
            found, milliseconds = _search(connection, queries)
            recall = " | ".join(f"{_recall(found, exact, count):.4f}" for count in NEIGHBOURS)
            print(f"| {links} | {candidates} | {cost:.2f} | {ef_search} | {milliseconds:.1f} | {recall} |", flush=True)
        connection.execute("DROP INDEX graph")


def _insert(connection: Connection, known: Sequence[HalfVector]) -> float:
    """Milliseconds a vector."""
    began = time.perf_counter()
    with connection.cursor() as cursor:
        for begin in range(0, len(known), BATCH):
            rows = list(enumerate(known[begin : begin + BATCH], start=begin))
            with connection.transaction():
                cursor.executemany("INSERT INTO vectors VALUES (%s, %s)", rows)
    return 1000 * (time.perf_counter() - began) / len(known)


def _search(connection: Connection, queries: Sequence[HalfVector]) -> tuple[list[list[int]], float]:
    """The nearest of each query, and the median of the milliseconds that a query took."""
    found, milliseconds = [], []
    for query in queries:
        began = time.perf_counter()
        found.append([row[0] for row in connection.execute(_NEAREST, [query, max(NEIGHBOURS)])])
        milliseconds.append(1000 * (time.perf_counter() - began))
    return found, statistics.median(milliseconds)


def _recall(found: Sequence[list[int]], exact: Sequence[list[int]], count: int) -> float:
    return statistics.mean(len(set(some[:count]) & set(true[:count])) / count for some, true in zip(found, exact, strict=True))


if __name__ == "__main__":
    main()
