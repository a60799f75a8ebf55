"""The first messages of a stdio client, answered before the server's libraries are there.

Importing them takes seconds of processor time, and clients give a server 10 to 30 seconds to answer `initialize`, also on a machine that is
busy with ten other servers. What the server says to the first messages depends on nothing but its version and the client's protocol, so
the answers are recorded from the real server (`tools/record_early_answers.py`; a test compares them). Nothing heavy may be imported here.
"""

import io
import json
import os
import select
import signal
import threading
from collections.abc import Callable
from importlib.resources import files
from types import FrameType
from typing import TYPE_CHECKING, Any

from cocosearch import __version__
from cocosearch.errors import CocosearchError
from cocosearch.serving.wire import MAX_LINE_BYTES, Heard, Wire, claim_wire

if TYPE_CHECKING:
    from fastmcp import FastMCP

ANSWERS_FILE = "early_answers.json"
# A client that says nothing for so long has what it wanted for now: the libraries are imported in the meantime.
IDLE_SECONDS = 0.5
INTERNAL_ERROR = -32603  # JSON-RPC 2.0, section 5.1
_READ_BYTES = 65_536
_VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
_CLIENT_KEYS = {"io.modelcontextprotocol/clientInfo", "io.modelcontextprotocol/clientCapabilities"}


def serve_stdio(load: "Callable[[], FastMCP[Any]]") -> None:
    """Serve the client on stdin and stdout until it leaves or a signal comes; `load` makes the server, and is called when it is needed.

    Raises:
        CocosearchError: raised by `load`; a client that waits for an answer has got the sentence as an error by then.
    """
    wire = claim_wire()  # before anything is imported that may print
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    lines = _Lines(wire.input.fileno())
    conversation = Conversation(recorded_answers())
    loading: _Loading | None = None
    while True:
        line = lines.next(IDLE_SECONDS if conversation.begun and loading is None else None)
        if line is None:
            loading = _Loading(load)
            continue
        if not line:
            _leave()
        reply = conversation.reply_to(line)
        if reply is None:
            break
        _send(wire, reply)
    loading = loading or _Loading(load)
    try:
        mcp = loading.result()
    except CocosearchError as error:
        _send(wire, _refusal(line, str(error)))
        raise
    import anyio

    from cocosearch.serving.stdio import serve_wire

    anyio.run(serve_wire, mcp, Wire(lines.resumed(line), wire.output), conversation.heard)


def recorded_answers() -> dict[str, Any]:
    """The recorded answers: of each protocol era, by method, the `result`."""
    text = (files("cocosearch.serving") / ANSWERS_FILE).read_text(encoding="utf-8")
    answers: dict[str, Any] = json.loads(text.replace("@version@", __version__))
    return answers


class Conversation:
    """Knows what to say to the first messages; only to those whose answer is certain."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers
        self.heard = Heard()
        self.begun = False

    def reply_to(self, line: bytes) -> bytes | None:
        """What to write for a message (nothing for a notification); None for one that the real server must answer."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            return None
        if message.get("method") == "notifications/initialized" and "id" not in message and self.heard.initialize_id is not None:
            self.heard.lines.append(line)
            return b""
        identity, parameters = message.get("id"), message.get("params", {})
        if isinstance(identity, bool) or not isinstance(identity, int | str) or not isinstance(parameters, dict):
            return None
        result = self._result(str(message.get("method")), parameters)
        if result is None:
            return None
        if message["method"] == "initialize":
            self.heard = Heard([line], identity)
        self.begun = True
        return _encoded({"jsonrpc": "2.0", "id": identity, "result": result})

    def _result(self, method: str, parameters: dict[str, Any]) -> dict[str, Any] | None:
        initialized = self.heard.initialize_id is not None
        if method == "initialize":
            return None if initialized else self._initialize_result(parameters)
        meta = parameters.get("_meta", {})
        if parameters.keys() - {"_meta"} or not isinstance(meta, dict):
            return None  # a cursor, for example
        era: dict[str, dict[str, Any]] = {}
        if initialized and _VERSION_KEY not in meta:
            era = self._answers["handshake"]
        elif not initialized and meta.get(_VERSION_KEY) in self._answers["modern_versions"] and _are_objects(meta, _CLIENT_KEYS):
            era = self._answers["modern"]
        return era.get(method)

    def _initialize_result(self, parameters: dict[str, Any]) -> dict[str, Any] | None:
        asked, client = parameters.get("protocolVersion"), parameters.get("clientInfo")
        if not isinstance(asked, str) or not isinstance(client, dict) or not _are_objects(parameters, {"capabilities"}):
            return None
        if not all(isinstance(client.get(name), str) for name in ("name", "version")):
            return None
        versions = self._answers["handshake_versions"]
        chosen = asked if asked in versions else versions[-1]
        return {**self._answers["handshake"]["initialize"], "protocolVersion": chosen}


def _are_objects(holder: dict[str, Any], names: set[str]) -> bool:
    return all(isinstance(holder.get(name), dict) for name in names)


class _Lines:
    """Lines of a descriptor, waited for with a time limit; what was read too far can be given back."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer = b""
        self._ended = False

    def next(self, timeout: float | None) -> bytes | None:
        """The next line; b"" at the end; None when nothing came within `timeout` seconds."""
        while True:
            line, separator, rest = self._buffer.partition(b"\n")
            if separator or self._ended or len(line) > MAX_LINE_BYTES:
                self._buffer = rest
                return line + separator
            if not select.select([self._descriptor], [], [], timeout)[0]:
                return None
            data = os.read(self._descriptor, _READ_BYTES)
            self._ended = not data
            self._buffer += data

    def resumed(self, line: bytes) -> io.BufferedReader:
        """The stream from `line` on."""
        return io.BufferedReader(_Resumed(line + self._buffer, self._descriptor))


class _Resumed(io.RawIOBase):
    """A descriptor of which a part has been read already."""

    def __init__(self, already_read: bytes, descriptor: int) -> None:
        super().__init__()
        self._already_read = already_read
        self._descriptor = descriptor

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - typeshed's WriteableBuffer exists for type checkers only
        """Read what was read already, then the descriptor."""
        view = memoryview(buffer)
        data = self._already_read[: len(view)] or os.read(self._descriptor, len(view))
        self._already_read = self._already_read[len(view) :]
        view[: len(data)] = data
        return len(data)


class _Loading:
    """The server in the making, in a thread: a client that says more meanwhile is answered."""

    def __init__(self, load: "Callable[[], FastMCP[Any]]") -> None:
        self._load = load
        self._server: FastMCP[Any] | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._server = self._load()
        except BaseException as failure:  # noqa: BLE001 - raised again by result()
            self._failure = failure

    def result(self) -> "FastMCP[Any]":
        """The server, once it is made."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        assert self._server is not None  # noqa: S101 - one of the two is there when the thread has ended
        return self._server


def _send(wire: Wire, data: bytes) -> None:
    try:
        wire.output.write(data)
        wire.output.flush()
    except BrokenPipeError:
        _leave()


def _encoded(message: dict[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"


def _refusal(line: bytes, sentence: str) -> bytes:
    """An error for the request in `line`, if it is one."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return b""
    if not isinstance(message, dict) or not isinstance(message.get("id"), int | str):
        return b""
    return _encoded({"jsonrpc": "2.0", "id": message["id"], "error": {"code": INTERNAL_ERROR, "message": sentence}})


def _leave(_signal: int = 0, _frame: FrameType | None = None) -> None:
    """End here and now: nothing has been opened yet that would have to be closed, and a thread that imports cannot be waited for."""
    os._exit(0)
