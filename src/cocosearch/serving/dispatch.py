"""How a tool call is run: in a worker thread with a bounded queue, its errors turned into sentences, one line of log at its end."""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from fastmcp.exceptions import FastMCPError, NotFoundError, ToolError, ValidationError
from fastmcp.server.dependencies import get_access_token
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools.base import Tool, ToolResult
from mcp import MCPError
from mcp_types import INVALID_PARAMS
from pydantic import ValidationError as PydanticValidationError
from pydantic_core import ErrorDetails

from cocosearch.access.text import shortened, shown
from cocosearch.errors import CocosearchError

log = logging.getLogger(__name__)

BUSY_AFTER_SECONDS = 10.0
# Of what an error says, and of a name in it.
MAX_SENTENCE, MAX_NAME = 1500, 60

T = TypeVar("T")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]")


class CallSlots:
    """Runs blocking functions in threads, at most `width` at once; who waits longer than ten seconds for a place is told to come back."""

    def __init__(self, width: int, busy_after_seconds: float = BUSY_AFTER_SECONDS) -> None:
        self._places = anyio.Semaphore(width)
        self._threads = anyio.CapacityLimiter(width)
        self._busy_after = busy_after_seconds

    async def run(self, function: Callable[[], T]) -> T:
        """Result of `function`.

        The place is held until the function has ended, even if the client has gone: a cancelled call that still works on the database
        counts.

        Raises:
            ToolError: with the sentence of a `CocosearchError`, or that the server is busy.
        """
        try:
            with anyio.fail_after(self._busy_after):
                await self._places.acquire()
        except TimeoutError:
            raise ToolError(
                f"The server is busy: no place became free within {self._busy_after:g} seconds. Try again in a moment."
            ) from None
        try:
            return await anyio.to_thread.run_sync(function, limiter=self._threads)
        except CocosearchError as error:
            raise ToolError(shortened(shown(str(error)), MAX_SENTENCE)) from error
        finally:
            self._places.release()


class CallLog(Middleware):
    """Counts the calls under way and writes one line for each: tool, client, outcome, time; never an argument, queries are private."""

    def __init__(self) -> None:
        self._running = 0  # changed on the event loop alone
        self._idle = asyncio.Event()
        self._idle.set()

    async def wait_idle(self) -> None:
        """Return when no call is under way, so that a stop can wait for them."""
        await self._idle.wait()

    async def on_call_tool(self, context: MiddlewareContext[Any], call_next: CallNext[Any, ToolResult]) -> ToolResult:
        """Pass the call on and log its end."""
        started = time.perf_counter()
        outcome = "cancelled"
        self._running += 1
        self._idle.clear()
        try:
            result = await call_next(context)
            outcome = "ok"
        except ToolError:
            outcome = "error"
            raise
        except ValidationError as error:
            outcome = "refused"
            known = await _arguments(context)
            raise ToolError(_bad_arguments(error, known)) from error
        except NotFoundError as error:
            outcome = "refused"
            raise MCPError(INVALID_PARAMS, await _unknown_tool(context)) from error
        except FastMCPError:
            outcome = "refused"
            raise
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()
            token = get_access_token()
            log.info(
                "call tool=%s client=%s outcome=%s ms=%.0f",
                _NOT_IN_NAMES.sub("?", context.message.name)[:60],
                token.client_id if token else "local",
                outcome,
                (time.perf_counter() - started) * 1000,
            )
        return result


async def _tools(context: MiddlewareContext[Any]) -> Sequence[Tool]:
    server = context.fastmcp_context
    return await server.fastmcp.list_tools() if server else ()


async def _arguments(context: MiddlewareContext[Any]) -> list[str]:
    """Names of the arguments that the called tool takes."""
    return [name for tool in await _tools(context) if tool.name == context.message.name for name in tool.parameters["properties"]]


async def _unknown_tool(context: MiddlewareContext[Any]) -> str:
    """The specification of MCP has a protocol error for it, so that no model takes it for an answer."""
    names = [tool.name for tool in await _tools(context)]
    name = context.message.name
    return f"Unknown tool: {_echo(name)}.{_nearest(name, names)} There are {', '.join(names)}."


def _bad_arguments(error: ValidationError, known: Sequence[str]) -> str:
    """What is wrong with which argument, without pydantic's echo of the input and its links."""
    if not isinstance(error.__cause__, PydanticValidationError):
        return "The arguments do not fit this tool; its schema says what it takes."
    faults = [_fault(fault, known) for fault in error.__cause__.errors(include_url=False, include_input=False)]
    return shortened(f"Not valid: {'; '.join(faults)}.", MAX_SENTENCE)


def _fault(fault: ErrorDetails, known: Sequence[str]) -> str:
    name = ".".join(str(part) for part in fault["loc"]) or "arguments"
    if fault["type"] == "unexpected_keyword_argument":
        takes = ", ".join(known) or "none"
        return f"{_echo(name)} is no argument of this tool.{_nearest(name, known)} It takes {takes}"
    if fault["type"].startswith("missing"):
        return f"{name} is missing; this tool needs it"
    return f"{name}: {fault['msg'].removeprefix('Value error, ').removesuffix('.')}"


def _nearest(name: str, known: Sequence[str]) -> str:
    plain = {each.replace("_", ""): each for each in known}
    close = get_close_matches(name.replace("_", "").replace("-", "").lower(), list(plain), n=1, cutoff=0.6)
    begin = [each for each in known if name and (each.startswith(name) or name in each.split("_"))]
    return f" Did you mean '{(begin or [plain[each] for each in close])[0]}'?" if begin or close else ""


def _echo(name: str) -> str:
    return f"'{shortened(shown(name), MAX_NAME)}'"
