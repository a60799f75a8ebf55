"""Trouble that a real PostgreSQL is brought into."""

import os
import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

Superuser = psycopg.Connection[tuple[object, ...]]
_CREDENTIALS = "3i"


def server_process(url: str) -> int:
    """The server's main process, as this machine numbers it: whoever listens on its socket."""
    (directory,) = parse_qs(urlsplit(url).query)["host"]
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(f"{directory}/.s.PGSQL.5432")
        given = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(_CREDENTIALS))
    return int(struct.unpack(_CREDENTIALS, given)[0])


@contextmanager
def standing(url: str, *, sessions_too: bool) -> Iterator[None]:
    """The server stands still, as on a machine that has no time for it: it takes no connection, and with `sessions_too` does no work."""
    main = server_process(url)
    children = Path(f"/proc/{main}/task/{main}/children").read_text(encoding="ascii").split() if sessions_too else []
    stopped = [main, *map(int, children)]
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in stopped:
            with suppress(ProcessLookupError):  # a session whose client has gone ends when it wakes up
                os.kill(process, signal.SIGCONT)


@contextmanager
def no_connection_left(url: str) -> Iterator[None]:
    """All connections that the server takes are somebody's."""
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(psycopg.connect(url))
            except psycopg.OperationalError as error:
                assert "too many clients" in str(error)  # noqa: PT017 - how else it ends is a fault of the test
                break
        yield


@contextmanager
def full_disk(superuser: Superuser) -> Iterator[None]:
    """Nothing more can be written to the small disk."""
    superuser.execute("COPY (SELECT) TO PROGRAM 'head --bytes=1G /dev/zero > /small/filler 2>/dev/null || test -s /small/filler'")
    try:
        yield
    finally:
        superuser.execute("COPY (SELECT) TO PROGRAM 'rm /small/filler'")
