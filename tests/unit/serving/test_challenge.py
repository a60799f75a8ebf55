"""What a client without a token is told."""

import os
from pathlib import Path

import httpx
import pytest
from tests.unit.serving.fakes import ACCEPT, INITIALIZE, serving

SENTENCE = "send the header `Authorization: Bearer TOKEN`"
WHERE = "sudo cat /var/lib/cocosearch/credentials/token"
NO_ADVICE = ("clear", "re-register", "expired")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/mcp"), ("POST", "/mcp/"), ("GET", "/mcp"), ("GET", "/sse"), ("POST", "/messages/")]
)
@pytest.mark.parametrize("token", [None, "0" * 64], ids=["none", "wrong"])
def test_a_401_says_what_to_send_and_where_it_is(guarded: httpx.Client, method: str, path: str, token: str | None) -> None:
    headers = {**ACCEPT, **({"Authorization": f"Bearer {token}"} if token else {})}
    refused = guarded.request(method, path, headers=headers, json=INITIALIZE)
    assert refused.status_code == 401
    challenge, body = refused.headers["www-authenticate"], refused.json()
    assert challenge.startswith('Bearer realm="cocosearch"')
    assert ('error="invalid_token"' in challenge) is (token is not None)
    for told in (challenge, body["error_description"]):
        assert SENTENCE in told
        assert WHERE in told
        assert not any(word in told for word in NO_ADVICE)
    assert body["error"] == ("invalid_token" if token else "token_required")


DISCOVERY = [
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-authorization-server/mcp",
    "/.well-known/openid-configuration",
    "/.well-known/openid-configuration/mcp",
    "/mcp/.well-known/openid-configuration",
    "/.well-known/oauth-protected-resource/sse",
]


@pytest.mark.parametrize("path", DISCOVERY)
def test_there_is_nothing_to_discover(guarded: httpx.Client, path: str) -> None:
    answer = guarded.get(path)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
    assert SENTENCE in answer.json()["error_description"]


@pytest.mark.parametrize(("method", "path"), [("POST", "/register"), ("GET", "/authorize"), ("POST", "/token")])
def test_who_tries_to_register_or_sign_in_gets_the_sentence(guarded: httpx.Client, method: str, path: str) -> None:
    answer = guarded.request(method, path, json={"client_name": "x", "redirect_uris": ["http://localhost/callback"]})
    assert (answer.status_code, answer.json()["error"]) == (400, "access_denied")
    assert SENTENCE in answer.json()["error_description"]
    assert WHERE in answer.json()["error_description"]


def test_a_server_without_tokens_has_no_such_endpoints(server: httpx.Client) -> None:
    assert [server.get(path).status_code for path in DISCOVERY] == [404] * len(DISCOVERY)
    assert server.post("/register", json={}).text == "Not Found"


def test_a_token_that_is_replaced_is_refused_at_once_and_the_new_one_taken(tmp_path: Path) -> None:
    path, old, new = tmp_path / "token", "a" * 40, "b" * 40

    def write(token: str) -> None:
        pending = tmp_path / "pending"
        descriptor = os.open(pending, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(token)
        pending.replace(path)

    def status(client: httpx.Client, token: str) -> int:
        return client.post("/mcp", headers={**ACCEPT, "Authorization": f"Bearer {token}"}, json=INITIALIZE).status_code

    write(old)
    with serving(token_file=path) as client:
        assert (status(client, old), status(client, new)) == (200, 401)
        write(new)
        assert (status(client, old), status(client, new)) == (401, 200)
        path.unlink()
        assert (status(client, old), status(client, new)) == (401, 200)
