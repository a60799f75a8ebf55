"""Indexing: its rate against the embedding server alone, what is found when, and what searches notice of it.

Starts everything it needs: PostgreSQL in a container (tools/test-postgres), the embedded embedding server, the indexer.

    python -m benchmarks.indexing [DIRECTORY]

DIRECTORY is the project to index; without one, the sources of the library fastmcp as it is installed here.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.appliance import QUESTIONS, library
from tests.integration import services
from tests.integration.indexing.command import start

from cocosearch.access.requests import enqueue
from cocosearch.database import connect, open_pool
from cocosearch.database.connection import Connection
from cocosearch.database.migrations import migrate
from cocosearch.database.projects import ProjectState
from cocosearch.database.status import project_status
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.embedding.pacing import REQUESTS_IN_FLIGHT
from cocosearch.indexing.engine.embedded_text import embedded_text
from cocosearch.indexing.progress import Progress
from cocosearch.indexing.run import index_project
from cocosearch.projects import load_project
from cocosearch.search import SearchRequest, search
from cocosearch.settings import Settings

ROUNDS = 3
CHANGES = 5
MANY_FILES = 1000
LINES_OF_A_SMALL_FILE = 20
DEADLINE_SECONDS = 900.0
POLL_SECONDS = 0.02
BETWEEN_SEARCHES_SECONDS = 0.1
SEARCHES_AT_REST = 100
SEARCHES_UNDER_LOAD = 300


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path)
    given = parser.parse_args().directory
    with tempfile.TemporaryDirectory() as scratch, services.postgres() as postgres_url, services.embedder() as embedder_url:
        directory = given or library(Path(scratch))
        print("| what | figure |\n|---|---|")
        for number, part in enumerate((_rates, _unchanged, _changes)):
            with services.fresh_database(postgres_url) as url:
                state = Path(scratch) / f"state{number}"
                settings = Settings(database_url=url, ollama_url=embedder_url, model="all-minilm", state_dir=state)
                with connect(settings) as connection:
                    migrate(connection)
                for name, figure in part(settings, directory):
                    print(f"| {name} | {figure} |", flush=True)


@dataclass
class _Milestones:
    """When the first chunk could be found by its words, and when all of them, in seconds from the beginning."""

    settings: Settings
    began: float = field(default_factory=time.perf_counter)
    first_words: float | None = None
    all_words: float | None = None
    before: tuple[float, float, float] = field(init=False)
    after: tuple[float, float, float] = field(init=False)

    def __post_init__(self) -> None:
        self.before = _processor_seconds(self.settings)

    def note(self, progress: Progress) -> None:
        self.after = _processor_seconds(self.settings)
        now = time.perf_counter() - self.began
        if progress.chunks and self.first_words is None:
            self.first_words = now
        if 0 < progress.files_total == progress.files_done and self.all_words is None:
            self.all_words = now


def _rates(settings: Settings, directory: Path) -> Iterator[tuple[str, str]]:
    """End to end and the server alone on the same texts, in turns, so that both see the same machine."""
    ratios, rates, alone, first_words, all_words, spent = [], [], [], [], [], []
    project = load_project(directory, "benchmark")
    for _ in range(ROUNDS):
        with connect(settings) as connection:
            connection.execute("DELETE FROM projects")
            connection.execute("DELETE FROM embeddings")
        shutil.rmtree(settings.state_dir, ignore_errors=True)
        seen = _Milestones(settings)
        result = index_project(settings, project, seen.note)
        spent.append([1000 * (after - before) / result.embedded for before, after in zip(seen.before, seen.after, strict=True)])
        rates.append(result.embedded / (time.perf_counter() - seen.began))
        alone.append(_server_rate(settings))
        ratios.append(rates[-1] / alone[-1])
        first_words.append(seen.first_words or 0.0)
        all_words.append(seen.all_words or 0.0)
    with connect(settings) as connection:
        status = project_status(connection, "benchmark")
    yield "project", f"{status.files} files, {status.chunks} chunks"
    yield "first index, end to end", f"{statistics.median(rates):.1f} chunks/s"
    yield "embedding server alone, same texts", f"{statistics.median(alone):.1f} chunks/s"
    yield "end to end / alone, each round", ", ".join(f"{ratio:.0%}" for ratio in ratios)
    indexing, database, server = (statistics.median(values) for values in zip(*spent, strict=True))
    yield (
        "processor time of a chunk: embedding server / indexing / PostgreSQL",
        f"{server:.1f} / {indexing:.2f} / {database:.2f} ms, so that embedding is {server / (indexing + database + server):.0%}",
    )
    yield "first index: first / all chunks found by words", f"{statistics.median(first_words):.1f} / {statistics.median(all_words):.1f} s"


def _processor_seconds(settings: Settings) -> tuple[float, float, float]:
    """Of this process, of PostgreSQL's processes for the database, and of the embedding server, so far."""
    database = urlsplit(settings.database_url).path[1:]
    port = str(urlsplit(settings.ollama_url).port)
    seconds = {"database": 0.0, "server": 0.0}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            command = (entry / "cmdline").read_bytes().decode(errors="replace")
            part = "database" if command.startswith("postgres:") and database in command else "server"
            if part == "database" or ("cocosearch.embedder" in command and f"\0{port}\0" in command and "setpriv" not in command):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                seconds[part] += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return time.process_time(), seconds["database"], seconds["server"]


