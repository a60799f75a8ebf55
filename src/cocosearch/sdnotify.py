"""Tell systemd how a `Type=notify` service is doing (the protocol of sd_notify(3), without a library)."""

import os
import socket


def notify(state: str) -> bool:
    """Send `state` (for example `READY=1` or `STOPPING=1`) to the service manager.

    Returns False, and does nothing, where no manager asked to be told (`NOTIFY_SOCKET` is unset or empty).

    Raises:
        OSError: the manager named a socket that cannot be reached; the unit would otherwise wait for READY=1 until its time limit.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):  # an abstract socket: its name begins with a zero byte
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.connect(address)
        channel.sendall(state.encode())
    return True
