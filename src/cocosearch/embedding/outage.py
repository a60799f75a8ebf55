"""Knowing that the embedding server is away, so that not every search has to find it out by waiting."""

import logging
import threading
from collections.abc import Callable

from cocosearch.errors import EmbeddingUnavailableError

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.5
# A server that answers errors may have to load the model for each attempt.
MAX_PAUSE_SECONDS = 8.0


class Outage:
    """Begins with a failure, and ends when `probe` works again, which is tried in a thread of its own with growing pauses.

    Safe for threads. `probe` raises `EmbeddingUnavailableError` while the server gives no vectors; it must end by itself.
    """

    def __init__(self, probe: Callable[[], None]) -> None:
        self._probe = probe
        self._lock = threading.Lock()
        self._reason: EmbeddingUnavailableError | None = None
        self._closed = threading.Event()

    def check(self) -> None:
        """Return unless the server is known to be away.

        Raises:
            EmbeddingUnavailableError: the failure that was seen last.
        """
        with self._lock:
            reason = self._reason
        if reason is not None:
            raise EmbeddingUnavailableError(str(reason), reason.why)

    def begin(self, reason: EmbeddingUnavailableError) -> None:
        """The server has just failed."""
        with self._lock:
            known, self._reason = self._reason is not None, reason
        if not known:
            threading.Thread(target=self._watch, name="embedding-outage", daemon=True).start()

    def close(self) -> None:
        """Stop trying."""
        self._closed.set()

    def _watch(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._closed.wait(pause):
            pause = min(2 * pause, MAX_PAUSE_SECONDS)
            try:
                self._probe()
            except EmbeddingUnavailableError as reason:
                with self._lock:
                    self._reason = reason
            else:
                with self._lock:
                    self._reason = None
                log.info("the embedding server gives vectors again")
                return
