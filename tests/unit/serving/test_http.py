"""The matrix of requests that a server must take or refuse, against a real server over a real socket."""

import asyncio
import json
import logging
import socket
import threading
import time
from dataclasses import replace
from typing import Any, cast

import httpx
import pytest
from fastmcp import Client
from fastmcp.client.transports import SSETransport, StreamableHttpTransport
from tests.unit.serving.fakes import ACCEPT, BACKEND, INITIALIZE, call, modern, part, search, serving
from tests.unit.serving.wild import read_to_end

from cocosearch.operations.health import Part, PartState
from cocosearch.search.types import SearchRequest, SearchResponse

HANDSHAKE_ERA = {**ACCEPT, "MCP-Protocol-Version": "2025-11-25"}


def message(response: httpx.Response) -> dict[str, Any]:
    """The JSON-RPC message of an answer, which comes plain or as an event."""
    if response.headers["content-type"].startswith("text/event-stream"):
        data = next(line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: {"))
        return cast("dict[str, Any]", json.loads(data))
    return cast("dict[str, Any]", response.json())


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
def test_both_paths_serve_both_eras_without_redirect_or_session(server: httpx.Client, path: str) -> None:
    greeted = server.post(path, headers=ACCEPT, json=INITIALIZE)
    assert greeted.status_code == 200
    assert "mcp-session-id" not in greeted.headers
    assert "untrusted data" in message(greeted)["result"]["instructions"]
    called = server.post(path, headers=HANDSHAKE_ERA, json=call("search_code", query="answer"))
    assert message(called)["result"]["structuredContent"]["hits"][0]["text"] == "answer"
    headers, body = modern("server/discover")
    discovered = server.post(path, headers=headers, json=body)
    assert discovered.status_code == 200
    assert "2026-07-28" in discovered.json()["result"]["supportedVersions"]
    headers, body = modern("tools/call", "search_code", arguments={"query": "answer"})
    assert message(server.post(path, headers=headers, json=body))["result"]["structuredContent"]["hits"][0]["text"] == "answer"


def test_malformed_requests(server: httpx.Client) -> None:
    assert server.post("/mcp", headers={"Accept": "application/json"}, json=INITIALIZE).status_code == 406
    assert server.post("/mcp", headers={**ACCEPT, "Content-Type": "text/plain"}, content=json.dumps(INITIALIZE)).status_code == 400
    assert server.post("/mcp", headers={**ACCEPT, "Content-Type": "application/json"}, content=b"{").status_code == 400
    assert server.post("/mcp", headers={**ACCEPT, "Content-Type": "application/json"}, content=b" " * 5_000_000).status_code == 413
    assert server.post("/mcp", headers={**ACCEPT, "MCP-Protocol-Version": "1999-01-01"}, json=INITIALIZE).status_code == 400
    headers, body = modern("tools/call", "search_code", arguments={"query": "answer"})
    assert server.post("/mcp", headers={**headers, "Mcp-Name": "list_projects"}, json=body).status_code == 400
    assert server.get("/mcp").status_code == 405
    assert server.get("/sse").status_code == 404
    assert server.get("/").status_code == 404


def test_surrogates_are_refused_before_any_tool(server: httpx.Client) -> None:
    body = json.dumps(call("search_code", query="\ud800"))
    refused = server.post("/mcp", headers={**ACCEPT, "Content-Type": "application/json"}, content=body)
    assert refused.status_code == 400


PROTECTED = [
    ("POST", "/mcp"),
    ("POST", "/mcp/"),
    ("DELETE", "/mcp"),
    ("GET", "/sse"),
    ("POST", "/messages/?session_id=0"),
    ("POST", "/messages/"),
]


@pytest.mark.parametrize(("method", "path"), PROTECTED)
@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer " + "0" * 64}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp5"}],
    ids=["none", "wrong", "short", "basic"],
)
def test_without_a_token_nothing_of_mcp_is_served(guarded: httpx.Client, method: str, path: str, headers: dict[str, str]) -> None:
    refused = guarded.request(method, path, headers={**ACCEPT, **headers}, json=INITIALIZE)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_a_token_in_the_query_string_is_none(guarded: httpx.Client, token: str) -> None:
    assert guarded.post(f"/mcp?access_token={token}", headers=ACCEPT, json=INITIALIZE).status_code == 401


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
def test_with_a_token_it_is(guarded: httpx.Client, token: str, path: str) -> None:
    answer = guarded.post(path, headers={**ACCEPT, "Authorization": f"Bearer {token}"}, json=INITIALIZE)
    assert answer.status_code == 200


