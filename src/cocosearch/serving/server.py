"""The listening process: sockets, readiness, and an end that lets running calls finish."""

import asyncio
import errno
import logging
import socket
from functools import partial
from typing import Any, cast

import uvicorn
from sse_starlette.sse import AppStatus
from starlette.types import ASGIApp

from cocosearch.access.tokens import TokenFile
from cocosearch.errors import ConfigurationError, ListenError
from cocosearch.process.listening import bound_socket, is_loopback
from cocosearch.process.notifying_server import NotifyingServer
from cocosearch.process.sdnotify import Watchdog
from cocosearch.serving.backend import Backend
from cocosearch.serving.connections import ConnectionLimits, Connections
from cocosearch.serving.descriptors import fit, raise_limit, take_note_of_exhaustion
from cocosearch.serving.dispatch import CallLog
from cocosearch.serving.http import build_app
from cocosearch.serving.protocol import BoundedProtocol
from cocosearch.serving.repetition import log_strangers_once
from cocosearch.settings import Settings

log = logging.getLogger(__name__)

DRAIN_SECONDS = 10
LAST_EVENT_SECONDS = 0.2
BACKLOG = 512
SEND_BUFFER_BYTES = 262_144
TICKS_A_SECOND = 10  # uvicorn's


class HttpServer(NotifyingServer):
    """The server that feeds systemd's watchdog, ends overdue connections, and drains both kinds of MCP stream.

    On SIGTERM it takes no more connections, lets the calls under way finish for ten seconds, then ends open event streams and runs the
    application's teardown.
    """

    def __init__(self, config: uvicorn.Config, calls: CallLog, connections: Connections) -> None:
        super().__init__(config)
        self._calls = calls
        self._connections = connections
        self._watchdog = Watchdog()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application and listen; then the service is ready."""
        # By itself sse-starlette cuts every event stream when a signal arrives, also the one that carries a running call's answer.
        AppStatus.enable_automatic_graceful_drain = False
        AppStatus.should_exit = False
        take_note_of_exhaustion(asyncio.get_running_loop())
        log_strangers_once()
        await super().startup(sockets)

    async def on_tick(self, counter: int) -> bool:
        """End overdue connections, and tell systemd that the event loop runs (`WatchdogSec=` of its unit), once a second."""
        if counter % TICKS_A_SECOND == 0:
            self._watchdog.feed()
            self._connections.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain and tear down."""
        ending = asyncio.create_task(self._end_streams_when_idle())
        try:
            await super().shutdown(sockets)
        finally:
            ending.cancel()

    async def _end_streams_when_idle(self) -> None:
        """Streams that would stay open for ever (legacy /sse) end once no call needs them."""
        await self._calls.wait_idle()
        await asyncio.sleep(LAST_EVENT_SECONDS)  # the last answer is on its way through its stream
        AppStatus.should_exit = True


def build_server(settings: Settings, backend: Backend, limits: ConnectionLimits = ConnectionLimits()) -> HttpServer:  # noqa: B008 - frozen
    """The server for an application over `backend`; `run(sockets=listen(settings))` serves until a signal.

    Args:
        settings: where clients come from, and what they must show.
        backend: what the application asks.
        limits: what connections may do; fewer of them where the process may not open as many files.

    Raises:
        ConfigurationError: the token file is not usable.
    """
    tokens = TokenFile(settings.token_file) if settings.token_file else None
    calls = CallLog()
    connections = Connections(fit(limits, raise_limit(), at_once=BACKLOG))
    return HttpServer(_config(build_app(settings, backend, calls, tokens), connections), calls, connections)


def _config(app: ASGIApp, connections: Connections) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=cast("type[Any]", partial(BoundedProtocol, connections)),  # uvicorn calls it, once for each connection
        log_config=None,  # everything goes to the root logger, on stderr
        access_log=False,  # one line for each tool call says more, and a path with a token in it would end up there
        lifespan="on",
        ws="none",
        proxy_headers=False,  # nobody may say for somebody else where a request came from
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def listen(settings: Settings) -> list[socket.socket]:
    """Sockets bound to every address of `settings.host`; nothing is accepted on them yet.

    Raises:
        ConfigurationError: an address can be reached from other machines and there is no token file.
        ListenError: it cannot be bound.
    """
    try:
        found = socket.getaddrinfo(settings.host or None, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ListenError(f"COCOSEARCH_HOST='{settings.host}' is not an address of this machine: {error}.") from error
    addresses = list(dict.fromkeys((family, str(address[0]), address) for family, _, _, _, address in found))
    if settings.token_file is None:
        for _, host, _ in addresses:
            if not is_loopback(host):
                raise ConfigurationError(
                    f"Refusing to listen on {settings.host or 'every address'} without a token: other machines could search the code. "
                    "Make one with `cocosearch token create FILE` and set COCOSEARCH_TOKEN_FILE=FILE, or set COCOSEARCH_HOST=127.0.0.1."
                )
    bound: list[socket.socket] = []
    failure: OSError | None = None
    for family, _, address in addresses:
        try:
            bound.append(bound_socket(family, address, _options(family, alone=len(addresses) == 1)))
        except OSError as error:
            failure = error
            if len(addresses) == 1 or error.errno == errno.EADDRINUSE:
                break
    else:
        failure = None if bound else failure
    if failure is not None:
        for opened in bound:
            opened.close()
        raise ListenError(
            f"Cannot listen on {settings.host} port {settings.port}: {failure.strerror}. "
            "Another program may have the port (`ss -ltnp` shows it); set COCOSEARCH_PORT to a free one."
        ) from failure
    return bound


def _options(family: int, *, alone: bool) -> dict[tuple[int, int], int]:
    # Each connection takes it over. By itself the kernel keeps up to four megabytes for a client that does not read.
    options = {(socket.SOL_SOCKET, socket.SO_SNDBUF): SEND_BUFFER_BYTES}
    if family == socket.AF_INET6:
        # `::` alone takes IPv4 too; beside a socket for IPv4 it must leave that to it.
        options[socket.IPPROTO_IPV6, socket.IPV6_V6ONLY] = 0 if alone else 1
    return options
