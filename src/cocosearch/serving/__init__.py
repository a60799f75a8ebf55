"""Serving: MCP over stdio or HTTP, health, and what keeps strangers out."""

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastmcp import FastMCP

    from cocosearch.settings import Settings

__all__ = ["load_stdio_server", "serve_http"]


def serve_http(settings: "Settings") -> None:
    """Serve MCP over HTTP as `settings.transport` says, until a signal comes.

    Raises:
        ConfigurationError: it would be open to other machines without a token, the token file is not usable, or the port is taken.
    """
    _log_to_stderr(settings)
    from cocosearch.serving.backend import appliance_backend
    from cocosearch.serving.server import build_server, listen

    server = build_server(settings, appliance_backend(settings))
    sockets = listen(settings)
    for listening in sockets:
        host, port = listening.getsockname()[:2]
        logging.getLogger(__name__).info("serving MCP on %s port %d (%s)", host, port, settings.transport.value)
    server.run(sockets=sockets)


def load_stdio_server(settings: "Settings") -> "FastMCP[Any]":
    """The server for a client on stdin and stdout; imports what it needs."""
    _log_to_stderr(settings)
    from cocosearch.serving.backend import appliance_backend
    from cocosearch.serving.dispatch import CallLog
    from cocosearch.serving.mcp import build_mcp

    return build_mcp(settings, appliance_backend(settings), CallLog())


def _log_to_stderr(settings: "Settings") -> None:
    """One plain line for each record, on stderr, for every library; journald adds the time."""
    from cocosearch.process.logs import log_to_stderr

    log_to_stderr(settings.log_level.value, quiet=("httpx", "httpcore", "mcp", "sse_starlette", "asyncio"))
    import fastmcp  # noqa: F401 - sets up a logger with colours and boxes, which is then taken back

    boxed = logging.getLogger("fastmcp")
    for handler in list(boxed.handlers):
        boxed.removeHandler(handler)
    boxed.propagate = True
