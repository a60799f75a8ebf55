"""The pace of the texts that a process sends to the embedding server: shared by all of its runs, and slower while others ask.

Ollama serves one text at a time and in the order of arrival, so that a query waits behind every text that was sent before it. What is
under way is therefore kept to a fraction of a second of work, and to less while somebody searches.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# Two requests under way keep the server busy while the answer of one is stored.
REQUESTS_IN_FLIGHT = 2
# Work in one request, and the same while queries come.
REQUEST_SECONDS = 0.2
REQUEST_SECONDS_AMONG_QUERIES = 0.05
# A query counts as present for so long after it was announced.
QUERY_SECONDS = 0.5
# Weight of the last request in the estimate of the server's rate.
_SMOOTHING = 0.3


@dataclass(slots=True)
class Pacing:
    """When texts are sent, and how many at once; safe for threads."""

    max_batch: int
    _changed: threading.Condition = field(default_factory=threading.Condition)
    waiting: list[object] = field(default_factory=list)  # a ticket of each request that waits, in the order of their turns
    _under_way: int = 0
    _query_at: float = float("-inf")
    _seconds_per_text: float = 0.0

    def query_announced(self) -> None:
        """Somebody is about to have a query embedded."""
        with self._changed:
            self._query_at = time.monotonic()

    def batch_size(self) -> int:
        """Texts for the next request, so that it lasts no longer than a query may wait."""
        with self._changed:
            if not self._seconds_per_text:
                return 1
            seconds = REQUEST_SECONDS_AMONG_QUERIES if self._among_queries() else REQUEST_SECONDS
            return max(1, min(self.max_batch, round(seconds / self._seconds_per_text)))

    @contextmanager
    def request(self, texts: int) -> Iterator[None]:
        """Wait for the turn, first come first served, and hold it during one request."""
        ticket = object()
        with self._changed:
            self.waiting.append(ticket)
            while self.waiting[0] is not ticket or self._under_way >= (1 if self._among_queries() else REQUESTS_IN_FLIGHT):
                self._changed.wait(QUERY_SECONDS)
            self.waiting.pop(0)
            self._under_way += 1
            beside = self._under_way
            self._changed.notify_all()
        began = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._learn((time.monotonic() - began) / max(beside, 1) / texts)
                self._changed.notify_all()

    def _learn(self, seconds_per_text: float) -> None:
        known = self._seconds_per_text or seconds_per_text
        self._seconds_per_text = known + _SMOOTHING * (seconds_per_text - known)

    def _among_queries(self) -> bool:
        return time.monotonic() - self._query_at < QUERY_SECONDS
