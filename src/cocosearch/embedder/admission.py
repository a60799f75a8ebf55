"""Bounds on what waits inside the server: requests at once, and bytes of their bodies."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_PENDING_BYTES = 64 * 1024 * 1024
MAX_PENDING_REQUESTS = 512  # Ollama's own bound (OLLAMA_MAX_QUEUE)


class BusyError(Exception):
    """Too much is waiting already."""


class BodyTooLargeError(Exception):
    """One request's body is larger than the server takes."""


@dataclass(slots=True)
class Admission:
    """Counts what is inside; used from the event loop alone, so it needs no lock."""

    max_requests: int = MAX_PENDING_REQUESTS
    max_body_bytes: int = MAX_BODY_BYTES
    max_pending_bytes: int = MAX_PENDING_BYTES
    requests: int = 0
    pending_bytes: int = 0

    @contextmanager
    def enter(self) -> Iterator["Ticket"]:
        """Let a request in, and forget it and its bytes at the end of the block.

        Raises:
            BusyError: as many requests as allowed are inside.
        """
        if self.requests >= self.max_requests:
            raise BusyError
        ticket = Ticket(self)
        self.requests += 1
        try:
            yield ticket
        finally:
            self.requests -= 1
            self.pending_bytes -= ticket.size


@dataclass(slots=True)
class Ticket:
    """One request inside."""

    admission: Admission
    size: int = 0

    async def read(self, stream: AsyncIterator[bytes]) -> bytes:
        """Read a body.

        Raises:
            BodyTooLargeError: the body exceeds its bound.
            BusyError: the bodies of all requests together exceed theirs.
        """
        body = bytearray()
        async for piece in stream:
            body += piece
            self.size += len(piece)
            self.admission.pending_bytes += len(piece)
            if self.size > self.admission.max_body_bytes:
                raise BodyTooLargeError
            if self.admission.pending_bytes > self.admission.max_pending_bytes:
                raise BusyError
        return bytes(body)
