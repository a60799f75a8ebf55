"""`cocosearch` processes for the tests, and the place that they work in."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.ports import free_port

COCOSEARCH = [str(Path(sys.executable).with_name("cocosearch"))]


@dataclass(frozen=True)
class Place:
    """A project on disk, and the environment of processes that know it."""

    project: Path
    environment: dict[str, str]


@contextmanager
def process(command: str, environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """A command that runs until the block ends."""
    with subprocess.Popen([*COCOSEARCH, command], env=environment, text=True, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        try:
            yield running
        finally:
            running.kill()


@contextmanager
def http_server(environment: dict[str, str], **given: str) -> Iterator[tuple["subprocess.Popen[str]", httpx.Client]]:
    """`cocosearch mcp` over HTTP, and a client with its base URL; entered once it listens."""
    port = free_port()
    settings = {"COCOSEARCH_TRANSPORT": "http", "COCOSEARCH_PORT": str(port), **given}
    with (
        process("mcp", {**environment, **settings}) as running,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client,
    ):
        until(lambda: _listens(client))
        yield running, client


def _listens(client: httpx.Client) -> bool:
    try:
        return client.get("/live").is_success
    except httpx.TransportError:
        return False


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Return as soon as the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{condition} did not hold within {seconds:.0f} s")
        time.sleep(0.05)
