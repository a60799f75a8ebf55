"""HTTP framing out of its mind: random and hostile bytes at a server process, which goes on and writes no traceback.

FUZZ_ROUNDS=20000 makes a long run, FUZZ_SEED another one.
"""

import contextlib
import json
import os
import random
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.unit.serving.fakes import INITIALIZE, call, modern
from tests.unit.serving.wild import WELL, WildServer, wait_until, wild_server

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "400"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
AT_ONCE = 16

pytestmark = pytest.mark.slow("hundreds of random requests to a server process")

METHODS = [b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"CONNECT", b"TRACE", b"PRI", b"get", b"G\x00T", b"", b"A" * 300]
TARGETS = [
    *(b"/mcp", b"/mcp/", b"/live", b"/health", b"/sse", b"/messages/", b"/messages/?session_id=" + b"0" * 32, b"/messages/?session_id=x"),
    *(
        b"/",
        b"*",
        b"http://localhost/mcp",
        b"//",
        b"/%00",
        b"/%ff%fe",
        b"/\xff",
        b"/a b",
        b"/mcp?" + b"x" * 5000,
        b"localhost:80",
        b"/" * 3000,
    ),
    *(b"/register", b"/.well-known/oauth-protected-resource/mcp", b""),
]
VERSIONS = [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/9.9", b"http/1.1", b"HTTP/1.1\x00", b""]
HEADERS = [
    *(b"Host: localhost", b"Host: localhost", b"Host: localhost", b"Host: evil.example", b"Host:", b"Host: [::1", b"Host: \xff"),
    *(b"Content-Length: 5", b"Content-Length: 0", b"Content-Length: -1", b"Content-Length: 99999999999999999999", b"Content-Length: 1e3"),
    *(b"Content-Length: 5, 5", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity"),
    *(b"Connection: close", b"Connection: keep-alive, Upgrade", b"Upgrade: websocket", b"Upgrade: h2c", b"Expect: 100-continue"),
    *(b"Expect: nonsense", b"Content-Type: application/json", b"Accept: application/json, text/event-stream", b"Accept: text/event-stream"),
    *(b"Authorization: Bearer ", b"Authorization: Bearer \xff\xfe", b"Authorization: Basic eDp5", b"Cookie: " + b"c" * 9000),
    *(b"MCP-Protocol-Version: 2026-07-28", b"MCP-Protocol-Version: 1999-01-01", b"Mcp-Method: tools/call", b"Mcp-Name: \xff"),
    *(
        b"Mcp-Session-Id: x",
        b"Last-Event-ID: 1",
        b"Origin: null",
        b"Origin: http://localhost",
        b" folded",
        b"no colon",
        b": no name",
        b"X\x00: y",
    ),
]
BODIES = [
    *(
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\x00" * 100,
        b"\xff" * 100,
        b"[" * 5000,
        b'{"a":' * 3000,
        b'"' + b"a" * 70000,
        b"1e999999",
        b"NaN",
    ),
    *(json.dumps(body).encode() for body in (INITIALIZE, call("list_projects"), call("search_code", query=""), call("nothing"))),
    *(json.dumps(body).encode() for body in (modern("tools/list")[1], modern("server/discover")[1])),
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_code","arguments":{"query":"\\ud800"}}}',
    b'{"jsonrpc":"2.0","id":{"a":[]},"method":"tools/list"}',
    b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}',
    b'{"jsonrpc":"2.0","id":1,"result":{}}',
]


def head(draw: random.Random) -> bytes:
    """A head that is valid more often than not, so that the bytes get past the first check."""
    decent = draw.random() < 0.6
    method = draw.choice([b"POST", b"GET", b"HEAD"]) if decent else draw.choice(METHODS)
    target = draw.choice(TARGETS[:8]) if decent else draw.choice(TARGETS)
    line = b" ".join((method, target, b"HTTP/1.1" if decent else draw.choice(VERSIONS)))
    headers = draw.sample(HEADERS, draw.randrange(6))
    if decent:
        headers = [b"Host: localhost", b"Content-Type: application/json", b"Accept: application/json, text/event-stream", *headers[:2]]
    ending = draw.choice([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"])
    return ending.join((line, *headers)) + ending * 2


def body(draw: random.Random) -> bytes:
    """A body as it is, in chunks, or in chunks that lie."""
    content = draw.choice(BODIES)
    form = draw.randrange(4)
    if form == 0:
        return content
    if form == 1:
        return b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)
    if form == 2:
        return b"%x;ext=\xff\r\n%s\r\n" % (len(content) + draw.randrange(-2, 3) & 0xFFFFF, content)
    return b"0\r\nTrailer: x\r\n\r\n" + content


def framed(draw: random.Random) -> bytes:
    """A request whose length is right, whatever it says."""
    content = draw.choice(BODIES)
    line = b"POST " + draw.choice(TARGETS[:8]) + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    accept = b"Accept: application/json, text/event-stream\r\n"
    return line + accept + b"Content-Length: %d\r\n\r\n" % len(content) + content


PIECES: list[Callable[[random.Random], bytes]] = [
    head,
    lambda draw: head(draw) + body(draw),
    lambda draw: head(draw) + body(draw),
    framed,
    framed,
    lambda draw: draw.randbytes(draw.randrange(1, 3000)),
]


def spoiled(data: bytes, draw: random.Random) -> bytes:
    """The same with some bytes changed, left out or doubled."""
    changed = bytearray(data)
    for _ in range(draw.randrange(1, 6)):
        if not changed:
            break
        at = draw.randrange(len(changed))
        match draw.randrange(3):
            case 0:
                changed[at] = draw.randrange(256)
            case 1:
                del changed[at : at + draw.randrange(1, 20)]
            case _:
                changed[at:at] = changed[at : at + draw.randrange(1, 40)]
    return bytes(changed)


def send(server: WildServer, number: int) -> None:
    """One connection: some pieces, in parts, and an end of one kind or another."""
    draw = random.Random(f"{SEED} {number}")  # noqa: S311 - nothing secret
    data = b"".join(draw.choice(PIECES)(draw) for _ in range(draw.randrange(1, 5)))
    if draw.random() < 0.3:
        data = spoiled(data, draw)
    with server.connect() as connection, contextlib.suppress(OSError):
        connection.settimeout(0.2)
        for _ in range(draw.randrange(1, 4)):
            part = draw.randrange(1, len(data) + 2)
            connection.sendall(data[:part])
            data = data[part:]
            if draw.random() < 0.3:
                connection.recv(1000)
        connection.sendall(data)
        end = draw.randrange(4)
        if end == 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        elif end == 1:
            connection.shutdown(socket.SHUT_WR)
        if end != 3:
            while connection.recv(65536):
                pass


def test_no_bytes_bring_the_server_down_or_a_traceback_into_its_log() -> None:
    with wild_server("sse", head_seconds=2, body_seconds=2, linger_seconds=1, write_seconds=2) as server:
        before = len(server.sockets())
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda number: send(server, number), range(ROUNDS)))
        assert server.answers() == WELL
        wait_until(lambda: len(server.sockets()) <= before)
