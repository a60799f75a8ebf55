import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send
from tests.unit.serving.fakes import ACCEPT, call

from cocosearch.access.guard import HostOriginGuard, host_name


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        ("localhost", "localhost"),
        ("LOCALHOST:8080", "localhost"),
        ("localhost.", "localhost"),
        ("127.0.0.1:8080", "127.0.0.1"),
        ("[::1]:8080", "::1"),
        ("[0:0:0:0:0:0:0:1]", "::1"),
        ("[::ffff:127.0.0.1]:80", "127.0.0.1"),
        ("", None),
        (":8080", None),
        ("localhost:port", None),
        ("localhost:99999", None),
        ("localhost@evil.example", None),
        ("evil.example/localhost", None),
        ("localhost?x", None),
        ("localhost#x", None),
        ("[::1", None),
        ("::1", None),
    ],
)
def test_host_name(authority: str, expected: str | None) -> None:
    assert host_name(authority) == expected


ROUTES = ["/mcp", "/mcp/", "/health", "/live", "/", "/nothing"]
FOREIGN_HOSTS = [
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "192.0.2.7",
    "2130706433",
    "appliance.lan.evil",
    "evil@localhost",
]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_foreign_hosts_are_refused_on_every_route(server: httpx.Client, route: str, host: str) -> None:
    refused = server.post(route, headers={**ACCEPT, "Host": host}, json=call("list_projects"))
    assert refused.status_code == 421
    assert "COCOSEARCH_ALLOWED_HOSTS" in refused.text


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "origin", ["http://evil", "null", "https://evil.example", "file://", "http://localhost.evil.example", "localhost", ""]
)
def test_foreign_origins_are_refused_on_every_route(server: httpx.Client, route: str, origin: str) -> None:
    refused = server.post(route, headers={**ACCEPT, "Origin": origin}, json=call("list_projects"))
    assert refused.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost"},
        {"Host": "localhost:3000"},
        {"Host": "[::1]:8080"},
        {"Host": "appliance.lan"},
        {"Host": "APPLIANCE.lan:8080"},
        {"Host": "code.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "https://appliance.lan"},
    ],
)
def test_own_names_are_served(server: httpx.Client, headers: dict[str, str]) -> None:
    assert server.get("/health", headers=headers).status_code == 200
    answer = server.post("/mcp", headers={**ACCEPT, **headers}, json=call("list_projects"))
    assert answer.status_code == 200
    assert '"isError":false' in answer.text


def test_there_are_no_cors_headers(server: httpx.Client) -> None:
    preflight = server.options("/mcp", headers={"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 405
    assert not [name for name in preflight.headers if name.startswith("access-control")]


async def _status(headers: list[tuple[bytes, bytes]], server: tuple[str, int] | None, kind: str = "http") -> int:
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": kind, "method": "GET", "path": "/mcp", "headers": headers, "server": server}
    await HostOriginGuard(app, ["fd00::5"])(scope, receive, send)
    return int(sent[0]["status"])


async def test_the_address_the_connection_arrived_on_is_ours_and_no_other() -> None:
    assert await _status([(b"host", b"192.0.2.1:8080")], ("192.0.2.1", 8080)) == 200
    assert await _status([(b"host", b"192.0.2.1:8080")], ("::ffff:192.0.2.1", 8080)) == 200
    assert await _status([(b"host", b"192.0.2.1:8080")], ("192.0.2.2", 8080)) == 421
    assert await _status([(b"host", b"192.0.2.1")], None) == 421
    assert await _status([(b"host", b"[fd00::5]:8080")], ("192.0.2.1", 8080)) == 200


async def test_no_host_two_hosts_and_other_protocols_are_refused() -> None:
    assert await _status([], ("127.0.0.1", 8080)) == 421
    assert await _status([(b"host", b"localhost"), (b"host", b"evil.example")], ("127.0.0.1", 8080)) == 421
    both = [(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"origin", b"http://evil")]
    assert await _status(both, ("127.0.0.1", 8080)) == 403
    assert await _status([(b"host", b"localhost")], ("127.0.0.1", 8080), "websocket") == 403
