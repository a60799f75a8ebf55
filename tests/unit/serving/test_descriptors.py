"""What the server says of file descriptors that it has not."""

import asyncio
import socket

import pytest

from cocosearch.serving.descriptors import take_note_of_exhaustion


async def test_a_server_that_ends_within_a_second_of_an_exhaustion_logs_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """asyncio listens again a second after it could accept nothing: by then the socket may be closed."""
    loop = asyncio.get_running_loop()
    take_note_of_exhaustion(loop)
    closed = socket.socket()
    closed.close()
    loop.call_soon(loop._start_serving, asyncio.Protocol, closed)  # type: ignore[attr-defined]  # noqa: SLF001 - as asyncio does it
    await asyncio.sleep(0.01)
    assert not caplog.records
    loop.call_soon(closed.getsockname)
    await asyncio.sleep(0.01)
    assert "Exception in callback" in caplog.text
