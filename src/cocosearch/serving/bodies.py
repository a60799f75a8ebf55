"""Request bodies: whole before anybody works on them, or answered and forgotten."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 4 * 1024 * 1024


class WholeBody:
    """ASGI middleware: the application gets the body in one piece. An upload that breaks off never reaches it.

    The MCP library would treat a client that leaves during its upload as a fault of its own, with a traceback.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body; pass the request on, answer 413, or leave it where the client has left."""
        too_large = _declared_length(scope) > MAX_BODY_BYTES
        body, more = bytearray(), not too_large
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            too_large = len(body) > MAX_BODY_BYTES
            more = bool(message.get("more_body")) and not too_large
        if too_large:
            answer = {"error": "invalid_request", "error_description": f"A request may have {MAX_BODY_BYTES} bytes at most."}
            await JSONResponse(answer, status_code=413)(scope, receive, send)
            return
        whole: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def receive_whole() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, receive_whole, send)


def _declared_length(scope: Scope) -> int:
    """What the header says, which the HTTP parser has checked; 0 for a body in chunks."""
    return next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)
