"""Tells how far a run is, from its beginning to its end, and keeps the counts that searches read."""

import logging
import threading
import time
from dataclasses import dataclass, field

import psycopg
from psycopg_pool import PoolTimeout

from cocosearch.database.connection import Pool
from cocosearch.database.statistics import refresh_statistics
from cocosearch.indexing.progress import ProgressCallback, store_progress

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
# Counting a large project costs the database time: a thirtieth of it at most.
PAUSE_PER_COUNT = 30.0


@dataclass(slots=True)
class Reporter:
    """Counts in a thread of its own within `with`; the engine sets `files_done`."""

    pool: Pool
    project_id: int
    files_total: int
    on_progress: ProgressCallback
    files_done: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "Reporter":
        self._thread = threading.Thread(target=self._tick, name="reporter", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if kind is None:
            self._report()
        else:
            self._try_to_report()

    def _report(self) -> None:
        with self.pool.connection() as connection:
            progress = store_progress(connection, self.project_id, self.files_total, self.files_done)
            refresh_statistics(connection, self.project_id, chunks=progress.chunks)
        self.on_progress(progress)

    def _tick(self) -> None:
        pause = 0.0
        while not self._ended.wait(pause):
            began = time.monotonic()
            self._try_to_report()
            pause = max(TICK_SECONDS, PAUSE_PER_COUNT * (time.monotonic() - began))

    def _try_to_report(self) -> None:
        try:
            self._report()
        except (psycopg.OperationalError, PoolTimeout) as error:
            log.warning("progress is not stored: %s", error)  # what that means for the run, the run says
