"""HTTP/1.1 over one connection: uvicorn's protocol with deadlines, and with answers to clients that break the rules of HTTP."""

import asyncio
import http
import sys
from typing import Any

import h11
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from cocosearch.serving.connections import Admission, Connections, Missed, Phase, source_of

PROBES = frozenset({"/live", "/health"})

_SENTENCES = {
    400: "This is no valid HTTP request.",
    408: "The request did not arrive in time.",
    431: "The head of the request is too large.",
    501: "Of the transfer encodings only 'chunked' is understood.",
}


class BoundedProtocol(H11Protocol):
    """One connection of a server, with the limits of its `connections`."""

    def __init__(self, connections: Connections, **given: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(**given)
        self._book = connections
        self._limits = connections.limits
        self._phase = Phase.HEAD
        self._body_bytes = 0
        self._unread: tuple[float, int] | None = None  # when the client was last seen to read, and what was left for it then
        self.source = ""
        self.admission = Admission.NOTHING
        self.since = self.loop.time()

    @property
    def phase(self) -> Phase:
        """What the connection waits for."""
        if self.transport.is_closing():
            return Phase.END
        if self.flow.write_paused:
            return Phase.READER
        answered = self.cycle is None or self.cycle.response_complete
        if self.conn.their_state is h11.SEND_BODY:
            return Phase.REST_OF_BODY if answered else Phase.BODY
        return Phase.HEAD if answered else Phase.ANSWER

    def overdue(self, now: float) -> Missed | None:
        """Which deadline the client has missed, if any."""
        limits, waited = self._limits, now - self.since
        if self._reads_too_slowly(now):
            return Missed.READING
        match self.phase:
            case Phase.HEAD if waited >= limits.head_seconds:
                return Missed.REQUEST
            case Phase.BODY if not self.flow.read_paused:
                allowed = limits.body_seconds + self._body_bytes / limits.body_bytes_per_second
                return Missed.BODY if waited >= allowed else None
            case Phase.REST_OF_BODY if waited >= limits.linger_seconds:
                return Missed.END_OF_BODY
        return None

    def give_up(self) -> None:
        """Say that the request came too late, where one has begun, and close."""
        if self.phase is Phase.BODY or (self.phase is Phase.HEAD and self.conn.trailing_data[0].strip()):
            self._refuse(408)
        else:
            self.transport.close()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self.transport.abort()

    def _reads_too_slowly(self, now: float) -> bool:
        left = self.transport.get_write_buffer_size()
        if left == 0:
            self._unread = None
            return False
        if self._unread is None or self._unread[1] - left >= self._limits.write_bytes:
            self._unread = (now, left)
        return now - self._unread[0] >= self._limits.write_seconds

    def _refuse(self, status: int) -> None:
        """Answer a request that cannot be taken, unless its answer has begun, and close. Whoever works on it learns that the client left.

        Written past h11, which would take no answer in some of the states that a client can bring it into.
        """
        begun = self.cycle is not None and not self.cycle.response_complete
        if begun:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if (begun and self.cycle.response_started) or self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.abort()
            return
        body = f"{_SENTENCES[status]}\n".encode()
        head = f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        self.transport.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        self.transport.close()

    # What asyncio and uvicorn call.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place; a connection without one is closed, and one beyond the limits is for the probes."""
        super().connection_made(transport)
        self.source = source_of(self.client[0] if self.client else "")
        self.admission = self._book.admit(self)
        if self.admission is Admission.PROBES_ONLY:
            self.app = _probes_only(self.app)
        elif self.admission is Admission.NOTHING:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the place."""
        self._book.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come, and see what is waited for next."""
        super().data_received(data)
        now_waits_for = self.phase
        if now_waits_for is not self._phase:
            self._begin(now_waits_for)
        elif now_waits_for is Phase.BODY:
            self._body_bytes += len(data)

    def on_response_complete(self) -> None:
        """Go on with the next request, or with the rest of this one's body."""
        super().on_response_complete()
        self._begin(self.phase)

    def resume_writing(self) -> None:
        """The client reads."""
        self._unread = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's
        """Answer what is no HTTP; called while h11's error, which names the status, is handled."""
        error = sys.exc_info()[1]
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        self._refuse(status if status in _SENTENCES else 400)

    def shutdown(self) -> None:
        """Close, or let the answer under way finish first; without h11, which has states that refuse to close."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:
            self.cycle.keep_alive = False

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection without a next request."""
        self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing: a request to speak another protocol is answered as if it had not been made, and is no line of the log."""

    def _begin(self, phase: Phase) -> None:
        self._phase = phase
        self.since = self.loop.time()
        self._body_bytes = 0


def _probes_only(app: ASGIApp) -> ASGIApp:
    """The application for a connection beyond the limits: whether the server lives can always be asked."""

    async def probes(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in PROBES:
            await app(scope, receive, send)
            return
        answer = {
            "error": "temporarily_unavailable",
            "error_description": "Too many connections are open, on this server or from this address: try again in a moment.",
        }
        await JSONResponse(answer, status_code=503, headers={"Retry-After": "5", "Connection": "close"})(scope, receive, send)

    return probes
