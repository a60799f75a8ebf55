"""Figures of the whole at rest: search latency, start-up, memory.

Starts everything it needs: PostgreSQL in a container (tools/test-postgres), the embedded embedding server, cocosearch.

    python -m benchmarks.appliance [DIRECTORY]

DIRECTORY is the project to index; without one, the sources of the library fastmcp as it is installed here.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import fastmcp
from tests.integration import services
from tests.integration.indexing.command import start
from tests.unit.serving import fakes

from cocosearch.database import connect, open_pool
from cocosearch.database.migrations import migrate
from cocosearch.database.status import project_status
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.indexing.run import index_project
from cocosearch.projects import load_project
from cocosearch.search import SearchRequest, search
from cocosearch.settings import Settings

SEARCHES = 100
STARTS = 10
QUESTIONS = (
    "how is a bearer token verified",
    "convert a function's signature to a JSON schema",
    "StreamableHttpTransport",
    "middleware that limits the rate of requests",
    "where is the banner printed",
    "session_manager",
    "turn an OpenAPI operation into a tool",
    "mount one server inside another",
)


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path)
    given = parser.parse_args().directory
    with tempfile.TemporaryDirectory() as scratch:
        directory = given or library(Path(scratch))
        with services.postgres() as postgres_url, services.fresh_database(postgres_url) as url, services.embedder() as embedder_url:
            settings = Settings(database_url=url, ollama_url=embedder_url, model="all-minilm", state_dir=Path(scratch) / "state")
            with connect(settings) as connection:
                migrate(connection)
            print("| what | figure |\n|---|---|")
            for name, figure in [*_indexed(settings, directory), *_searching(settings), *_starting(), *_memory(settings)]:
                print(f"| {name} | {figure} |")


def library(scratch: Path) -> Path:
    """A copy of the installed library's sources."""
    directory = scratch / "fastmcp"
    shutil.copytree(Path(fastmcp.__path__[0]), directory, ignore=shutil.ignore_patterns("__pycache__"))
    return directory


def _indexed(settings: Settings, directory: Path) -> Iterator[tuple[str, str]]:
    index_project(settings, load_project(directory, "benchmark"))
    with connect(settings) as connection:
        status = project_status(connection, "benchmark")
    yield "project", f"{status.files} files, {status.chunks} chunks"


def _searching(settings: Settings) -> Iterator[tuple[str, str]]:
    embed, sql, rest = [], [], []
    with open_pool(settings) as pool, OllamaClient(settings) as client:
        for number in range(SEARCHES):
            question = QUESTIONS[number % len(QUESTIONS)]
            timings = search(pool, client, SearchRequest(question)).timings
            embed.append(timings.embed_ms)
            sql.append(timings.sql_ms)
            rest.append(timings.total_ms - timings.embed_ms - timings.sql_ms)
    total = [sum(parts) for parts in zip(embed, sql, rest, strict=True)]
    for name, values in (("total", total), ("embedding of the query", embed), ("SQL", sql), ("rest", rest)):
        cuts = statistics.quantiles(values, n=20)
        yield f"search, {name}: p50 / p95", f"{cuts[9]:.1f} / {cuts[18]:.1f} ms"


def _starting() -> Iterator[tuple[str, str]]:
    times = [
        _timed(lambda: subprocess.run([sys.executable, "-m", "cocosearch", "--version"], check=True, capture_output=True))
        for _ in range(STARTS)
    ]
    yield "`cocosearch --version`", f"{statistics.median(times):.2f} s"
    processor = statistics.median(_processor_time_of_a_handshake() for _ in range(STARTS))
    yield "`cocosearch mcp`: processor time to the answers of `initialize` and `tools/list`", f"{processor:.2f} s"


def _processor_time_of_a_handshake() -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    messages = b"".join(json.dumps(message).encode() + b"\n" for message in (fakes.INITIALIZE, fakes.INITIALIZED, fakes.LIST_TOOLS))
    subprocess.run([sys.executable, "-m", "cocosearch", "mcp"], input=messages, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _memory(settings: Settings) -> Iterator[tuple[str, str]]:
    with _running(settings, "mcp", "--transport", "http", "--port", "18099") as server, _running(settings, "indexer") as indexer:
        _wait_for_server(server)
        yield "memory of cocosearch mcp (http), RSS", f"{_rss_mib(server.pid):.0f} MiB"
        yield "memory of cocosearch indexer, RSS", f"{_rss_mib(indexer.pid):.0f} MiB"
        yield "memory of the embedding server, RSS", f"{_rss_mib(_pid_of('cocosearch.embedder')):.0f} MiB"
        yield "memory of PostgreSQL, PSS of all its processes", f"{_postgres_pss_mib():.0f} MiB"


@contextmanager
def _running(settings: Settings, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    process = start(settings, *arguments)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _wait_for_server(server: "subprocess.Popen[str]") -> None:
    import httpx

    deadline = time.monotonic() + 60
    while True:
        assert server.poll() is None, "the server ended"
        try:
            httpx.get("http://127.0.0.1:18099/health", timeout=5)
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


def _rss_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def _pid_of(argument: str) -> int:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        words = entry.read_bytes().split(b"\0")
        if argument.encode() in words and b"--cache-dir" in words:
            return int(entry.parent.name)
    raise LookupError(argument)


def _postgres_pss_mib() -> float:
    """Shared buffers count once: proportional set size, over every process whose program is `postgres`."""
    total = 0
    for entry in Path("/proc").glob("[0-9]*/comm"):
        if entry.read_text().strip() == "postgres":
            rollup = (entry.parent / "smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
    return total / 1024


if __name__ == "__main__":
    main()
