"""Search from 1,000 to 100,000 chunks: time, growth, size of the index, memory, and what a search notices of an index that is being made.

Starts everything it needs: PostgreSQL in a container (tools/test-postgres), the embedded embedding server, `cocosearch index`.

    python -m benchmarks.scale DIRECTORY [--without NAME …] [--vectors FILE [--synthetic]] [--queries FILE.jsonl] [--plot FILE.svg]

DIRECTORY holds projects, one a directory, with as many chunks together as the largest size. Vectors come from FILE, by
default what `benchmarks.retrieval` has kept, as far as it has them, the rest from the embedding server; with --synthetic the rest are
real vectors with noise, so that no model has to read 100,000 texts. Queries: one JSON object a line with the key `query`, and
`repo` where it is about one project.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from benchmarks.appliance import library
from benchmarks.corpus import Growing, Vectors, list_corpus
from benchmarks.plot import Line, draw
from benchmarks.vectors import cache_of, read
from tests.integration import services
from tests.integration.indexing.command import start

from cocosearch.database import connect, open_pool
from cocosearch.database.connection import Pool
from cocosearch.database.migrations import migrate
from cocosearch.database.models import RegisteredModel
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.search import SearchRequest, search
from cocosearch.search.candidates import PER_ARM
from cocosearch.search.dense import search_dense
from cocosearch.search.filters import Filters
from cocosearch.search.lexical import search_lexical, weigh_terms
from cocosearch.search.query import analyse
from cocosearch.settings import Settings

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
TARGET_P50_MS, TARGET_P95_MS = 40, 120
NAMES = 16
QUERIES = 60
ROUNDS = 3
TOP = 10
UNDER_LOAD = 150
BETWEEN_SEARCHES_SECONDS = 0.1
QUESTIONS = (
    "how is the configuration file read",
    "parse a date from a string",
    "where are errors turned into HTTP responses",
    "retry a request after a timeout",
    "convert an object to JSON",
    "add a route with parameters to the router",
    "check that a token is valid",
    "write a log record to a file",
    "how are plugins loaded",
    "compare two values for equality",
    "encode a list of integers as bytes",
    "default value of an optional argument",
    "close the connection when the client goes away",
    "format a number with leading zeros",
    "run a command and read its output",
    "return the type name of a value",
    "what does the middleware do with the session cookie",
    "complete a command in the shell",
    "test that an exception is raised",
    "create a new instance with the given name",
)


@dataclass(frozen=True)
class Measured:
    """Milliseconds of several searches."""

    sql: list[float]
    embed: list[float]
    total: list[float]
    processor: float  # of PostgreSQL and this process, mean of a search

    def row(self) -> str:
        """Cells of a table."""
        return f"{percentiles(self.sql)} | {self.processor:.1f} | {percentiles(self.embed)}"


def percentiles(values: Sequence[float]) -> str:
    """The median and the 95th."""
    return f"{statistics.median(values):.1f} / {high(values):.1f}"


def high(values: Sequence[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20)[18]


def main() -> None:
    """Measure, and print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--without", nargs="*", default=[], metavar="NAME", help="projects to leave out")
    parser.add_argument("--vectors", type=Path, metavar="FILE")
    parser.add_argument("--synthetic", action="store_true")
    parser.add_argument("--queries", type=Path, metavar="FILE.jsonl")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    parser.add_argument("--server", metavar="URL", help="superuser's URL of a running PostgreSQL, instead of one of its own")
    options = parser.parse_args()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        superuser = options.server or stack.enter_context(services.postgres())
        url = stack.enter_context(services.fresh_database(superuser))
        with psycopg.connect(superuser, autocommit=True) as connection:  # as the role postgresql sets it
            connection.execute(f"ALTER DATABASE {urlsplit(url).path[1:]} SET jit = off")
        embedder_url = stack.enter_context(services.embedder())
        settings = Settings(database_url=url, ollama_url=embedder_url, model="all-minilm", state_dir=scratch / "state")
        with connect(settings) as connection:
            migrate(connection)
        pool, client = stack.enter_context(open_pool(settings)), stack.enter_context(OllamaClient(settings))
        model = client.describe_model()
        kept = options.vectors or cache_of(model)
        vectors = Vectors(client, read(kept) if kept.exists() else {}, options.synthetic)
        corpus = Growing(pool, vectors, model, list_corpus(options.directory, settings, options.without), settings)
        found = _growth(corpus, pool, client, options)
        print(f"\nVectors: {', '.join(f'{count} {where}' for where, count in vectors.counts.items())}.\n")
        if options.plot:
            options.plot.write_text(_plot(found))
        print("| what | figure |\n|---|---|")
        for name, figure in (
            *_by_project(pool, client, options),
            *_recall(pool, client, options),
            *_overlap(pool, options),
            *_sizes(pool),
            *_memory(settings),
            *_under_load(settings, scratch, pool, client),
        ):
            print(f"| {name} | {figure} |", flush=True)


