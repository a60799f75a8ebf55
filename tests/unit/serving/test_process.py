"""Whole processes: what they do at SIGTERM, at the end of stdin, and with the two output streams."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from tests.ports import free_port
from tests.unit.serving.fakes import ACCEPT, INITIALIZE, INITIALIZED, call, exchange, modern, wait_live
from tests.unit.serving.process import TEARDOWN

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "tests.unit.serving.process"]

pytestmark = pytest.mark.slow("a server process for each test")


@contextmanager
def http_process(transport: str, **environment: str) -> Iterator[tuple["subprocess.Popen[str]", httpx.Client]]:
    port = free_port()
    with (
        subprocess.Popen(
            [*COMMAND, transport, str(port)],
            cwd=ROOT,
            text=True,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client,
    ):
        try:
            wait_live(client)
            yield process, client
        finally:
            process.kill()


def modern_search(query: str) -> tuple[dict[str, str], dict[str, Any]]:
    return modern("tools/call", "search_code", arguments={"query": query})


@pytest.mark.parametrize("era", ["handshake", "modern"])
def test_sigterm_lets_a_running_call_finish_tears_down_and_ends_with_0(era: str) -> None:
    headers, body = modern_search("sleep 2") if era == "modern" else (ACCEPT, call("search_code", query="sleep 2"))
    answers: list[httpx.Response] = []
    with http_process("http") as (process, client):
        running = threading.Thread(target=lambda: answers.append(client.post("/mcp", headers=headers, json=body)))
        running.start()
        assert process.stdout is not None
        assert process.stdout.readline() == "a library prints\n"  # the call has begun
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        running.join()
        _, errors = process.communicate(timeout=20)
        assert time.monotonic() - started < 12
    assert answers[0].status_code == 200
    assert "sleep 2" in answers[0].text
    assert process.returncode == 0
    assert TEARDOWN in errors
    assert "Traceback" not in errors


def test_sigterm_finishes_a_call_over_the_legacy_endpoint_and_then_ends_its_endless_stream() -> None:
    with http_process("sse") as (process, client), client.stream("GET", "/sse") as stream:
        events = stream.iter_lines()
        messages = next(line.removeprefix("data: ") for line in events if line.startswith("data: "))
        assert client.post(messages, json=INITIALIZE).status_code == 202
        assert "serverInfo" in next(line for line in events if line.startswith("data: "))
        client.post(messages, json=INITIALIZED)
        client.post(messages, json=call("search_code", query="sleep 2"))
        assert process.stdout is not None
        assert process.stdout.readline() == "a library prints\n"
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert "sleep 2" in next(line for line in events if line.startswith("data: "))
        assert not [line for line in events if line.startswith("data: ")]  # the endless stream ends, after the answer
        _, errors = process.communicate(timeout=20)
        assert time.monotonic() - started < 16
    assert process.returncode == 0
    assert TEARDOWN in errors
    assert "Traceback" not in errors


def test_an_idle_server_ends_quickly() -> None:
    with http_process("http") as (process, client):
        assert client.post("/mcp", headers=ACCEPT, json=INITIALIZE).status_code == 200
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
        assert time.monotonic() - started < 10
    assert process.returncode == 0
    assert TEARDOWN in errors


def told(manager: socket.socket) -> bytes:
    """The next message that is not about the health of the parts."""
    while (message := manager.recv(4096)).startswith(b"STATUS="):
        pass
    return message


def test_systemd_is_told_when_the_port_listens_and_when_the_end_begins(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        port = free_port()
        with subprocess.Popen(
            [*COMMAND, "http", str(port)], cwd=ROOT, env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        ) as process:
            try:
                assert told(manager) == b"READY=1"
                assert httpx.get(f"http://127.0.0.1:{port}/live", trust_env=False).status_code == 200
                process.send_signal(signal.SIGTERM)
                assert told(manager) == b"STOPPING=1"
                assert process.wait(20) == 0
            finally:
                process.kill()


def test_the_event_loop_tells_that_it_runs(tmp_path: Path) -> None:
    """Where the manager asked for it; a loop that stands says nothing."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "8000000"}
        with subprocess.Popen([*COMMAND, "http", str(free_port())], cwd=ROOT, env=environment) as process:
            try:
                assert [told(manager) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
            finally:
                process.kill()


@contextmanager
def stdio_process() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [*COMMAND, "stdio", "8080"], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_stdio_carries_json_alone_whatever_a_tool_prints_and_ends_with_the_client() -> None:
    with stdio_process() as process:
        assert exchange(process, INITIALIZE)["result"]["serverInfo"]["name"] == "cocosearch"
        answer = exchange(process, INITIALIZED, call("search_code", query="grüße"))
        assert answer["result"]["structuredContent"]["hits"][0]["text"] == "grüße"
        started = time.monotonic()
        rest, errors = process.communicate(timeout=20)
        assert time.monotonic() - started < 10
    assert rest == ""
    assert process.returncode == 0
    for printed in ("a library prints", "a C library prints", "a child prints", TEARDOWN):
        assert printed in errors


def test_garbage_on_stdin_is_answered_with_json_or_not_at_all_and_is_survived() -> None:
    with stdio_process() as process:
        assert process.stdin is not None
        process.stdin.write("this is no JSON\n\n")
        answer = exchange(process, INITIALIZE)
        while answer.get("id") != 1:
            assert answer["jsonrpc"] == "2.0"
            assert process.stdout is not None
            answer = json.loads(process.stdout.readline())
        assert answer["result"]["serverInfo"]["name"] == "cocosearch"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stdio_ends_at_a_signal_while_stdin_stays_open(number: signal.Signals) -> None:
    with stdio_process() as process:
        exchange(process, INITIALIZE)
        exchange(process, INITIALIZED, call("search_code", query="loads the server"))
        process.send_signal(number)
        assert process.stderr is not None
        assert TEARDOWN in process.stderr.read()
        assert process.wait(20) == 0


async def test_the_real_client_over_stdio() -> None:
    transport = StdioTransport(COMMAND[0], [*COMMAND[1:], "stdio", "8080"], cwd=str(ROOT))
    async with Client(transport) as client:
        assert len(await client.list_tools()) == 4
        found = await client.call_tool("search_code", {"query": "answer"})
        assert found.data.hits[0].text == "answer"
