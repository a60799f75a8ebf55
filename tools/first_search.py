"""Has a directory indexed and asks one question about it, through MCP as an assistant does. The token comes by standard input.

Usage: first_search.py URL DIRECTORY [PATIENCE]

It answers as soon as words find something, and waits as long as the index grows: only when nothing has moved for PATIENCE seconds (default:
600) does it give up, with a sentence. Exit status: 0 when something was found, 1 when it gave up or was refused, 130 when interrupted.
"""

import asyncio
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from fastmcp.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from rich.console import Console

QUESTION: Final = "how is a request with a foreign Host header refused"
WHERE: Final = "src/**"
PATIENCE_SECONDS: Final = 600.0
# How long a complete index is waited for once words have answered: on a quick machine meaning takes part within that.
MEANING_SECONDS: Final = 120.0
ANSWER_SECONDS: Final = 60.0
POLL_SECONDS: Final = 1.0
LINE_SECONDS: Final = 15.0
EXIT_INTERRUPTED: Final = 130
REFUSALS: Final = {
    401: "the token is not one of the server's",
    403: "the client may not ask from here",
    404: "no MCP server answers at this path",
    421: "the server does not know itself by this name",
}

Status = dict[str, Any]


class GaveUpError(Exception):
    """The search cannot be made; the message says why and what to do."""


@dataclass(slots=True)
class Watch:
    """Shows how far the index is, and knows since when nothing has moved."""

    patience: float
    moved_at: float = field(default_factory=time.monotonic)
    shown_at: float = float("-inf")
    last: tuple[object, ...] = ()
    trouble: str = ""

    def saw(self, status: Status) -> None:
        """Note and show a state.

        Raises:
            GaveUpError: it has been this one for too long.
        """
        state = tuple(status[name] for name in ("state", "files_total", "files_done", "chunks", "chunks_embedded"))
        if state != self.last:
            self.last, self.moved_at = state, time.monotonic()
        self.trouble = ""
        files = f"{status['files_done']} of {status['files_total']} files"
        self._show(f"{status['state']}: {files}, {status['chunks']} chunks searchable {words(status)}")
        self._check()

    def missed(self, trouble: str) -> None:
        """Note that there was no answer.

        Raises:
            GaveUpError: for too long.
        """
        self.trouble = trouble
        self._show(f"no answer ({trouble}); asking again")
        self._check()

    def _check(self) -> None:
        if time.monotonic() - self.moved_at > self.patience:
            seen = (
                f"the last state was {dict(zip(('state', 'files', 'done', 'chunks', 'embedded'), self.last, strict=False))}"
                if self.last
                else "it never told a state"
            )
            raise GaveUpError(
                f"the index has not moved for {self.patience:.0f} seconds; {self.trouble or seen}. "
                "`cocosearch doctor` in the machine says what is wrong, and `journalctl -u 'cocosearch*' -u ollama` what the services said."
            )

    def _show(self, text: str) -> None:
        """One line that changes on a terminal; elsewhere a line now and then."""
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K    {text}")
            sys.stderr.flush()
        elif time.monotonic() - self.shown_at > LINE_SECONDS:
            self.shown_at = time.monotonic()
            sys.stderr.write(f"    {text}\n")
            sys.stderr.flush()

    def end_line(self) -> None:
        """What is written next has a line of its own."""
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


def words(status: Status) -> str:
    """How the chunks are found."""
    if not status["chunks"]:
        return "so far"
    return f"by words, {100 * status['chunks_embedded'] // status['chunks']} % of them by meaning"


