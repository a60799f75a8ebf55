"""Side by side with the closest peer, the release of `cocosearch` on PyPI: quality, time and memory, as its users and ours get them.

    python -m benchmarks.peer --bench DIRECTORY --corpora DIRECTORY [--repos NAME …] [--peer REQUIREMENT …] [--results DIRECTORY]

--bench holds queries.jsonl and evaluate.py of the retrieval benchmark, --corpora the exported repositories, one a directory. Installs the
peer with pip in an environment of its own, and starts PostgreSQL, the embedded embedding server, and for each of the two: a database of
its own, its `index` for each repository, and its MCP server over HTTP, which is asked each query by one and the same client.
A thing that fails stands as such in the table, with its reason.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastmcp import Client
from tests.integration import services
from tests.ports import free_port

from cocosearch.database import connect
from cocosearch.database.migrations import migrate
from cocosearch.settings import PREFIX, Settings

# Grammars come with the second: a release of 1.0 or later downloads each one when it is first used.
PEER = ("cocosearch==0.1.50", "tree-sitter-language-pack<1")
STARTS = 3
RESULTS = 10
READY_SECONDS = 120.0


@dataclass
class Tool:
    """One of the two, and what was measured of it."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    arguments: Callable[[str, str], dict[str, object]]  # of search_code, from query and index
    hits: Callable[[Any], list[dict[str, object]]]  # of its answer
    cells: dict[str, str] = field(default_factory=dict)
    results: list[dict[str, object]] = field(default_factory=list)

    @property
    def variables(self) -> dict[str, str]:
        """Of its processes: none of ours but the given ones."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        return {**inherited, **self.environment}


def main() -> None:
    """Measure both, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--repos", nargs="+", metavar="NAME", help="only these of CORPORA")
    parser.add_argument("--peer", nargs="+", default=PEER, metavar="REQUIREMENT")
    parser.add_argument("--peer-environment", type=Path, help="an environment that has the peer already")
    parser.add_argument("--results", type=Path, help="keep the result files here")
    options = parser.parse_args()
    queries = [json.loads(line) for line in (options.bench / "queries.jsonl").read_text().splitlines()]
    repos = options.repos or sorted({query["repo"] for query in queries})
    queries = [query for query in queries if query["repo"] in repos]
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment = options.peer_environment or _install(scratch / "peer", options.peer)
        superuser, embedder = stack.enter_context(services.postgres()), stack.enter_context(services.embedder())
        databases = [stack.enter_context(services.fresh_database(superuser)) for _ in range(2)]
        tools = [_ours(databases[0], embedder, scratch), _peers(environment, databases[1], embedder)]
        for tool in tools:
            tool.cells["start of `--version`, median"] = f"{statistics.median(_version_seconds(tool) for _ in range(STARTS)):.2f} s"
            _index(tool, options.corpora, repos)
            asyncio.run(_search(tool, queries))
            _evaluate(tool, options.bench, repos, options.results or scratch)
    print(f"{len(queries)} queries over {', '.join(repos)}.\n\n| what | {' | '.join(tool.name for tool in tools)} |\n|---|---|---|")
    for what in dict.fromkeys(what for tool in tools for what in tool.cells):
        print(f"| {what} | {' | '.join(tool.cells.get(what, 'not measured') for tool in tools)} |")


def _install(environment: Path, requirements: Sequence[str]) -> Path:
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    subprocess.run([str(environment / "bin" / "pip"), "install", "--quiet", *requirements], check=True)
    return environment


def _ours(database_url: str, embedder_url: str, scratch: Path) -> Tool:
    settings = Settings(database_url=database_url, ollama_url=embedder_url, model="all-minilm", state_dir=scratch / "state")
    with connect(settings) as connection:
        migrate(connection)
    return Tool(
        name="this project",
        command=[sys.executable, "-m", "cocosearch"],
        environment={
            "COCOSEARCH_DATABASE_URL": database_url,
            "COCOSEARCH_OLLAMA_URL": embedder_url,
            "COCOSEARCH_MODEL": "all-minilm",
            "COCOSEARCH_STATE_DIR": str(settings.state_dir),
        },
        arguments=lambda query, index: {"query": query, "project": index, "limit": RESULTS},
        hits=lambda answer: [_span(hit, "path") for hit in answer["hits"]],
    )


