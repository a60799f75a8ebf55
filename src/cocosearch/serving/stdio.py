"""MCP over stdin and stdout, one client."""

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncIterator
from typing import Any, BinaryIO, cast

import anyio
import anyio.to_thread
from fastmcp import FastMCP
from mcp.server.stdio import stdio_server

from cocosearch.serving.wire import Wire

log = logging.getLogger(__name__)

MAX_LINE_BYTES = 4 * 1024 * 1024
_QUEUED_LINES = 64


class _Lines:
    """Lines of the wire, read in a daemon thread: a read that waits for the client never holds up the end of the process."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(_QUEUED_LINES)
        threading.Thread(target=self._read, name="stdio-reader", daemon=True).start()

    async def __aiter__(self) -> AsyncIterator[str]:
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
    """The wire's writing side; a slow client holds up its own answers and nothing else."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    async def write(self, text: str) -> None:
        """Send one message."""
        await anyio.to_thread.run_sync(self._stream.write, text.encode())

    async def flush(self) -> None:
        """Have it arrive."""
        await anyio.to_thread.run_sync(self._stream.flush)


async def serve_wire(mcp: FastMCP[Any], wire: Wire) -> None:
    """Serve one client until it closes stdin, or until SIGTERM or SIGINT; the server's connections are closed in every case."""
    loop = asyncio.get_running_loop()
    with anyio.CancelScope() as scope:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, scope.cancel)
        # fastmcp's own run_stdio_async takes no streams: it would read descriptor 0 in a way that SIGTERM cannot end.
        server = mcp._mcp_server  # noqa: SLF001
        lines = cast("anyio.AsyncFile[str]", _Lines(wire.input))
        output = cast("anyio.AsyncFile[str]", _Output(wire.output))
        async with stdio_server(lines, output) as (incoming, outgoing):
            log.info("serving MCP on stdin and stdout")
            await server.run(incoming, outgoing, server.create_initialization_options())