@dataclass(slots=True)
class Appliance:
    """The tools of a server that may be slow, and may not answer for a while."""

    url: str
    token: str
    watch: Watch

    async def call(self, tool: str, **arguments: object) -> Status:
        """Answer of a tool; asked again while there is none.

        Raises:
            GaveUpError: the server refuses, or has not answered for too long.
        """
        while True:
            try:
                async with Client(StreamableHttpTransport(self.url, auth=self.token), timeout=ANSWER_SECONDS) as client:
                    return (await client.call_tool(tool, arguments)).structured_content or {}
            except ToolError as error:
                raise GaveUpError(str(error)) from None
            except (MCPError, OSError, RuntimeError) as error:  # a connection that cannot be had is a RuntimeError of fastmcp's
                await self._stop_if_refused()
                self.watch.missed(" ".join(str(error).split()) or type(error).__name__)
            await asyncio.sleep(POLL_SECONDS)

    async def _stop_if_refused(self) -> None:
        """Whether asking again is of use: the client hides the status of the answer.

        Raises:
            GaveUpError: it is not, because of the token or the name of the host.
        """
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json, text/event-stream"}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        try:
            async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
                answer = await client.post(self.url, json=message, headers=headers)
        except httpx.TransportError:
            return
        if answer.status_code in REFUSALS:
            raise GaveUpError(f"{self.url} refuses with status {answer.status_code}: {REFUSALS[answer.status_code]}.")

    async def status(self, project: str) -> Status:
        """State of the project, shown to the person who waits.

        Raises:
            GaveUpError: the indexing failed, or stands.
        """
        status = await self.call("index_status", project=project)
        if status["state"] == "failed" and not status["chunks"]:
            raise GaveUpError(f"indexing failed: {status['last_error']}")
        self.watch.saw(status)
        return status

    async def search(self, project: str) -> Status:
        """Answer to the question, from the source directory if there is one."""
        answer = await self.call("search_code", query=QUESTION, project=project, path_glob=WHERE, limit=3)
        return answer if answer["hits"] else await self.call("search_code", query=QUESTION, project=project, limit=3)


def is_complete(status: Status) -> bool:
    """Whether words and meaning find all of it."""
    return status["state"] == "ready" and bool(status["indexed_at"])


async def first_answer(appliance: Appliance, project: str) -> tuple[Status, Status]:
    """The first answer that has hits, with the state of the index then.

    Raises:
        GaveUpError: there is none in a complete index.
    """
    chunks = 0
    while True:
        status = await appliance.status(project)
        complete = is_complete(status) or status["state"] == "failed"
        if complete or status["chunks"] != chunks:
            chunks = status["chunks"]
            answer = await appliance.search(project) if chunks else {"hits": []}
            if answer["hits"]:
                return status, answer
            if complete:
                raise GaveUpError(f"the index is complete ({chunks} chunks), and the search found nothing in it.")
        await asyncio.sleep(POLL_SECONDS)


async def run(url: str, directory: str, token: str, patience: float) -> None:
    """Index and search; answers go to standard output.

    Raises:
        GaveUpError: it did not work.
    """
    appliance = Appliance(url, token, Watch(patience))
    project = str((await appliance.call("index_project", path=directory))["project"])
    status, answer = await first_answer(appliance, project)
    appliance.watch.end_line()
    show(answer)
    deadline = time.monotonic() + min(MEANING_SECONDS, patience)
    while not is_complete(status) and status["state"] != "failed" and time.monotonic() < deadline:
        await asyncio.sleep(POLL_SECONDS)
        status = await appliance.status(project)
        if is_complete(status):
            answer = await appliance.search(project)
            appliance.watch.end_line()
            show(answer)
    appliance.watch.end_line()
    if not is_complete(status):
        sys.stderr.write(f"    The index goes on by itself: {status['chunks']} chunks are searchable {words(status)}.\n")


def show(answer: Status) -> None:
    """The hits, and the beginning of the first."""
    out = Console(markup=False, highlight=False, soft_wrap=True)
    how = "by words and meaning" if any("dense" in hit["arms"] for hit in answer["hits"]) else "by words"
    out.print(f'\nsearch_code("{QUESTION}"), {how}, {answer["took_ms"]:.0f} ms:')
    for number, hit in enumerate(answer["hits"], start=1):
        place = f"{hit['path']}:{hit['start_line']}-{hit['end_line']}"
        out.print(f"  {number}. {place}  {hit['symbol'] or ''}  ({' and '.join(hit['arms'])})")
    for line in answer["hits"][0]["text"].splitlines()[:12]:
        out.print(f"     | {line}")


def main(arguments: list[str]) -> int:
    """Exit status; every end but a good one says why."""
    url, directory, *rest = arguments
    try:
        asyncio.run(run(url, directory, sys.stdin.read().strip(), float(rest[0]) if rest else PATIENCE_SECONDS))
    except GaveUpError as error:
        sys.stderr.write(f"\nerror: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nerror: interrupted. The appliance goes on, and so does its indexing.\n")
        return EXIT_INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
