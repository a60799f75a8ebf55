"""What asyncio makes of a listening socket."""

import asyncio
import socket


def sends_at_once(listening: socket.socket) -> bool:
    """Whether a server on this socket, which is closed then, sends what it writes without Nagle's wait for an acknowledgement.

    Headers and body are two writes: where it waits, the second leaves when the client's delayed acknowledgement has come, 40 ms later.
    """
    accepted: asyncio.Queue[int] = asyncio.Queue()

    def on_connection(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.put_nowait(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async def connect() -> int:
        async with await asyncio.start_server(on_connection, sock=listening):
            with socket.create_connection(listening.getsockname()):
                return await accepted.get()

    return asyncio.run(connect()) == 1
