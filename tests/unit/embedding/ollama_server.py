"""A scripted server of Ollama's protocol on loopback, with the shapes and sentences of Ollama's own answers."""

import hashlib
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

Body: TypeAlias = dict[str, Any]
Answer: TypeAlias = tuple[int, object]  # status; JSON, or bytes to send as they are

DIGEST = "0a109f422b47e3a30ba2b10eca18548e944e8a23073ee3f3e947efcf3c45e59f"


def vector_of(text: str) -> list[float]:
    """Any vector that a test can compute again; not of length one."""
    return [float(len(text)), 3.0, 4.0]


@dataclass
class SerialModel:
    """A model that embeds as Ollama's do: one text at a time, in the order of arrival, whatever requests they came with."""

    seconds_per_text: float = 0.0
    window_characters: int = 100_000
    refused: Callable[[str], bool] = lambda text: "poison" in text
    texts: list[str] = field(default_factory=list)  # all that were embedded, in order
    ahead: dict[str, int] = field(default_factory=dict)  # of each text, how many others waited when it arrived
    awake: threading.Event = field(default_factory=threading.Event)  # cleared: it hangs
    _waiting: "queue.SimpleQueue[tuple[str, threading.Event]]" = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        self.awake.set()
        threading.Thread(target=self._serve, daemon=True).start()

    def __call__(self, body: Body) -> Answer:
        texts = body["input"]
        if any(len(text) > self.window_characters for text in texts):
            return 400, {"error": "the input length exceeds the context length"}
        if any(self.refused(text) for text in texts):
            return 500, {"error": "llama runner process has terminated"}
        waits = []
        for text in texts:
            self.ahead[text] = self._waiting.qsize()
            waits.append(threading.Event())
            self._waiting.put((text, waits[-1]))
        for done in waits:
            done.wait()
        return 200, {"model": body["model"], "embeddings": [self.vector_of(text) for text in texts]}

    @staticmethod
    def vector_of(text: str) -> list[float]:
        """Eight numbers that depend on every character."""
        return [byte / 255 - 0.5 for byte in hashlib.sha256(text.encode()).digest()[:8]]

    def _serve(self) -> None:
        while True:
            text, done = self._waiting.get()
            self.awake.wait()
            time.sleep(self.seconds_per_text)
            self.texts.append(text)
            done.set()


@dataclass
class Script:
    """What the server has and says; tests replace the parts that they are about, and read `requests`."""

    models: list[str] = field(default_factory=lambda: ["nomic-embed-text:latest"])
    digest: str = DIGEST
    requests: list[tuple[str, Body]] = field(default_factory=list)
    embed: Callable[[Body], Answer] | None = None
    show: Callable[[Body], Answer] | None = None
    pull: Callable[[Body], Answer] | None = None
    first: list[Answer] = field(default_factory=list)  # given to the first POST requests, whatever they ask
    lock: threading.Lock = field(default_factory=threading.Lock)

    def to(self, path: str) -> list[Body]:
        return [body for asked, body in self.requests if asked == path]

    def answer(self, method: str, path: str, body: Body) -> Answer:
        with self.lock:
            self.requests.append((path, body))
            if method == "POST" and self.first:
                return self.first.pop(0)
        handlers = {
            "/api/embed": self.embed or self.embed_as_usual,
            "/api/show": self.show or self._show,
            "/api/pull": self.pull or self._pull,
        }
        if path == "/api/version":
            return 200, {"version": "0.32.15"}
        if path == "/api/tags":
            return 200, {"models": [{"name": name, "model": name, "digest": self.digest} for name in self.models]}
        if method == "POST" and path in handlers:
            return handlers[path](body)
        return 404, b"404 page not found"

    def has(self, model: str) -> bool:
        return (model if ":" in model else f"{model}:latest") in self.models

    def embed_as_usual(self, body: Body) -> Answer:
        if not self.has(body["model"]):
            return 404, {"error": f'model "{body["model"]}" not found, try pulling it first'}
        return 200, {"model": body["model"], "embeddings": [vector_of(text) for text in body["input"]], "total_duration": 14143917}

    def _show(self, _: Body) -> Answer:
        return 200, {"model_info": {"general.architecture": "nomic-bert", "nomic-bert.context_length": 2048}, "capabilities": ["embedding"]}

    def _pull(self, body: Body) -> Answer:
        self.models.append(f"{body['model']}:latest")
        return 200, lines({"status": "pulling manifest"}, {"status": "pulling 970aa74c0a90", "total": 274290656}, {"status": "success"})


def lines(*events: Body) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


@contextmanager
def ollama(script: Script, port: int = 0) -> Iterator[str]:
    """The URL of a server that follows the script."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one segment for each answer: Nagle's algorithm would hold back a second one

        def do_GET(self) -> None:
            self._answer("GET", {})

        def do_POST(self) -> None:
            self._answer("POST", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, method: str, body: Body) -> None:
            status, content = script.answer(method, self.path, body)
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
