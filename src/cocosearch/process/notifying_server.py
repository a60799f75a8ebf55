"""uvicorn as a service: what both of our servers tell the service manager, and how they end."""

import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from cocosearch.process.sdnotify import notify

log = logging.getLogger(__name__)


class NotifyingServer(uvicorn.Server):
    """Tells the service manager when the port answers and when it stops, and ends by itself with exit code 0 after a signal."""

    def __init__(self, config: uvicorn.Config, announcement: str = "") -> None:
        """Take uvicorn's configuration, and what the log and `systemctl status` say once it listens."""
        super().__init__(config)
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application and listen; then the service is ready."""
        await super().startup(sockets)
        if not self.started:
            return
        if self._announcement:
            log.info(self._announcement)
        notify(f"READY=1\nSTATUS={self._announcement}" if self._announcement else "READY=1")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Announce the end, then drain and stop."""
        notify("STOPPING=1")
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn's, but a signal is not raised again at the end: a service that was asked to stop and drained has ended well."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
