"""MCP over stdin and stdout, one client."""

import asyncio
import json
import logging
import signal
import threading
from collections.abc import AsyncIterator
from typing import Any, BinaryIO, cast

import anyio
import anyio.to_thread
from fastmcp import FastMCP
from mcp.server.stdio import stdio_server

from cocosearch.serving.wire import MAX_LINE_BYTES, Heard, Wire

log = logging.getLogger(__name__)

_QUEUED_LINES = 64


class _Lines:
    """What was heard before, then the lines of the wire.

    They are read in a daemon thread: a read that waits for the client never holds up the end of the process.
    """

    def __init__(self, stream: BinaryIO, heard: Heard, answered: asyncio.Event) -> None:
        self._stream = stream
        self._heard = heard
        self._answered = answered
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(_QUEUED_LINES)
        threading.Thread(target=self._read, name="stdio-reader", daemon=True).start()

    async def __aiter__(self) -> AsyncIterator[str]:
        for heard in self._heard.lines:
            yield heard.decode(errors="replace")
            await self._answered.wait()  # the session exists from then on
        while (line := await self._queue.get()) is not None:
            yield line

    def _read(self) -> None:
        while True:
            line = self._stream.readline(MAX_LINE_BYTES + 1)
            if len(line) > MAX_LINE_BYTES:
                log.error("a message of more than %d bytes arrived on stdin; ending", MAX_LINE_BYTES)
                line = b""
            try:
                asyncio.run_coroutine_threadsafe(self._queue.put(line.decode(errors="replace") if line else None), self._loop).result()
            except (RuntimeError, asyncio.CancelledError):  # the loop has ended, and with it the interest in more
                return
            if not line:
                return


class _Output:
    """The wire's writing side; a slow client holds up its own answers and nothing else.

    The answer to a request that was answered before is dropped.
    """

    def __init__(self, stream: BinaryIO, heard: Heard, answered: asyncio.Event) -> None:
        self._stream = stream
        self._heard = heard
        self._answered = answered

    async def write(self, text: str) -> None:
        """Send one message."""
        if not self._answered.is_set():
            message = json.loads(text)
            if "method" not in message and message.get("id") == self._heard.initialize_id:
                self._answered.set()
                return
        await anyio.to_thread.run_sync(self._stream.write, text.encode())

    async def flush(self) -> None:
        """Have it arrive."""
        await anyio.to_thread.run_sync(self._stream.flush)


async def serve_wire(mcp: FastMCP[Any], wire: Wire, heard: Heard) -> None:
    """Serve one client until it closes stdin, or until SIGTERM or SIGINT; the server's connections are closed in every case.

    Args:
        mcp: the server.
        wire: the client's stream from here on.
        heard: what the client said before; the server takes it in without answering it once more.
    """
    answered = asyncio.Event()
    if heard.initialize_id is None:
        answered.set()
    loop = asyncio.get_running_loop()
    with anyio.CancelScope() as scope:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, scope.cancel)
        # fastmcp's own run_stdio_async takes no streams: it would read descriptor 0 in a way that SIGTERM cannot end.
        server = mcp._mcp_server  # noqa: SLF001
        lines = cast("anyio.AsyncFile[str]", _Lines(wire.input, heard, answered))
        output = cast("anyio.AsyncFile[str]", _Output(wire.output, heard, answered))
        async with stdio_server(lines, output) as (incoming, outgoing):
            log.info("serving MCP on stdin and stdout")
            await server.run(incoming, outgoing, server.create_initialization_options())
