"""File descriptors: enough of them for the connections, and one sentence where the system has no more."""

import asyncio
import errno
import logging
import resource
import time
from dataclasses import replace
from typing import Any

from cocosearch.serving.connections import ConnectionLimits

log = logging.getLogger(__name__)

WANTED = 4096
FOR_OTHERS = 128  # the database's connections, the model's, the log, libraries
FEWEST = 16
SAY_AGAIN_SECONDS = 60.0

# What asyncio (of CPython 3.11 to 3.14) calls a second after it could accept nothing, whatever has become of the socket.
_LISTENS_AGAIN = "._start_serving("
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def raise_limit() -> int:
    """Have this process open up to 4096 files if it may, and say how many it can: systemd starts services with a soft limit of 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return WANTED if soft == resource.RLIM_INFINITY else soft


def fit(limits: ConnectionLimits, files: int, at_once: int) -> ConnectionLimits:
    """The limits for a process that may open so many files.

    Args:
        limits: what is wished.
        files: the process's limit.
        at_once: connections that may be accepted before any of them can be refused.
    """
    room = max(FEWEST, files - FOR_OTHERS - limits.probes - at_once)
    return limits if limits.total <= room else replace(limits, total=room, loopback_only=min(limits.loopback_only, room // 4))


def take_note_of_exhaustion(loop: asyncio.AbstractEventLoop) -> None:
    """Log a sentence instead of a traceback when a connection cannot be accepted; asyncio tries again after a second by itself."""
    said = 0.0

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal said
        error = context.get("exception")
        if isinstance(error, ValueError) and _LISTENS_AGAIN in repr(context.get("handle")):
            return  # too late: the server ends, and its socket is closed
        if not (isinstance(error, OSError) and error.errno in _EXHAUSTED and "accept" in str(context.get("message"))):
            loop.default_exception_handler(context)
            return
        if not said or time.monotonic() - said >= SAY_AGAIN_SECONDS:
            said = time.monotonic()
            log.error("connections have to wait: %s. The service's LimitNOFILE= may be too low.", error.strerror)

    loop.set_exception_handler(handle)
