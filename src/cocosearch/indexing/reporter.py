"""Tells how far a run is, from its beginning to its end, and keeps the counts that searches read."""

import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from cocosearch.database.connection import Pool
from cocosearch.database.statistics import STALE_SHARE, refresh_statistics
from cocosearch.errors import DatabaseUnavailableError, HeldUpError
from cocosearch.indexing.background import in_thread
from cocosearch.indexing.progress import ProgressCallback, store_progress

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
# Counting a large project costs the database time: a fiftieth of a core at most, unless the progress would stand still for long.
PAUSE_PER_COUNT = 50.0
MAX_TICK_SECONDS = 10.0
# Counting the terms costs more: while rows are being written, only when there are so many times more of them.
GROWTH_PER_TERM_COUNT = 2


@dataclass(slots=True)
class Reporter:
    """Counts in a thread of its own within `with`; the run sets the numbers of files."""

    pool: Pool
    project_id: int
    on_progress: ProgressCallback
    files_total: int = 0
    files_done: int = 0
    _chunks_counted: int = 0
    _terms_of_unfinished_rows: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)
    _ticking: "Future[None] | None" = None

    def __enter__(self) -> "Reporter":
        self._ticking = in_thread(self._tick, "reporter")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._ended.set()
        error = self._ticking.exception() if self._ticking is not None else None
        if kind is None and error is not None:
            raise error  # as if the run itself had counted
        if kind is None:
            self._report()
        else:
            self._try_to_report()

    def rows_written(self) -> None:
        """No more rows for now: count chunks and terms."""
        self._report()

    def _report(self, *, final: bool = True) -> None:
        with self._lock, self.pool.connection() as connection:
            progress = store_progress(connection, self.project_id, self.files_total, self.files_done)
            if final or progress.chunks >= GROWTH_PER_TERM_COUNT * self._chunks_counted:
                self._chunks_counted = progress.chunks
                # What was counted while rows were still being written is of a random part of them.
                stale_share = 0.0 if final and self._terms_of_unfinished_rows else STALE_SHARE
                if refresh_statistics(connection, self.project_id, chunks=progress.chunks, stale_share=stale_share):
                    self._terms_of_unfinished_rows = not final
        self.on_progress(progress)

    def _tick(self) -> None:
        pause = 0.0
        while not self._ended.wait(pause):
            began = time.monotonic()
            self._try_to_report(final=False)
            pause = min(MAX_TICK_SECONDS, max(TICK_SECONDS, PAUSE_PER_COUNT * (time.monotonic() - began)))

    def _try_to_report(self, *, final: bool = True) -> None:
        try:
            self._report(final=final)
        except (DatabaseUnavailableError, HeldUpError) as error:
            log.warning("progress is not stored: %s", error)  # what that means for the run, the run says
