"""The server as a process and inside one: start, stop, failures said in a sentence, bounds, imports."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.types import Message
from tests.sockets import sends_at_once
from tests.unit.embedder.running import COMMAND, Running, run_server

from cocosearch.embedder.__main__ import bind
from cocosearch.embedder.admission import Admission
from cocosearch.embedder.graph import Precision
from cocosearch.embedder.inference import Embedder, ModelFacts, load
from cocosearch.embedder.server import EmbeddingServer, unless_gone

BODY = json.dumps({"model": "all-minilm", "input": ["text"]}).encode()

pytestmark = pytest.mark.slow("a server process for each test, and graphs that are built")


def run_to_its_end(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ORT_")}
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120, check=False, env=inherited | environment)


def test_preparing_builds_the_graph_and_leaves_nothing_else(tmp_path: Path) -> None:
    """onnxruntime by itself would make a device id and a queue of reports to its maker in the user's home."""
    home, store = tmp_path / "home", tmp_path / "store"
    home.mkdir()
    ended = run_to_its_end("--prepare", "--cache-dir", str(store), HOME=str(home))
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert [path.suffix for path in store.iterdir()] == [".onnx"]
    assert list(home.rglob("*")) == []


def test_sigterm_ends_with_zero_and_stdout_stays_empty(cache: Path) -> None:
    with run_server(cache, "--precision", "float32", "--threads", "1") as running:
        assert "float32, 1 threads" in running.announcement
        assert running.vector("text")
        assert running.stop() == (0, "")


async def test_the_watchdog_is_fed_by_vectors_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[float] = []
    works, stuck = threading.Event(), threading.Event()
    works.set()

    def run(ids: "NDArray[np.int32]") -> "NDArray[np.float32]":
        if not works.is_set():
            stuck.set()
        works.wait()
        return np.ones((len(ids), 384), dtype=np.float32)

    # This server's own: servers of other tests feed theirs meanwhile.
    monkeypatch.setattr("cocosearch.embedder.server.Watchdog", lambda: SimpleNamespace(feed=lambda: fed.append(time.monotonic())))
    monkeypatch.setattr("cocosearch.embedder.server.PROOF_SECONDS", 0.01)
    facts = ModelFacts(digest="", precision=Precision.INT8, size=0, modified=0.0)
    application = EmbeddingServer(Embedder(facts, lambda _: [1, 2], run), 1).application(local_only=True)
    async with application.router.lifespan_context(application):
        while len(fed) < 3:
            await asyncio.sleep(0.01)
        works.clear()
        while not stuck.is_set():
            await asyncio.sleep(0.01)
        before = len(fed)
        await asyncio.sleep(0.2)
        assert len(fed) == before
        works.set()
        while len(fed) == before:
            await asyncio.sleep(0.01)


def test_a_taken_port_is_named(server: Running, cache: Path) -> None:
    ended = run_to_its_end("--port", str(server.port), "--cache-dir", str(cache))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"Cannot listen on 127.0.0.1 port {server.port}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_unusable_cache_directory_is_named(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.touch()
    ended = run_to_its_end("--port", "0", "--cache-dir", str(blocker / "below"))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Give a writable --cache-dir." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['onnxruntime'] = None; from cocosearch.embedder.__main__ import main; "
        f"sys.exit(main(['--port', '0', '--cache-dir', {str(tmp_path)!r}]))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "needs onnxruntime" in ended.stderr
    assert "cocosearch-appliance[embedded]" in ended.stderr


def test_answers_are_sent_at_once() -> None:
    assert sends_at_once(bind("127.0.0.1", 0))


def test_it_imports_nothing_else_of_the_package() -> None:
    code = "import sys, cocosearch.embedder.__main__, cocosearch.embedder.server; print('\\n'.join(sys.modules))"
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout.split()
    own = {name for name in listed if name.startswith("cocosearch.") and not name.startswith("cocosearch.embedder")}
    shared = {"listening", "logs", "notifying_server", "sdnotify"}
    assert own == {"cocosearch.process", *(f"cocosearch.process.{module}" for module in shared)}
    assert not {"onnx", "onnxruntime", "torch", "cocoindex", "fastmcp"}.intersection(listed)


async def test_a_full_queue_is_busy(cache: Path) -> None:
    admission = Admission(max_requests=1)
    app = EmbeddingServer(load(Precision.INT8, cache), 1, admission).application(local_only=True)
    entered, proceed = asyncio.Event(), asyncio.Event()

    async def slow_body() -> AsyncIterator[bytes]:
        yield BODY[:10]
        entered.set()
        await proceed.wait()
        yield BODY[10:]

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        first = asyncio.create_task(client.post("/api/embed", content=slow_body()))
        await entered.wait()
        second = await client.post("/api/embed", content=BODY)
        proceed.set()
        assert (await first).status_code == 200
    assert second.status_code == 503
    assert second.json() == {"error": "server busy, please try again.  maximum pending requests exceeded"}
    assert (admission.requests, admission.pending_bytes) == (0, 0)


async def test_all_bodies_together_are_bounded(cache: Path) -> None:
    admission = Admission(max_pending_bytes=len(BODY))
    app = EmbeddingServer(load(Precision.INT8, cache), 1, admission).application(local_only=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        assert (await client.post("/api/embed", content=BODY)).status_code == 200
        assert (await client.post("/api/embed", content=BODY + b" ")).status_code == 503
    assert (admission.requests, admission.pending_bytes) == (0, 0)


async def test_work_ends_when_the_client_hangs_up() -> None:
    cancelled = asyncio.Event()

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def work() -> bool:
        try:
            return await asyncio.Event().wait()
        finally:
            cancelled.set()

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    assert await unless_gone(request, work()) is None
    await asyncio.wait_for(cancelled.wait(), timeout=5)