def _server_rate(settings: Settings) -> float:
    """Texts a second of the server with nothing else to do, as many requests under way as indexing has."""
    with connect(settings) as connection:
        rows = connection.execute("SELECT path, enclosing, text FROM chunks ORDER BY id").fetchall()
    texts = list(dict.fromkeys(embedded_text(*row) for row in rows))
    batches = [texts[i : i + settings.embed_batch] for i in range(0, len(texts), settings.embed_batch)]
    with OllamaClient(settings) as client, ThreadPoolExecutor(REQUESTS_IN_FLIGHT) as threads:
        began = time.perf_counter()
        made = sum(len(vectors) for vectors in threads.map(client.embed_documents, batches))
        return made / (time.perf_counter() - began)


def _unchanged(settings: Settings, directory: Path) -> Iterator[tuple[str, str]]:
    project = load_project(_many_files(directory.parent), "many")
    index_project(settings, project)
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        again = index_project(settings, project)
        times.append(time.perf_counter() - began)
        assert (again.changed, again.embedded) == (0, 0)
    yield f"a run over {again.files} unchanged files", f"{statistics.median(times):.2f} s, 0 embedded"


def _many_files(scratch: Path) -> Path:
    """Beginnings of modules of the standard library, a directory for each fifty."""
    directory = scratch / "many"
    sources = sorted(Path(os.__file__).parent.rglob("*.py"))
    texts = (source.read_text(errors="replace").split("\n")[:LINES_OF_A_SMALL_FILE] for source in sources)
    full = [lines for lines in texts if len(lines) == LINES_OF_A_SMALL_FILE]
    for number, lines in enumerate(full[:MANY_FILES]):
        path = directory / f"part{number // 50}" / f"module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines))
    return directory


def _changes(settings: Settings, directory: Path) -> Iterator[tuple[str, str]]:
    """What a change and a search wait for while the indexer serves; then the same beside another project's first index."""
    many = _many_files(directory.parent)
    with _indexer(settings), connect(settings) as connection:
        enqueue(connection, many, "many", 10)
        _wait(lambda: project_status(connection, "many").state is ProjectState.READY)
        yield "change of one file of 1,000, saved to found", _latencies(connection, many, "rest")
        yield "search, indexer at rest: p50 / p95", _searches(settings, lambda count: count < SEARCHES_AT_REST)
        enqueue(connection, directory, "benchmark", 10)
        _wait(lambda: project_status(connection, "benchmark").chunks_embedded > 0)
        yield "the same change beside a first index", _latencies(connection, many, "load")

        def under_way(count: int) -> bool:
            return count < SEARCHES_UNDER_LOAD and project_status(connection, "benchmark").state is ProjectState.INDEXING

        yield "search, first index under way: p50 / p95", _searches(settings, under_way)


@contextmanager
def _indexer(settings: Settings) -> Iterator[None]:
    process = start(settings, "indexer")
    try:
        yield
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _latencies(connection: Connection, directory: Path, word: str) -> str:
    """Median and longest, by words and by meaning."""
    by_words, by_meaning = [], []
    for number in range(CHANGES):
        marker = f"{word}_marker_{number}"
        (directory / "part0" / f"module{number}.py").write_text(f"def {marker}() -> None: ...\n")
        began = time.perf_counter()
        found = ("SELECT EXISTS (SELECT FROM chunks WHERE text LIKE %s)", [f"%{marker}%"])
        embedded = (
            "SELECT EXISTS (SELECT FROM chunks c JOIN embeddings e ON e.text_digest = c.embedded_digest WHERE c.text LIKE %s)",
            [f"%{marker}%"],
        )
        _wait(partial(_holds, connection, *found))
        by_words.append(time.perf_counter() - began)
        _wait(partial(_holds, connection, *embedded))
        by_meaning.append(time.perf_counter() - began)
    return "; ".join(
        f"{name}: median {statistics.median(times):.1f}, longest {max(times):.1f} s"
        for name, times in (("words", by_words), ("meaning", by_meaning))
    )


def _holds(connection: Connection, statement: str, parameters: list[str]) -> bool:
    row = connection.execute(statement, parameters).fetchone()
    return bool(row and row[0])


def _searches(settings: Settings, goes_on: Callable[[int], bool]) -> str:
    """Of distinct questions, so that none is answered from a cache."""
    total, embed, count = [], [], 0
    with open_pool(settings) as pool, OllamaClient(settings) as client:
        while goes_on(count):
            timings = search(pool, client, SearchRequest(f"{QUESTIONS[count % len(QUESTIONS)]} {count}")).timings
            total.append(timings.total_ms)
            embed.append(timings.embed_ms)
            count += 1
            time.sleep(BETWEEN_SEARCHES_SECONDS)
    parts = []
    for name, values in (("in all", total), ("of it the query's vector", embed)):
        cuts = statistics.quantiles(values, n=20)
        parts.append(f"{name} {cuts[9]:.0f} / {cuts[18]:.0f} ms")
    return f"{', '.join(parts)} ({count} searches)"


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "not seen in time"
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
