"""What counts as this machine."""

import pytest

from cocosearch.process.listening import is_loopback


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::1%lo", True),
        ("::ffff:127.0.0.1", True),
        ("shop.localhost", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - that it is not loopback is the point
        ("::", False),
        ("127.0.0.1%lo", False),
        ("fe80::1%eth0", False),
        ("", False),
        ("192.168.1.2", False),
        ("127.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
    ],
)
def test_only_addresses_of_this_machine_are_loopback(host: str, *, loopback: bool) -> None:
    assert is_loopback(host) is loopback
