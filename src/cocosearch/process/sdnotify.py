"""Tell systemd that a `Type=notify` service is ready, that it lives, and that it stops (sd_notify(3), without a library)."""

import os
import socket
import time


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


class Watchdog:
    """Tells the service manager that the process lives, if it wants to know (`WatchdogSec=`): silence makes it restart the service."""

    def __init__(self) -> None:
        """Read what the manager said in the environment (sd_watchdog_enabled(3))."""
        microseconds = os.environ.get("WATCHDOG_USEC", "")
        meant = os.environ.get("WATCHDOG_PID", "") in {"", str(os.getpid())}
        # Four times in the manager's time.
        self._pause = int(microseconds) / 4_000_000 if microseconds.isdigit() and meant else float("inf")
        self._fed_at = float("-inf")

    def feed(self) -> None:
        """To be called by what must never stand still, as often as it likes."""
        now = time.monotonic()
        if self._pause < float("inf") and now - self._fed_at >= self._pause:
            notify("WATCHDOG=1")
            self._fed_at = now