def _peers(environment: Path, database_url: str, embedder_url: str) -> Tool:
    return Tool(
        name="cocosearch on PyPI",
        command=[str(environment / "bin" / "cocosearch")],
        environment={
            "COCOSEARCH_DATABASE_URL": database_url,
            "COCOSEARCH_OLLAMA_URL": embedder_url,
            "COCOSEARCH_EMBEDDING_PROVIDER": "ollama",
            "COCOSEARCH_EMBEDDING_MODEL": "all-minilm",
            "COCOSEARCH_EMBEDDING_OUTPUT_DIMENSION": "384",
            # What it asks of the internet, and what opens a browser.
            "COCOINDEX_DISABLE_USAGE_TRACKING": "1",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "COCOSEARCH_NO_DASHBOARD": "1",
        },
        arguments=lambda query, index: {"query": query, "index_name": index, "limit": RESULTS},
        hits=lambda answer: [_span(hit, "file_path") for hit in answer["result"] if "file_path" in hit],
    )


def _span(hit: Mapping[str, object], path: str) -> dict[str, object]:
    return {"path": hit[path], "start_line": hit["start_line"], "end_line": hit["end_line"], "score": hit.get("score")}


def _version_seconds(tool: Tool) -> float:
    began = time.perf_counter()
    subprocess.run([*tool.command, "--version"], env=tool.variables, check=True, capture_output=True)
    return time.perf_counter() - began


def _index(tool: Tool, corpora: Path, repos: Sequence[str]) -> None:
    seconds, failed, largest = 0.0, [], 0
    for repo in repos:
        began = time.perf_counter()
        command = [*tool.command, "index", str(corpora / repo), "--name", _index_name(repo)]
        with subprocess.Popen(command, env=tool.variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            assert process.stdout is not None
            output = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds += time.perf_counter() - began
        largest = max(largest, usage.ru_maxrss)
        if process.returncode:
            failed.append(f"{repo}: {output.strip().splitlines()[-1]}")
    tool.cells["index of all, one command each"] = f"failed: {'; '.join(failed)}" if failed else f"{seconds:.0f} s"
    tool.cells["memory of `index`, largest RSS"] = f"{largest / 1024:.0f} MiB"


def _index_name(repo: str) -> str:
    return repo.replace("-", "_").replace(".", "_")


@contextmanager
def _server(tool: Tool) -> Iterator[tuple[str, int]]:
    """URL of the tool's MCP server, and its process."""
    port = free_port()
    command = [*tool.command, "mcp", "--transport", "http", "--port", str(port)]
    with subprocess.Popen(command, env=tool.variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield f"http://127.0.0.1:{port}/mcp", process.pid
        finally:
            process.terminate()


async def _search(tool: Tool, queries: Sequence[Mapping[str, Any]]) -> None:
    with _server(tool) as (url, pid):
        await _ready(url)
        milliseconds = []
        reasons: list[str] = []
        async with Client(url) as client:
            for query in queries:
                began = time.perf_counter()
                arguments = tool.arguments(query["query"], _index_name(query["repo"]))
                answer = await client.call_tool("search_code", arguments, raise_on_error=False)
                milliseconds.append(1000 * (time.perf_counter() - began))
                if answer.is_error or answer.structured_content is None:
                    reasons.append(str(answer.content)[:200])
                else:
                    tool.results.append({"id": query["id"], "results": tool.hits(answer.structured_content)})
        cuts = statistics.quantiles(milliseconds, n=20)
        tool.cells["search by MCP over HTTP, p50 / p95"] = f"{cuts[9]:.0f} / {cuts[18]:.0f} ms"
        if reasons:
            tool.cells["searches that failed"] = f"{len(reasons)} of {len(queries)}: {reasons[0]}"
        tool.cells["memory of the MCP server after it, RSS"] = f"{_rss_mib(pid):.0f} MiB"


async def _ready(url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            async with Client(url) as client:
                await client.list_tools()
        except (RuntimeError, OSError) as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{url} did not answer within {READY_SECONDS:.0f} s.") from error
            await asyncio.sleep(0.2)
        else:
            return


def _rss_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def _evaluate(tool: Tool, bench: Path, repos: Sequence[str], directory: Path) -> None:
    """NDCG@10 by the benchmark's own scorer."""
    directory.mkdir(parents=True, exist_ok=True)
    results = directory / f"{_index_name(tool.name.replace(' ', '_'))}.jsonl"
    results.write_text("".join(json.dumps(result) + "\n" for result in tool.results))
    scores = directory / "scores.json"
    command = [sys.executable, str(bench / "evaluate.py"), str(bench / "queries.jsonl"), str(results), "--repos", ",".join(repos)]
    subprocess.run([*command, "--json", str(scores)], check=True, capture_output=True)
    scored = json.loads(scores.read_text())
    tool.cells["NDCG@10 by chunk / by file, mean of repositories"] = f"{scored['macro']['chunk']:.3f} / {scored['macro']['file']:.3f}"
    for category, values in scored["category"].items():
        tool.cells[f"the same of {category} queries"] = f"{values['chunk']:.3f} / {values['file']:.3f}"
    tool.cells["an answer among the first ten"] = f"{scored['macro']['hit10']:.0%}"


if __name__ == "__main__":
    main()
