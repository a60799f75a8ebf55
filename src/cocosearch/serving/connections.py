"""Who may hold a connection, and for how long: places, their fair share, and deadlines for clients that do not keep going.

No client can block another by opening connections: where places run out, one whose client has yet to send something, or does not read its
answer, is closed. Only answers under way keep theirs; for when those fill the server, a few places more answer the probes.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from ipaddress import IPv6Address, ip_network
from typing import Protocol

from cocosearch.process.listening import address_of, is_loopback

log = logging.getLogger(__name__)

LOOPBACK = "this machine"
REPORT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Numbers of connections, and how long a client may take.

    Attributes:
        total: connections that are open at once.
        loopback_only: those among them that only clients on this machine get.
        per_address: connections from one address (of IPv6 from one /64); clients on this machine, such as a reverse proxy, are not counted.
        probes: connections beyond the total that are answered for /live and /health alone.
        head_seconds: from the start of a connection, or the end of its last answer, to the end of the next request's head.
        body_seconds: for the body of a request, beside what its size allows.
        body_bytes_per_second: least speed of a body.
        linger_seconds: for the rest of a body whose request has been answered already.
        write_seconds: for reading `write_bytes` of an answer, or what is left of it.
        write_bytes: see there.
    """

    total: int = 512
    loopback_only: int = 64
    per_address: int = 128
    probes: int = 64
    head_seconds: float = 10.0
    body_seconds: float = 10.0
    body_bytes_per_second: float = 4096.0
    linger_seconds: float = 2.0
    write_seconds: float = 20.0
    write_bytes: int = 16_384


class Phase(Enum):
    """What a connection waits for."""

    HEAD = auto()
    BODY = auto()
    REST_OF_BODY = auto()
    ANSWER = auto()
    READER = auto()
    END = auto()


class Missed(StrEnum):
    """Which deadline a client has missed, for the log."""

    REQUEST = "request not sent"
    BODY = "body not sent"
    END_OF_BODY = "body not ended"
    READING = "answer not read"


class Admission(Enum):
    """What a new connection gets."""

    ANSWERS = auto()
    PROBES_ONLY = auto()
    NOTHING = auto()


# Whose client is waited for, in the order in which they give way.
_GIVING_WAY = {Phase.REST_OF_BODY: 0, Phase.HEAD: 0, Phase.BODY: 1, Phase.READER: 2}


class Connection(Protocol):
    """What the book keeping needs of a connection."""

    source: str
    admission: Admission

    @property
    def phase(self) -> Phase:
        """What it waits for."""

    @property
    def since(self) -> float:
        """When that began, by the monotonic clock."""

    def overdue(self, now: float) -> Missed | None:
        """Which deadline it has missed."""

    def give_up(self) -> None:
        """Tell the client, if that can be, and close."""

    def abort(self) -> None:
        """Close at once."""


def source_of(host: str) -> str:
    """The name under which connections from an address are counted."""
    address = address_of(host)
    if address is None:
        return host
    if is_loopback(host):
        return LOOPBACK
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)


class Connections:
    """The open connections of a server; used on its event loop alone."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._open: set[Connection] = set()
        self._ended: Counter[str] = Counter()
        self._reported = time.monotonic()

    def admit(self, connection: Connection) -> Admission:
        """Enter a new connection, and make room for it where there is none."""
        admission = self._admission(connection.source)
        if admission is Admission.NOTHING:
            self._ended["refused, no place was free"] += 1
        else:
            self._open.add(connection)
        return admission

    def remove(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self._open.discard(connection)

    def sweep(self, now: float) -> None:
        """End the connections whose deadline has passed; to be called every second or so."""
        for connection in list(self._open):
            missed = connection.overdue(now)
            if missed is None:
                continue
            self._ended[missed] += 1
            if connection.phase is Phase.END or missed is Missed.READING:
                connection.abort()
            else:
                connection.give_up()
        if self._ended and now - self._reported >= REPORT_SECONDS:
            self._reported = now
            log.warning(
                "ended connections whose clients did not keep going: %s",
                ", ".join(f"{number} {reason}" for reason, number in sorted(self._ended.items())),
            )
            self._ended.clear()

    def _admission(self, source: str) -> Admission:
        """What a connection from there gets, after others have given way."""
        limits = self.limits
        full = [opened for opened in self._open if opened.admission is Admission.ANSWERS]
        from_source = [opened for opened in full if opened.source == source]
        if source != LOOPBACK and len(from_source) >= limits.per_address:
            free = self._make_room(from_source)
        elif len(full) >= limits.total - (0 if source == LOOPBACK else limits.loopback_only):
            free = self._make_room(full)
        else:
            free = True
        if free:
            return Admission.ANSWERS
        probes = [opened for opened in self._open if opened.admission is Admission.PROBES_ONLY]
        return Admission.PROBES_ONLY if len(probes) < limits.probes or self._make_room(probes) else Admission.NOTHING

    def _make_room(self, connections: Iterable[Connection]) -> bool:
        """Close the one that has kept its place waiting longest, of the source that has most of those; False if there is none."""
        waiting = [connection for connection in connections if connection.phase in _GIVING_WAY]
        if not waiting:
            return False
        crowds = Counter(connection.source for connection in waiting)
        first = min(waiting, key=lambda connection: (-crowds[connection.source], _GIVING_WAY[connection.phase], connection.since))
        self._ended["gave way to others"] += 1
        self._open.discard(first)
        first.abort()
        return True
