"""Addresses and sockets of our servers: what loopback is, one spelling for each address, and sockets that answer without delay."""

import socket
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

# How the header Host names this machine where a client reaches it by loopback.
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The address that is written there, and as IPv4 where it is one in IPv6 (`::ffff:127.0.0.1`); None for a name.

    The zone of an IPv6 address (RFC 6874) is left out: it says on which interface, not what the address is.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))


def is_loopback(host: str) -> bool:
    """Whether an address, or the name localhost (RFC 6761), is reached from this machine only; an empty one stands for every address."""
    address = address_of(host)
    return host == "localhost" or host.endswith(".localhost") if address is None else address.is_loopback


def bound_socket(family: int, address: tuple[object, ...], options: Mapping[tuple[int, int], int] | None = None) -> socket.socket:
    """A TCP socket that has an address and does not listen yet.

    Args:
        family: of the address, and
        address: as `socket.getaddrinfo` gives them.
        options: values of more socket options, by level and name.

    Raises:
        OSError: the address cannot be had.
    """
    # The protocol is named because asyncio sets TCP_NODELAY only where it is: without, each answer waits 40 ms for an acknowledgement.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for (level, name), value in (options or {}).items():
            opened.setsockopt(level, name, value)
        opened.bind(address)
    except OSError:
        opened.close()
        raise
    return opened
