"""MCP over HTTP: one ASGI application with /mcp, /health and /live (and the legacy /sse), behind the guard and the tokens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
import anyio.to_thread
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import cocosearch
from cocosearch.access.guard import HostOriginGuard
from cocosearch.access.tokens import TokenFile
from cocosearch.access.verifier import FileTokenVerifier
from cocosearch.operations.health import HealthReport
from cocosearch.operations.monitor import HealthMonitor
from cocosearch.serving.backend import Backend
from cocosearch.serving.bodies import WholeBody
from cocosearch.serving.challenge import RequireToken, oauth_routes
from cocosearch.serving.dispatch import CallLog
from cocosearch.serving.mcp import build_mcp
from cocosearch.settings import Settings, Transport

MCP_PATH = "/mcp"
SSE_PATH = "/sse"


def build_app(settings: Settings, backend: Backend, calls: CallLog, tokens: TokenFile | None) -> ASGIApp:
    """The application.

    Args:
        settings: transport, allowed hosts, limits.
        backend: what the tools and the health checks use.
        calls: counts the tool calls, so that a stop can wait for them.
        tokens: accepted bearer tokens for everything but /health and /live; None leaves the server open (loopback only).
    """
    mcp = build_mcp(settings, backend, calls, FileTokenVerifier(tokens) if tokens is not None else None)
    monitor = HealthMonitor(backend.health_checks)
    # Stateless: a search needs no session, and sessions would be memory that anybody can fill.
    mcp_app = mcp.http_app(path=MCP_PATH, stateless_http=True)
    guarded = tokens is not None
    routes = [*_mcp_routes(mcp_app.routes, guarded=guarded), *_status_routes(monitor, open_to_all=not guarded)]
    if settings.transport is Transport.SSE:
        routes += _sse_routes(mcp.http_app(path=SSE_PATH, transport="sse").routes, guarded=guarded)
    if guarded:
        routes += oauth_routes(MCP_PATH, SSE_PATH)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with mcp_app.lifespan(app):
            monitor.start()
            try:
                yield
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(monitor.close)

    app = Starlette(routes=routes, middleware=mcp_app.user_middleware, lifespan=lifespan)
    return HostOriginGuard(app, settings.allowed_hosts)


def _mcp_routes(routes: list[BaseRoute], *, guarded: bool) -> list[BaseRoute]:
    """Each route also with a slash at its end: a redirect would cost every request a round trip, and some clients do not follow it."""
    doubled: list[BaseRoute] = []
    for route in (found for found in routes if isinstance(found, Route)):
        for path in (route.path, route.path + "/"):
            methods = sorted(route.methods or ()) or None
            entrance = Route(path, endpoint=WholeBody(route.app), methods=methods)
            # Without a token the sentence about it comes before any other: some clients try a GET next, and show what they get.
            doubled.append(Route(path, endpoint=RequireToken(entrance.handle)) if guarded else entrance)
    return doubled


def _sse_routes(routes: list[BaseRoute], *, guarded: bool) -> list[BaseRoute]:
    """The stream, and the place for messages that its first event names."""
    return [
        Mount(route.path, app=_entrance(route.app, guarded=guarded))
        if isinstance(route, Mount)
        else Route(SSE_PATH, endpoint=_entrance(_LegacyStream(cast("Route", route).app), guarded=guarded), methods=["GET"])
        for route in routes
    ]


def _entrance(app: ASGIApp, *, guarded: bool) -> ASGIApp:
    return RequireToken(WholeBody(app)) if guarded else WholeBody(app)


class _LegacyStream:
    """The library's stream, with two things put right."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have it name the place for messages relative to itself, so that it is right behind a proxy's path prefix too; end it, once."""
        begun = finished = superfluous = False

        async def send_one_answer(message: Message) -> None:
            nonlocal begun, finished, superfluous
            superfluous = superfluous or finished or (begun and message["type"] == "http.response.start")
            if superfluous:  # after its stream the library answers once more
                return
            begun = True
            finished = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        # The library puts the root path in front: `./messages/?session_id=…`.
        await self._app({**scope, "root_path": "."}, receive, send_one_answer)
        if begun and not finished:  # the server ends
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _status_routes(monitor: HealthMonitor, *, open_to_all: bool) -> list[BaseRoute]:
    question = _SharedQuestion(monitor)

    async def health(request: Request) -> Response:
        """Whether searches work, part by part: 200 or 503. The sentences go to clients that show a token."""
        report = await question.report()
        body: dict[str, Any] = {"status": report.overall.value, "parts": {part.name: part.state.value for part in report.parts}}
        if open_to_all or isinstance(request.scope.get("user"), AuthenticatedUser):
            body["version"] = cocosearch.__version__
            body["details"] = {part.name: part.detail for part in report.parts}
        return JSONResponse(body, status_code=200 if report.ok else 503, headers={"Cache-Control": "no-store"})

    async def live(_: Request) -> Response:
        """Whether the process serves at all, whatever the database and Ollama do."""
        return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})

    return [Route("/health", health, methods=["GET"]), Route("/live", live, methods=["GET"])]


class _SharedQuestion:
    """Asks the monitor in a thread of its own, once for all who want to know at the same time: a flood of questions delays nothing."""

    def __init__(self, monitor: HealthMonitor) -> None:
        self._monitor = monitor
        self._thread = anyio.CapacityLimiter(1)
        self._asking: asyncio.Task[HealthReport] | None = None

    async def report(self) -> HealthReport:
        """The monitor's report, at most its waiting time old."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(anyio.to_thread.run_sync(self._monitor.report, limiter=self._thread))
        return await asyncio.shield(self._asking)
