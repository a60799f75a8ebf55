"""What a client without a token is told, in each place where one looks: the 401, and the OAuth endpoints that it tries next.

MCP clients answer a 401 with OAuth discovery and dynamic registration, and show a person the `error_description` that they get there.
"""

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

SENTENCE = (
    "This server takes a static bearer token and no OAuth: send the header `Authorization: Bearer TOKEN`, by the client's configuration. "
    "The token is made on the server: `sudo cat /var/lib/cocosearch/credentials/token`."
)
WRONG = f"The bearer token is not one of this server's. {SENTENCE}"

_PROTECTED_RESOURCE = "/.well-known/oauth-protected-resource"
_DISCOVERY = (
    _PROTECTED_RESOURCE,
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
)
_NO_STORE = {"Cache-Control": "no-store"}


class RequireToken:
    """ASGI middleware around one route: 401 with the sentence, unless a verified token came with the request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if isinstance(scope.get("user"), AuthenticatedUser):
            await self._app(scope, receive, send)
        else:
            await _challenge(presented=_has_bearer(scope))(scope, receive, send)


def _has_bearer(scope: Scope) -> bool:
    return any(name == b"authorization" and value[:7].lower() == b"bearer " for name, value in scope["headers"])


def _challenge(*, presented: bool) -> Response:
    """RFC 6750: an error code only where a token was presented."""
    described = f'error_description="{WRONG if presented else SENTENCE}"'
    parameters = ['realm="cocosearch"', 'error="invalid_token"', described] if presented else ['realm="cocosearch"', described]
    return JSONResponse(
        {"error": "invalid_token" if presented else "token_required", "error_description": WRONG if presented else SENTENCE},
        status_code=401,
        headers={"WWW-Authenticate": f"Bearer {', '.join(parameters)}", **_NO_STORE},
    )


def oauth_routes(*paths: str) -> list[BaseRoute]:
    """The endpoints of OAuth: there is nothing to discover, and every attempt to register or sign in gets the sentence.

    Args:
        paths: of the MCP endpoints, behind which some clients look as well.
    """

    async def nothing_to_discover(_: Request) -> Response:
        return JSONResponse({"error": "not_found", "error_description": SENTENCE}, status_code=404, headers=_NO_STORE)

    async def refuse(_: Request) -> Response:
        return JSONResponse({"error": "access_denied", "error_description": SENTENCE}, status_code=400, headers=_NO_STORE)

    suffixes = ("", *paths)
    discovery = [f"{place}{suffix}" for place in _DISCOVERY for suffix in suffixes]
    discovery += [f"{path}/.well-known/openid-configuration" for path in paths]
    return [
        *(Route(path, nothing_to_discover, methods=["GET"]) for path in discovery),
        Route("/register", refuse, methods=["POST"]),
        Route("/authorize", refuse, methods=["GET", "POST"]),
        Route("/token", refuse, methods=["POST"]),
    ]
