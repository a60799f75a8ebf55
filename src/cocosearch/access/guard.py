"""Refuses requests that a foreign web page could have sent: Host and Origin are checked before anything else sees a request.

DNS rebinding gives a page of `evil.example` the address of this machine, so the browser sends it here with `Host: evil.example`;
a plain cross-site request carries `Origin: http://evil.example`. Neither name is ever one of ours.
"""

import logging
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from cocosearch.process.listening import LOOPBACK_NAMES, address_of

log = logging.getLogger(__name__)

# A load balancer's probe may be HTTP/1.0 and name no host; a browser, whom the check of the name is for, always does.
_ANSWERED_WITHOUT_HOST = frozenset({"/live", "/health"})


def host_name(authority: str) -> str | None:
    """Host part of `host[:port]`, lower case, without brackets, trailing dot or port; None if it is malformed."""
    try:
        parts = urlsplit("//" + authority.strip())
        _ = parts.port  # raises if it is no number
    except ValueError:
        return None
    if not parts.hostname or parts.path or parts.query or parts.fragment or parts.username is not None or parts.password is not None:
        return None
    return _canonical(parts.hostname.rstrip("."))


def _canonical(host: str) -> str:
    """One spelling for each address (`::ffff:127.0.0.1` is `127.0.0.1`); names in lower case."""
    address = address_of(host)
    return host.lower() if address is None else str(address)


class HostOriginGuard:
    """ASGI middleware around every route.

    A Host is ours if it is a loopback name, the address at which the connection arrived, or one of `allowed_hosts`; ports do not matter.
    A probe of HTTP/1.0 may leave it out.
    An Origin may be absent, as programs leave it out, or name a host that is ours. Anything else: 421 for the Host, 403 for the Origin.
    """

    def __init__(self, app: ASGIApp, allowed_hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._allowed = LOOPBACK_NAMES | {name for host in allowed_hosts if (name := host_name(_bracketed(host)))}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with the refusal."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
            return
        log.warning("refused a request: status=%d path=%s", refusal.status_code, ascii(scope.get("path", ""))[:80])
        await refusal(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        if scope["type"] != "http":
            return PlainTextResponse("Only HTTP is served here.\n", status_code=403)
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        is_old_probe = not hosts and scope.get("http_version") == "1.0" and scope["path"] in _ANSWERED_WITHOUT_HOST
        if not is_old_probe and (len(hosts) != 1 or not self._is_ours(host_name(hosts[0]), scope)):
            return PlainTextResponse(
                "This server does not answer to the name in the Host header. "
                "If clients should reach it under that name, add the name to COCOSEARCH_ALLOWED_HOSTS.\n",
                status_code=421,
            )
        for origin in headers.getlist("origin"):
            scheme, separator, authority = origin.partition("://")
            if not separator or scheme.lower() not in {"http", "https"} or not self._is_ours(host_name(authority), scope):
                return PlainTextResponse(
                    "Requests from web pages of that origin are refused. If it is yours, add its host name to COCOSEARCH_ALLOWED_HOSTS.\n",
                    status_code=403,
                )
        return None

    def _is_ours(self, host: str | None, scope: Scope) -> bool:
        if host is None:
            return False
        server = scope.get("server")
        return host in self._allowed or (server is not None and host == _canonical(str(server[0])))


def _bracketed(host: str) -> str:
    """A bare IPv6 address, as people write it in a list of hosts, with the brackets of a Host header."""
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host