def _growth(corpus: Growing, pool: Pool, client: OllamaClient, options: argparse.Namespace) -> dict[int, Measured]:
    found: dict[int, Measured] = {}
    print(f"| chunks | PostgreSQL and ranking, p50 / p95 ms | processor time, mean ms | query's vector, p50 / p95 ms |\n{'|---' * 4}|")
    for size in options.sizes:
        assert corpus.to(size), f"the projects have only {corpus.chunks} chunks"
        queries = _queries(pool, options.queries)
        embed = [search(pool, client, SearchRequest(query)).timings.embed_ms for query in queries]  # also fills the caches
        measured = _measure(pool, client, queries * ROUNDS)
        found[corpus.chunks] = Measured(measured.sql, embed, measured.total, measured.processor)
        print(f"| {corpus.chunks} | {found[corpus.chunks].row()} |", flush=True)
    return found


def _queries(pool: Pool, given: Path | None) -> list[str]:
    """The given ones, or questions in plain words and names that the corpus defines."""
    if given:
        queries = [line["query"] for line in _read(given)]
        return queries[:: max(1, len(queries) // QUERIES)][:QUERIES]
    with pool.connection() as connection:
        names = connection.execute(
            "SELECT name FROM (SELECT DISTINCT name FROM definitions) d ORDER BY md5(name) LIMIT %s", [NAMES]
        ).fetchall()
    return [*QUESTIONS, *(name for (name,) in names)]


def _read(given: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in given.read_text().splitlines()]


def _measure(pool: Pool, client: OllamaClient, queries: Sequence[str], project: str | None = None) -> Measured:
    sql, embed, total = [], [], []
    before = _processor_seconds(pool)
    for query in queries:
        timings = search(pool, client, SearchRequest(query, project=project)).timings
        sql.append(timings.sql_ms)
        embed.append(timings.embed_ms)
        total.append(timings.total_ms)
    return Measured(sql, embed, total, 1000 * (_processor_seconds(pool) - before) / len(queries))


def _by_project(pool: Pool, client: OllamaClient, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    with pool.connection() as connection:
        projects = connection.execute("SELECT name, chunks FROM projects ORDER BY chunks DESC").fetchall()
    for name, chunks in (projects[0], projects[1], projects[len(projects) // 2]):
        kinds = {"queries about anything": _queries(pool, options.queries)}
        if options.queries:
            kinds["queries about it"] = [line["query"] for line in _read(options.queries) if line.get("repo") == name]
        for kind, queries in kinds.items():
            if queries:
                measured = _measure(pool, client, queries * 2, name)
                yield f"search in one project, of {chunks} chunks, {kind}, p50 / p95", f"{percentiles(measured.sql)} ms"


def _recall(pool: Pool, client: OllamaClient, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """What the dense arm finds of the true neighbours: of a project's own queries there, of all queries in everything."""
    lines = _read(options.queries) if options.queries else []
    with pool.connection() as connection:
        row = connection.execute("SELECT id, dimensions FROM models").fetchone()
        assert row is not None
        model = RegisteredModel(*row)
        projects = connection.execute("SELECT id, name, chunks FROM projects ORDER BY chunks DESC LIMIT 4").fetchall()
        for project_id, name, chunks in [*projects, (None, None, None)]:
            shares = []
            for line in lines:
                if name in (None, line.get("repo")):
                    vector = client.embed_query(line["query"])
                    with connection.transaction():
                        found = search_dense(connection, model, vector, Filters(project_id), PER_ARM, chunks=chunks)
                        exact = search_dense(connection, model, vector, Filters(project_id), PER_ARM, chunks=0)
                    shares.append(len(set(found[:TOP]) & set(exact[:TOP])) / TOP)
            if shares:
                where = f"one project, of {chunks} chunks, queries about it" if name else "all projects"
                yield f"recall@{TOP} of the dense arm in {where} ({len(shares)} queries)", f"{statistics.mean(shares):.3f}"


def _overlap(pool: Pool, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """What it changes that only the rarest stems find."""
    shared, fewer = [], 0
    with pool.connection() as connection:
        for query in _queries(pool, options.queries):
            with connection.transaction():
                terms, telling = weigh_terms(connection, analyse(query).stems, None)
                found = search_lexical(connection, terms, telling, Filters(), PER_ARM)[:TOP]
                of_all = search_lexical(connection, terms, frozenset(terms.idf), Filters(), PER_ARM)[:TOP]
            fewer += len(telling) < len(terms.idf)
            shared.append(len(set(found) & set(of_all)) / len(of_all) if of_all else 1.0)
    same = sum(share == 1.0 for share in shared)
    yield (
        f"lexical arm's first {TOP} that are also there if all stems find",
        f"{statistics.mean(shared):.1%}, all in {same} of {len(shared)}",
    )
    yield "queries of which some stems find nothing", f"{fewer} of {len(shared)}"


def _sizes(pool: Pool) -> Iterator[tuple[str, str]]:
    with pool.connection() as connection:
        counted = connection.execute("SELECT count(*) FROM chunks").fetchone()
        relations = connection.execute(
            """
            SELECT relname, relkind, pg_table_size(c.oid) FROM pg_class c
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i') ORDER BY pg_table_size(c.oid) DESC
            """
        ).fetchall()
    assert counted is not None
    yield "size of all tables and indexes", f"{sum(size for *_, size in relations) / counted[0]:.0f} bytes a chunk"
    for name, kind, size in relations[:10]:
        yield f"of it {'index' if kind == 'i' else 'table'} `{name}`", f"{size / counted[0]:.0f} bytes a chunk"


def _under_load(settings: Settings, scratch: Path, pool: Pool, client: OllamaClient) -> Iterator[tuple[str, str]]:
    """While `cocosearch index` makes another project's index; distinct questions, so that each needs its vector."""
    directory = library(scratch)
    process = start(settings, "index", str(directory), "--name", "under-load")
    sql: list[float] = []
    embed: list[float] = []
    total: list[float] = []
    try:
        while not _has_vectors(pool, "under-load"):
            assert process.poll() is None, "the index ended before it began"
            time.sleep(BETWEEN_SEARCHES_SECONDS)
        while process.poll() is None and len(total) < UNDER_LOAD:
            timings = search(pool, client, SearchRequest(f"{QUESTIONS[len(total) % len(QUESTIONS)]} {len(total)}")).timings
            sql.append(timings.sql_ms)
            embed.append(timings.embed_ms)
            total.append(timings.total_ms)
            time.sleep(BETWEEN_SEARCHES_SECONDS)
        ended = process.poll()
    finally:
        process.terminate()
        errors = process.communicate(timeout=30)[1]
    assert not ended, f"the index failed: {errors}"
    yield f"search in all while an index is being made, p50 / p95 ({len(total)} searches)", f"{percentiles(total)} ms"
    yield "of it PostgreSQL and ranking", f"{percentiles(sql)} ms"
    yield "of it embedding of the query", f"{percentiles(embed)} ms"


def _has_vectors(pool: Pool, project: str) -> bool:
    with pool.connection() as connection:
        row = connection.execute("SELECT chunks_embedded > 0 FROM projects WHERE name = %s", [project]).fetchone()
    return bool(row and row[0])


def _memory(settings: Settings) -> Iterator[tuple[str, str]]:
    server = _server_processes(urlsplit(settings.database_url).path[1:])
    pss = sum(_kilobytes(process / "smaps_rollup", "Pss:") for process in server)
    yield "memory of PostgreSQL, PSS of all its processes", f"{pss / 1024:.0f} MiB"
    own = _kilobytes(Path("/proc/self/smaps_rollup"), "Pss:")
    yield "memory of this process, which searches (and has made the corpus)", f"{own / 1024:.0f} MiB"


def _server_processes(database: str) -> list[Path]:
    """The server whose backends are at work for this database, and all its processes."""
    parents = {entry: _parent(entry) for entry in Path("/proc").glob("[0-9]*") if _reads(entry, "comm").strip() == "postgres"}
    servers = {parent for entry, parent in parents.items() if f" {database} " in _reads(entry, "cmdline")}
    return [entry for entry, parent in parents.items() if parent in servers or entry.name in servers]


def _parent(process: Path) -> str:
    fields = _reads(process, "stat").rpartition(")")[2].split()
    return fields[1] if fields else ""


def _reads(process: Path, name: str) -> str:
    try:
        return (process / name).read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return ""


def _kilobytes(path: Path, name: str) -> int:
    return next(int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(name))


def _processor_seconds(pool: Pool) -> float:
    """Of this process and of the server's processes for its database, so far."""
    with pool.connection() as connection:
        database = connection.info.dbname
    ticks = 0
    for entry in Path("/proc").glob("[0-9]*"):
        command = _reads(entry, "cmdline")
        if f" {database} " in command and "autovacuum" not in command:
            fields = _reads(entry, "stat").rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:13]))
    return time.process_time() + ticks / 100


def _plot(found: dict[int, Measured]) -> str:
    def line(name: str, of: Callable[[Sequence[float]], float]) -> Line:
        return Line(name, [(chunks, of(measured.sql)) for chunks, measured in found.items()])

    last = max(found)
    return draw(
        "Search without the embedding of the query",
        "chunks",
        "ms",
        [line("p95", high), line("p50", statistics.median)],
        [(last, TARGET_P95_MS, "target p95"), (last, TARGET_P50_MS, "target p50")],
    )


if __name__ == "__main__":
    main()
