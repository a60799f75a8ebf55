"""What counts as this machine."""

import pytest

from cocosearch.process.listening import address_of, is_loopback


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
        ("127.0.0.1%", False),
        ("::1%", False),
        ("::1%lo%lo", False),
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


def test_a_zone_is_no_part_of_an_address() -> None:
    assert address_of("fe80::1%eth0") == address_of("fe80::1")
    assert str(address_of("::ffff:10.0.0.1%eth0")) == "10.0.0.1"
