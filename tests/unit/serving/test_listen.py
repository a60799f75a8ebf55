import socket
from pathlib import Path

import pytest
from tests.ports import free_port
from tests.sockets import sends_at_once

from cocosearch.errors import ConfigurationError, ListenError
from cocosearch.serving import serve_http
from cocosearch.serving.server import listen
from cocosearch.settings import Settings


def settings(**given: object) -> Settings:
    return Settings.model_validate({"transport": "http", **given})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1"])  # noqa: S104
def test_beyond_loopback_a_token_file_is_needed(host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Refusing to listen on .* without a token.*token create.*COCOSEARCH_TOKEN_FILE"):
        listen(settings(host=host))


def test_serve_refuses_before_anything_listens() -> None:
    port = free_port()
    with pytest.raises(ConfigurationError, match="without a token"):
        serve_http(settings(host="0.0.0.0", port=port))  # noqa: S104
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))


def test_serve_refuses_a_token_file_that_is_not_usable(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"token file .* cannot be read"):
        serve_http(settings(host="127.0.0.1", port=free_port(), token_file=tmp_path / "missing"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_loopback_needs_none(host: str) -> None:
    bound = listen(settings(host=host, port=free_port()))
    assert bound
    for opened in bound:
        assert opened.getsockname()[0] in {"127.0.0.1", "127.0.0.2", "::1"}
        opened.close()


def test_with_a_token_file_every_address_may_be_bound(token_file: Path) -> None:
    (opened,) = listen(settings(host="0.0.0.0", port=free_port(), token_file=token_file))  # noqa: S104
    with opened:
        assert opened.getsockname()[0] == "0.0.0.0"  # noqa: S104


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="takes IPv6")
def test_every_address_of_both_families(token_file: Path) -> None:
    port = free_port()
    (opened,) = listen(settings(host="::", port=port, token_file=token_file))
    with opened:
        opened.listen()
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert client.getpeername() == ("127.0.0.1", port)


def test_answers_are_sent_at_once() -> None:
    (opened,) = listen(settings(host="127.0.0.1", port=free_port()))
    assert sends_at_once(opened)


def test_a_taken_port_is_a_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ListenError, match=rf"Cannot listen on 127\.0\.0\.1 port {port}: Address already in use.*COCOSEARCH_PORT"):
            listen(settings(port=port))


def test_a_host_that_is_none_is_a_sentence(token_file: Path) -> None:
    with pytest.raises(ListenError, match=r"COCOSEARCH_HOST='no-such-host\.invalid' is not an address"):
        listen(settings(host="no-such-host.invalid"))
    with pytest.raises(ListenError, match="Cannot assign requested address"):
        listen(settings(host="192.0.2.1", token_file=token_file))
