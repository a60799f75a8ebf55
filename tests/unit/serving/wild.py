"""Connections of clients that do not keep to the rules, to a server process of its own."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.ports import free_port
from tests.unit.serving.fakes import ACCEPT, call, wait_live

ROOT = Path(__file__).parents[3]
HALF_A_HEAD = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-a: "
POST_MCP = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"


@dataclass(frozen=True)
class WildServer:
    """A server process, a decent client of it, and its log."""

    port: int
    client: httpx.Client
    pid: int
    log: Path

    def connect(self, source: str = "127.0.0.1", *, timeout: float = 30) -> socket.socket:
        """A connection from one of this machine's addresses."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout, source_address=(source, 0))

    def answers(self) -> dict[str, int]:
        """What a decent client is answered, each time over a connection of its own."""
        base = f"http://127.0.0.1:{self.port}"
        answers = {path: httpx.get(f"{base}{path}", timeout=30, trust_env=False).status_code for path in ("/live", "/health")}
        called = httpx.post(f"{base}/mcp", headers=ACCEPT, json=call("list_projects"), timeout=30, trust_env=False)
        return {**answers, "/mcp": called.status_code}

    def files(self) -> list[str]:
        """What the process has open."""
        names = []
        for opened in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                names.append(str(opened.readlink()))
        return names

    def sockets(self) -> frozenset[str]:
        """Names of the sockets that it has open; connections of before may still be closing, so their number tells little."""
        return frozenset(name for name in self.files() if name.startswith("socket:"))

    def wait_for_another(self, before: frozenset[str]) -> frozenset[str]:
        """Wait until it has taken a connection; the sockets that were not there before."""
        taken: frozenset[str] = frozenset()

        def has_taken() -> bool:
            nonlocal taken
            taken = self.sockets() - before
            return bool(taken)

        wait_until(has_taken)
        return taken

    def wait_for_end_of(self, sockets: frozenset[str]) -> None:
        """Wait until it has closed these."""
        wait_until(lambda: not self.sockets() & sockets)

    def processor_seconds(self) -> float:
        """Processor time that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


WELL = {"/live": 200, "/health": 200, "/mcp": 200}


@contextmanager
def wild_server(transport: str = "http", *, files: int | None = None, **limits: float) -> Iterator[WildServer]:
    """A server with these connection limits (and at most so many open files); at its end its log must hold no traceback."""
    port = free_port()
    command = [sys.executable, "-m", "tests.unit.serving.process", transport, str(port)]
    if files is not None:
        command = ["prlimit", f"--nofile={files}:{files}", *command]
    with (
        tempfile.NamedTemporaryFile(suffix=".log") as log,
        subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "CONNECTION_LIMITS": json.dumps(limits)}, stdout=subprocess.DEVNULL, stderr=log
        ) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client,
    ):
        try:
            wait_live(client)
            yield WildServer(port, client, process.pid, Path(log.name))
            process.terminate()
            assert process.wait(30) == 0
        finally:
            process.kill()
        written = Path(log.name).read_text()
        assert "Traceback" not in written, written


@contextmanager
def held(
    server: WildServer, count: int, sent: bytes, source: Callable[[int], str] = lambda _: "127.0.0.1"
) -> Iterator[list[socket.socket]]:
    """So many connections that have sent these bytes and stay."""
    with ExitStack() as stack:
        connections = [stack.enter_context(server.connect(source(number))) for number in range(count)]
        for connection in connections:
            try:
                connection.sendall(sent)
            except (BrokenPipeError, ConnectionResetError):  # the server has made room meanwhile
                continue
        yield connections


def read_to_end(connection: socket.socket) -> bytes:
    """What the server sends until it closes the connection; an end by force is an end."""
    received = bytearray()
    try:
        while part := connection.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return bytes(received)


def read_answer(connection: socket.socket) -> bytes:
    """Status line and headers of the next answer, and of its body what has come along."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            break
        received += part
    return received


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{holds} did not hold within {seconds:g} s"
        time.sleep(0.05)
