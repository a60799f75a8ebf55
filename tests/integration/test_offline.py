"""Nothing leaves the machine, proved by the system calls of every process: import, index, search, serving, embedding."""

import ipaddress
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.indexing.command import environment
from tests.integration.indexing.conftest import copy_h11
from tests.ports import free_port

from cocosearch.database import connect
from cocosearch.database.migrations import migrate
from cocosearch.settings import Settings

DEADLINE_SECONDS = 180
# Set by the package itself; a user's environment has none of them.
SWITCHES = (
    "COCOINDEX_DISABLE_USAGE_TRACKING",
    "FASTMCP_CHECK_FOR_UPDATES",
    "FASTMCP_ENV_FILE",
    "FASTMCP_SHOW_SERVER_BANNER",
    "FASTMCP_TELEMETRY_MODE",
    "ORT_DISABLE_TELEMETRY",
)
# Libraries call home some time after their start: onnxruntime 1.32, where nothing stops it, after 5 and again after 11 seconds.
WATCHED_SECONDS = 15
_ADDRESS = re.compile(r'sin6?_port=htons\((?P<port>\d+)\).*?(?:inet_addr\("(?P<four>[^"]+)"\)|inet_pton\(AF_INET6, "(?P<six>[^"]+)")')
DNS_PORT = 53


@pytest.fixture
def tracer() -> str:
    program = shutil.which("strace")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("strace is missing: CI has to prove that nothing leaves the machine. Install the package strace.")
        pytest.skip("strace is not installed")
    return program


@pytest.fixture
def settings(database_url: str, embedder_url: str, tmp_path: Path) -> Settings:
    settings = Settings(database_url=database_url, ollama_url=embedder_url, model="all-minilm", state_dir=tmp_path / "state")
    with connect(settings) as connection:
        migrate(connection)
    return settings


@pytest.fixture
def project(tmp_path: Path) -> Path:
    directory = tmp_path / "h11"
    copy_h11(directory)
    for large in ("_connection.py", "_readers.py", "_writers.py"):
        (directory / large).unlink()
    return directory


def outside(log: Path) -> list[str]:
    """Lines of a trace in which a process talks to another machine, or asks for a name."""
    found = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        for match in _ADDRESS.finditer(line):
            address = ipaddress.ip_address(match["four"] or match["six"])
            if not address.is_loopback or int(match["port"]) == DNS_PORT:
                found.append(line)
    return found


def traced(tracer: str, log: Path, *command: str) -> list[str]:
    return [tracer, "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", str(log), *command]


def clean_environment(settings: Settings) -> dict[str, str]:
    return {name: value for name, value in environment(settings).items() if name not in SWITCHES}


def test_the_check_sees_what_it_looks_for(tracer: str, tmp_path: Path) -> None:
    """The trace of a process that does talk to another machine is not clean (TEST-NET-1 of RFC 5737 is nobody's)."""
    log = tmp_path / "trace"
    script = "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.connect(('192.0.2.1', 9))"
    subprocess.run(traced(tracer, log, sys.executable, "-c", script), check=False, timeout=DEADLINE_SECONDS)
    assert len(outside(log)) == 1


def test_index_search_and_stdio_stay_on_the_machine(tracer: str, settings: Settings, project: Path, tmp_path: Path) -> None:
    logs = []
    for number, arguments in enumerate([("index", str(project)), ("search", "receive buffer"), ("doctor",), ("list",)]):
        logs.append(tmp_path / f"trace-{number}")
        command = traced(tracer, logs[-1], sys.executable, "-m", "cocosearch", *arguments)
        done = subprocess.run(
            command, env=clean_environment(settings), capture_output=True, text=True, check=False, timeout=DEADLINE_SECONDS, cwd=project
        )
        assert done.returncode == 0, done.stdout + done.stderr
    logs.append(tmp_path / "trace-stdio")
    stdio_session(traced(tracer, logs[-1], sys.executable, "-m", "cocosearch", "mcp"), settings, project)
    for log in logs:
        assert "connect(" in log.read_text(), f"{log} traced nothing"
        assert outside(log) == []


def stdio_session(command: list[str], settings: Settings, project: Path) -> None:
    """Index and search as a client on stdio; every line that comes back must be JSON-RPC."""
    requests: list[dict[str, object]] = [
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}},
        },
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "index_project", "arguments": {"path": str(project)}}},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "search_code", "arguments": {"query": "receive buffer"}}},
    ]
    process = subprocess.Popen(
        command,
        env=clean_environment(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=project,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    answers: dict[object, dict[str, Any]] = {}
    for request in requests:
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        while (expected := request.get("id")) is not None and expected not in answers:
            message = json.loads(process.stdout.readline())
            answers[message.get("id")] = message
    rest, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in rest.splitlines())
    assert process.returncode == 0, errors
    assert answers[3]["result"]["structuredContent"]["hits"], answers[3]


def test_serving_stays_on_the_machine(tracer: str, settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "trace-http"
    port = free_port()
    command = traced(tracer, log, sys.executable, "-m", "cocosearch", "mcp", "--transport", "http", "--port", str(port))
    with serving(command, clean_environment(settings), f"http://127.0.0.1:{port}/health"):
        assert httpx.get(f"http://127.0.0.1:{port}/live").status_code == 200
    assert "connect(" in log.read_text()
    assert outside(log) == []


def test_embedding_stays_on_the_machine(tracer: str, settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "trace-embedder"
    port = free_port()
    cache = Path(__file__).resolve().parents[2] / ".cache" / "embedder"
    command = traced(tracer, log, sys.executable, "-m", "cocosearch.embedder", "--port", str(port), "--cache-dir", str(cache))
    with serving(command, clean_environment(settings), f"http://127.0.0.1:{port}/api/version"):
        answer = httpx.post(f"http://127.0.0.1:{port}/api/embed", json={"model": "all-minilm", "input": "text"}, timeout=60)
        assert answer.status_code == 200
    assert outside(log) == []


@contextmanager
def serving(command: list[str], variables: dict[str, str], url: str) -> Iterator[None]:
    """A server, from its first good answer until SIGTERM, which it gets once it has been watched long enough."""
    with subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not answers(url):
            assert process.poll() is None, f"{command[-1]} ended with {process.returncode}"
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield
        with pytest.raises(subprocess.TimeoutExpired):  # that it stays silent has no other sign than time
            process.wait(WATCHED_SECONDS)
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=DEADLINE_SECONDS)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False
