"""A gate before a real embedding server: so many texts pass, the rest waits, so that a test meets a run where it wants to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR

import httpx

_PATIENCE_SECONDS = 120.0


@dataclass
class Gate:
    """Requests for vectors pass while they ask for no more than `texts` texts in all, the first one always; the others are held.

    Everything else passes. `held` is set once a request waits; nothing with texts passes after that until `open` is called.
    """

    texts: int
    url: str = ""
    passed: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    _opened: threading.Event = field(default_factory=threading.Event)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def open(self) -> None:
        """Let through what waits, and everything from now on."""
        self._opened.set()

    def enter(self, texts: int) -> None:
        """Return once a request for so many texts may pass."""
        with self._turn:
            if not self._opened.is_set() and (self.held.is_set() or (self.passed and self.passed + texts > self.texts)):
                self.held.set()
            else:
                self.passed += texts
                return
        self._opened.wait()


@contextmanager
def gate(server_url: str, texts: int) -> Iterator[Gate]:
    """A gate before the server; at the end it is gone with its connections, as a server is whose process was killed."""
    state = Gate(texts)
    connections: list[BaseHTTPRequestHandler] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            connections.append(self)

        def do_GET(self) -> None:
            self._pass("GET", b"")

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/api/embed":
                state.enter(len(json.loads(content)["input"]))
            self._pass("POST", content)

        def _pass(self, method: str, content: bytes) -> None:
            answer = httpx.request(method, f"{server_url}{self.path}", content=content, timeout=_PATIENCE_SECONDS)
            try:
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers["content-type"])
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)
            except OSError:  # the run that asked was killed meanwhile
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        for handler in connections:
            try:
                handler.connection.shutdown(SHUT_RDWR)
            except OSError:  # ended by itself
                continue
        state.open()
        server.server_close()  # waits for the requests