def test_the_log_names_the_client_by_the_line_of_its_token(guarded: httpx.Client, token: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="cocosearch"):
        guarded.post("/mcp", headers={**ACCEPT, "Authorization": f"Bearer {token}"}, json=call("list_projects"))
    assert "call tool=list_projects client=token-1 outcome=ok" in caplog.text
    assert token not in caplog.text


def test_a_token_does_not_open_the_guard(guarded: httpx.Client, token: str) -> None:
    bearer = {**ACCEPT, "Authorization": f"Bearer {token}"}
    assert guarded.post("/mcp", headers={**bearer, "Host": "evil.example"}, json=INITIALIZE).status_code == 421
    assert guarded.get("/sse", headers={**bearer, "Origin": "http://evil"}).status_code == 403


def test_health_gives_words_to_all_and_sentences_to_clients_with_a_token(guarded: httpx.Client, token: str) -> None:
    public = guarded.get("/health")
    assert public.status_code == 200
    assert public.json() == {"status": "ok", "parts": dict.fromkeys(("database", "extension", "ollama", "model"), "ok")}
    detailed = guarded.get("/health", headers={"Authorization": f"Bearer {token}"}).json()
    assert detailed["details"]["model"] == "A sentence about model."
    assert guarded.get("/live").json() == {"status": "ok"}


async def test_sse_and_streamable_http_are_served_by_one_process(guarded: httpx.Client, token: str) -> None:
    for transport in (
        SSETransport(f"{guarded.base_url}/sse", auth=token),
        StreamableHttpTransport(f"{guarded.base_url}/mcp", auth=token),
        StreamableHttpTransport(f"{guarded.base_url}/mcp/", auth=token),
    ):
        async with Client(transport) as client:
            result = await client.call_tool("search_code", {"query": "answer"})
            assert result.data.hits[0].text == "answer"


@pytest.mark.parametrize(
    ("state", "broken", "overall"),
    [(PartState.DOWN, "database", "down"), (PartState.MISSING, "model", "degraded"), (PartState.OUTDATED, "extension", "down")],
)
def test_a_part_that_does_not_work_makes_503(state: PartState, broken: str, overall: str) -> None:
    def check() -> tuple[Part, ...]:
        return tuple(part(name, state if name == broken else PartState.OK) for name in ("database", "extension", "ollama", "model"))

    with serving(replace(BACKEND, health_checks={("database", "extension", "ollama", "model"): check})) as client:
        answer = client.get("/health")
        assert answer.status_code == 503
        assert answer.json()["status"] == overall
        assert answer.json()["parts"][broken] == state.value
        assert client.get("/live").status_code == 200
        assert client.head("/health").status_code == 503


def test_health_answers_within_a_second_while_every_part_hangs_and_searches_fill_the_server() -> None:
    release = threading.Event()

    def hangs() -> tuple[Part, ...]:
        release.wait(60)
        return (part("database"),)

    with serving(replace(BACKEND, health_checks={("database",): hangs}), max_searches=2) as client:

        def search() -> None:
            httpx.post(f"{client.base_url}/mcp", headers=ACCEPT, json=call("search_code", query="sleep 2"), timeout=30).raise_for_status()

        searches = [threading.Thread(target=search) for _ in range(8)]  # eight seconds of work, two at a time
        for thread in searches:
            thread.start()
        for path, expected in [("/health", 503), ("/live", 200)] * 5:
            started = time.monotonic()
            answer = client.get(path)
            assert time.monotonic() - started < 10
            assert answer.status_code == expected
        assert client.get("/health").json()["parts"] == {"database": "timeout"}
        assert any(thread.is_alive() for thread in searches)
        release.set()
        for thread in searches:
            thread.join()


