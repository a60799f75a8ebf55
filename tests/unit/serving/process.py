"""A server process over the fake backend, started by the tests as `python -m tests.unit.serving.process TRANSPORT PORT`.

Its search prints to stdout in every way a library might, so that a test can see where it goes.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tests.unit.serving import fakes

from cocosearch.search.types import SearchRequest, SearchResponse
from cocosearch.serving.backend import Backend
from cocosearch.serving.connections import ConnectionLimits
from cocosearch.serving.dispatch import CallLog
from cocosearch.serving.mcp import build_mcp
from cocosearch.settings import Settings

TEARDOWN = "connections closed"


@contextmanager
def connections() -> Iterator[None]:
    yield
    os.write(2, f"{TEARDOWN}\n".encode())


def noisy_search(request: SearchRequest) -> SearchResponse:
    sys.stdout.write("a library prints\n")
    sys.stdout.flush()
    os.write(1, b"a C library prints\n")
    subprocess.run(["echo", "a child prints"], check=True)
    return fakes.search(request)


def backend() -> Backend:
    return replace(fakes.BACKEND, search=noisy_search, connections=connections)


def main(transport: str, port: int) -> None:
    settings = Settings.model_validate({"transport": transport, "port": port})
    if transport == "stdio":
        from cocosearch.serving.early import serve_stdio

        serve_stdio(lambda: build_mcp(settings, backend(), CallLog()))
        return
    from cocosearch.serving.server import build_server, listen

    limits = ConnectionLimits(**json.loads(os.environ.get("CONNECTION_LIMITS", "{}")))
    build_server(settings, backend(), limits).run(sockets=listen(settings))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
