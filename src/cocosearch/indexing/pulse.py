"""The main loop's proof that it lives: in the database for people, to the service manager for a restart."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from cocosearch.database.connection import Connection
from cocosearch.database.failures import FORESEEN, is_lost
from cocosearch.database.heartbeat import BEAT_SECONDS, beat
from cocosearch.process.sdnotify import Watchdog

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Pulse:
    """Called wherever the main loop gets on; writes when it is time to."""

    watchdog: Watchdog
    vector_age: Callable[[], float | None]
    _beat_at: float = float("-inf")

    def alive(self) -> None:
        """The loop gets on, be it only with waiting."""
        self.watchdog.feed()

    def works(self, session: Connection, doing: str) -> None:
        """The loop gets on with its work, also where a full disk or a busy database keeps it from saying so."""
        self.alive()
        if time.monotonic() - self._beat_at >= BEAT_SECONDS:
            try:
                beat(session, doing, self.vector_age())
            except FORESEEN as error:
                if is_lost(error):
                    raise
                log.warning("the sign of life could not be written: %s", error)
            self._beat_at = time.monotonic()
