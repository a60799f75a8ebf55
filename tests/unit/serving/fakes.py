"""A backend of plain functions, and servers in front of it."""

import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx

from cocosearch.database.projects import Job, ProjectState
from cocosearch.database.status import ProjectStatus
from cocosearch.errors import PathNotAllowedError, ProjectNotFoundError
from cocosearch.operations.health import Part, PartState
from cocosearch.search.types import Arm, Hit, IndexState, SearchRequest, SearchResponse, Signals, Timings
from cocosearch.serving.backend import Backend
from cocosearch.serving.server import build_server
from cocosearch.settings import Settings, Transport

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DSN = "postgresql://cocosearch:hunter2@db.internal/cocosearch"
SIGNALS = Signals(
    lexical=0.25,
    cosine=0.123456,
    mixed=1.0,
    quoted_definition=0.0,
    definition=0.1,
    quoted_file=0.0,
    file_name=0.5,
    noise=1.0,
)
HIT = Hit(
    project="demo",
    path="src/demo.py",
    start_line=3,
    end_line=5,
    language="python",
    symbol="answer",
    enclosing="Deep.Thought",
    score=0.5,
    arms=(Arm.LEXICAL, Arm.DENSE),
    text="def answer():\n\treturn 42\n",
    signals=SIGNALS,
)
INDEX = IndexState(project="demo", state="indexing", chunks=9, chunks_embedded=3, indexed_at=None, checked_at=WHEN)
STATUS = ProjectStatus(
    name="demo",
    root="/project/demo",
    state=ProjectState.READY,
    model="nomic-embed-text",
    files=1,
    chunks=2,
    chunks_embedded=2,
    files_total=1,
    files_done=1,
    skipped={"binary": 1},
    requested_at=WHEN,
    started_at=WHEN,
    indexed_at=WHEN,
    checked_at=WHEN,
    last_error=None,
)


def response(*hits: Hit, note: str | None = None) -> SearchResponse:
    return SearchResponse(hits=hits, note=note, degraded=None, indexes=(INDEX,), timings=Timings(embed_ms=1.0, sql_ms=2.0, total_ms=3.04))


def search(request: SearchRequest) -> SearchResponse:
    """Answers with the request itself, written into the hit; queries of the form `sleep SECONDS` take their time."""
    word, _, seconds = request.query.partition(" ")
    if word == "sleep":
        time.sleep(float(seconds))
    if word == "crash":
        raise RuntimeError(f"connection to {DSN} failed")
    filters = f"{request.limit} {request.project} {request.language} {request.path_glob} {request.symbol} {request.kind}"
    form = f"{request.whole_definitions} {request.max_tokens}"
    return response(replace(HIT, symbol=filters, enclosing=form, text=request.query))


def project_status(name: str) -> ProjectStatus:
    if name != STATUS.name:
        raise ProjectNotFoundError(f"There is no project '{name}'. Known projects: demo.")
    return STATUS


def index_project(path: str, name: str | None) -> Job:
    if not path.startswith("/project/"):
        raise PathNotAllowedError(f"'{path}' is not a directory below an allowed root of the server (/project).")
    return Job(project=name or Path(path).name, root=path, state=ProjectState.WAITING, requested_at=WHEN)


def part(name: str, state: PartState = PartState.OK) -> Part:
    return Part(name, state, f"A sentence about {name}.")


BACKEND = Backend(
    search=search,
    list_projects=lambda: [STATUS],
    project_status=project_status,
    index_project=index_project,
    health_checks={
        ("database", "extension"): lambda: (part("database"), part("extension")),
        ("ollama", "model"): lambda: (part("ollama"), part("model")),
    },
    connections=nullcontext,
)


@contextmanager
def serving(backend: Backend = BACKEND, **given: object) -> Iterator[httpx.Client]:
    """A real server on a free loopback port, and an HTTP client whose base URL it is."""
    settings = Settings.model_validate({"transport": Transport.HTTP, **given})
    server = build_server(settings, backend)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
                wait_live(client)
                yield client
        finally:
            server.should_exit = True
            thread.join()


def wait_live(client: httpx.Client, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            client.get("/live").raise_for_status()
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


ACCEPT = {"Accept": "application/json, text/event-stream"}


def call(tool: str, **arguments: object) -> dict[str, Any]:
    """Body of a call in the handshake era (2025-11-25)."""
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
LIST_TOOLS = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}


def exchange(process: "subprocess.Popen[str]", *messages: dict[str, Any]) -> dict[str, Any]:
    """Send messages, read one answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    for sent in messages:
        process.stdin.write(json.dumps(sent) + "\n")
    process.stdin.flush()
    return cast("dict[str, Any]", json.loads(process.stdout.readline()))


def modern(method: str, name: str | None = None, **params: object) -> tuple[dict[str, str], dict[str, Any]]:
    """Headers and body of a request in the era without handshake (2026-07-28)."""
    headers = {**ACCEPT, "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
    if name is not None:
        headers["Mcp-Name"] = name
        params["name"] = name
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    return headers, {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
