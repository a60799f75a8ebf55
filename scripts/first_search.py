"""Has a directory indexed and asks one question about it, through MCP as an assistant does. The token comes by standard input.

Usage: first_search.py URL DIRECTORY
"""

import asyncio
import sys
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

QUESTION = "how is a request with a foreign Host header refused"
WHERE = "src/**"
DEADLINE_SECONDS = 900
console = Console(stderr=True)


async def index(client: Client[Any], directory: str) -> str:
    """Have the directory indexed; returns the project's name once its index is complete."""
    job = (await client.call_tool("index_project", {"path": directory})).structured_content or {}
    project = str(job["project"])
    with Progress(
        TextColumn("    {task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("files"), TimeElapsedColumn(), console=console
    ) as bar:
        task = bar.add_task("indexing", total=None)
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                status = (await client.call_tool("index_status", {"project": project})).structured_content or {}
                bar.update(task, completed=status["files_done"], total=status["files_total"] or None)
                if status["state"] == "failed":
                    raise SystemExit(f"error: indexing failed: {status['last_error']}")
                if status["state"] == "ready" and status["indexed_at"]:
                    return project
                await asyncio.sleep(0.5)


async def main(url: str, directory: str, token: str) -> None:
    """Index and search; the answer goes to standard output."""
    async with Client(StreamableHttpTransport(url, auth=token), timeout=60) as client:
        project = await index(client, directory)
        answer = (
            await client.call_tool("search_code", {"query": QUESTION, "project": project, "path_glob": WHERE, "limit": 3})
        ).structured_content or {}
    if not answer["hits"]:
        raise SystemExit("error: the search found nothing.")
    out = Console()
    out.print(f'\nsearch_code("{QUESTION}", path_glob="{WHERE}"), {answer["took_ms"]:.0f} ms:', markup=False, highlight=False)
    for number, hit in enumerate(answer["hits"], start=1):
        place = f"{hit['path']}:{hit['start_line']}-{hit['end_line']}"
        out.print(
            f"  {number}. {place}  {hit['symbol'] or ''}  ({' and '.join(hit['arms'])})", markup=False, highlight=False, soft_wrap=True
        )
    for line in answer["hits"][0]["text"].splitlines()[:12]:
        out.print(f"     | {line}", markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.stdin.read().strip()))