async def test_searches_run_side_by_side_up_to_the_limit() -> None:
    limit, running, most = 4, 0, 0
    lock, all_at_once = threading.Lock(), threading.Barrier(limit)

    def meet(request: SearchRequest) -> SearchResponse:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        all_at_once.wait(60)  # breaks, and with it the call, unless so many searches come here together
        with lock:
            running -= 1
        return search(request)

    with serving(replace(BACKEND, search=meet), max_searches=limit) as server:
        async with Client(f"{server.base_url}/mcp") as client:
            await asyncio.gather(*(client.call_tool("search_code", {"query": "cookies"}) for _ in range(2 * limit)))
    assert most == limit


@pytest.mark.parametrize("path", ["/live", "/health"])
def test_probes_of_http_1_0_need_no_host(guarded: httpx.Client, path: str) -> None:
    assert _raw(guarded, f"GET {path} HTTP/1.0\r\n\r\n").startswith("HTTP/1.1 200 ")
    head = _raw(guarded, f"HEAD {path} HTTP/1.0\r\nUser-Agent: probe\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 ")
    assert head.endswith("\r\n\r\n")
    assert _raw(guarded, f"GET {path} HTTP/1.0\r\nHost: evil.example\r\n\r\n").startswith("HTTP/1.1 421 ")
    assert _raw(guarded, f"GET {path} HTTP/1.0\r\nOrigin: http://evil.example\r\n\r\n").startswith("HTTP/1.1 403 ")


def test_the_rest_does(guarded: httpx.Client) -> None:
    for path in ("/mcp", "/sse", "/", "/register"):
        assert _raw(guarded, f"GET {path} HTTP/1.0\r\n\r\n").startswith("HTTP/1.1 421 ")
    assert _raw(guarded, "GET /live HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 400 ")


def _raw(client: httpx.Client, request: str) -> str:
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=30) as connection:
        connection.sendall(request.encode())
        return read_to_end(connection).decode()


def test_what_is_not_there_and_what_is_not_done(guarded: httpx.Client, token: str) -> None:
    bearer = {"Authorization": f"Bearer {token}"}
    for path in ("/", "/nothing", "/mcp/nothing", "/favicon.ico", "/..%2f..%2fetc/passwd", "//live"):
        absent = guarded.get(path, headers=bearer)
        assert (absent.status_code, absent.text) == (404, "Not Found")
    for path, allowed in (("/live", {"GET", "HEAD"}), ("/health", {"GET", "HEAD"}), ("/mcp", {"POST", "DELETE"}), ("/register", {"POST"})):
        refused = guarded.request("PUT", path, headers=bearer)
        assert refused.status_code == 405
        assert {method.strip() for method in refused.headers["allow"].split(",")} == allowed
    for path in ("/live", "/health"):
        head = guarded.head(path)
        assert (head.status_code, head.content) == (200, b"")


async def test_the_legacy_endpoint_works_behind_a_path_prefix(guarded: httpx.Client, token: str) -> None:
    """The proxy takes `/search` off each path, tells the server nothing about it, and knows no other paths."""

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter, *, strip: bool) -> None:
        while data := await source.read(65536):
            if strip and data.startswith((b"GET ", b"POST ")) and b" /search/" not in data.split(b"\r\n", 1)[0]:
                break
            target.write(data.replace(b" /search/", b" /", 1) if strip else data)
            await target.drain()
        target.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(guarded.base_url.host, guarded.base_url.port)
        await asyncio.gather(pump(reader, upstream_writer, strip=True), pump(upstream_reader, writer, strip=False))

    async with await asyncio.start_server(forward, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        async with Client(SSETransport(f"http://127.0.0.1:{port}/search/sse", auth=token), init_timeout=20) as client:
            result = await client.call_tool("search_code", {"query": "answer"})
            assert result.data.hits[0].text == "answer"
