"""Serving: MCP over stdio or HTTP, health, and what keeps strangers out."""

import logging
import sys

from cocosearch.settings import Settings, Transport

__all__ = ["serve"]


def serve(settings: Settings) -> None:
    """Serve MCP as `settings.transport` says, until the client leaves (stdio) or a signal comes (HTTP).

    Raises:
        ConfigurationError: it would be open to other machines without a token, the token file is not usable, or the port is taken.
    """
    if settings.transport is Transport.STDIO:
        _serve_stdio(settings)
    else:
        _serve_http(settings)


def _serve_http(settings: Settings) -> None:
    _log_to_stderr(settings)
    from cocosearch.serving.backend import appliance_backend
    from cocosearch.serving.server import build_server, listen

    server = build_server(settings, appliance_backend(settings))
    sockets = listen(settings)
    for listening in sockets:
        host, port = listening.getsockname()[:2]
        logging.getLogger(__name__).info("serving MCP on %s port %d (%s)", host, port, settings.transport.value)
    server.run(sockets=sockets)


def _serve_stdio(settings: Settings) -> None:
    from cocosearch.serving.wire import claim_wire

    wire = claim_wire()  # before fastmcp and the rest are imported: what they print must not reach the client
    _log_to_stderr(settings)
    import anyio

    from cocosearch.serving.backend import appliance_backend
    from cocosearch.serving.dispatch import CallLog
    from cocosearch.serving.mcp import build_mcp
    from cocosearch.serving.stdio import serve_wire

    anyio.run(serve_wire, build_mcp(settings, appliance_backend(settings), CallLog()), wire)


def _log_to_stderr(settings: Settings) -> None:
    """One plain line for each record, on stderr, for every library; journald adds the time."""
    logging.basicConfig(level=settings.log_level.value.upper(), stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s", force=True)
    for quiet in ("httpx", "httpcore", "mcp", "sse_starlette", "asyncio"):
        logging.getLogger(quiet).setLevel(max(logging.WARNING, logging.getLogger().level))
    import fastmcp  # noqa: F401 - sets up a logger with colours and boxes, which is then taken back

    boxed = logging.getLogger("fastmcp")
    for handler in list(boxed.handlers):
        boxed.removeHandler(handler)
    boxed.propagate = True
