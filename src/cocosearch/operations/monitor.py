"""The health of a server's parts, kept so that every question is answered at once."""

import logging
import re
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, replace
from functools import partial

from cocosearch.access.text import printable
from cocosearch.operations.health import Check, HealthReport, Part, PartState
from cocosearch.process.sdnotify import notify

log = logging.getLogger(__name__)

ANSWER_WITHIN_SECONDS = 0.6
REFRESH_SECONDS = 15.0
TRUSTED_FOR_SECONDS = 20.0
FRESH_FOR_SECONDS = 1.0
# In the detail of a part: an age or a size.
_FIGURES = re.compile(r"[0-9.]+ ([KMGT]iB|s|ms)\b")


def _changed(before: tuple[Part, ...], now: tuple[Part, ...]) -> list[Part]:
    """The parts that are worth a line in the log: ages and sizes change always."""

    def without_figures(part: Part) -> Part:
        return replace(part, detail=_FIGURES.sub("", part.detail))

    known = {without_figures(part) for part in before}
    return [part for part in now if without_figures(part) not in known]


def _in_a_line(report: HealthReport) -> str:
    """For `systemctl status`: the word for the whole, and what does not work."""
    broken = [f"{part.name}: {part.detail}" for part in report.parts if part.state is not PartState.OK]
    return printable("; ".join([str(report.overall), *broken])).replace("\n", " ")


@dataclass(slots=True)
class _Watched:
    """One check with its thread, its last result and the run under way."""

    check: Check
    names: tuple[str, ...]
    executor: ThreadPoolExecutor
    running: Future[tuple[Part, ...]] | None = None
    kept: Future[tuple[Part, ...]] | None = None
    parts: tuple[Part, ...] = ()
    finished_at: float = float("-inf")

    def all_in(self, state: PartState, detail: str) -> tuple[Part, ...]:
        """Its parts where the check itself has no result."""
        return tuple(Part(name, state, detail) for name in self.names)

    def standing(self) -> tuple[Part, ...]:
        """Its parts as the last result has them, while that can be trusted."""
        is_young = time.monotonic() - self.finished_at <= TRUSTED_FOR_SECONDS
        return self.parts if is_young else self.all_in(PartState.TIMEOUT, "It has not answered in time.")


class HealthMonitor:
    """Answers in well under a second, however long a check takes.

    Each check runs in a thread of its own, so neither a busy search pool nor another check that hangs can delay it. A question starts a
    check unless the last one is at most a second old, and waits 0.6 s for it. A check that takes longer (a busy machine, a frozen server)
    leaves the last result standing until it is 20 s old; from then on the part is said to be in `timeout`. A timer keeps results young when
    nobody asks.
    """

    def __init__(self, checks: Mapping[tuple[str, ...], Check]) -> None:
        """Take the checks by the names of the parts that each reports."""
        self._watched = [
            _Watched(check, names, ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"health-{names[0]}"))
            for names, check in checks.items()
        ]
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._timer = threading.Thread(target=self._refresh, name="health-timer", daemon=True)

    def start(self) -> None:
        """Begin the first checks and the timer."""
        self._timer.start()

    def close(self) -> None:
        """Stop the timer and wait for the checks under way (each is bounded by its own time limits)."""
        self._stopped.set()
        if self._timer.ident is not None:
            self._timer.join()
        for watched in self._watched:
            watched.executor.shutdown(wait=True, cancel_futures=True)

    def report(self) -> HealthReport:
        """The state of all parts; blocks for 0.6 s at most."""
        now = time.monotonic()
        pending = {running: watched for watched in self._watched if (running := self._begin(watched, now)) is not None}
        if pending:
            for run in wait_for(pending, timeout=ANSWER_WITHIN_SECONDS).done:
                self._finished(pending[run], run)  # its own callback may come a moment later
        return self._as_it_stands()

    def _as_it_stands(self) -> HealthReport:
        with self._lock:
            return HealthReport(tuple(part for watched in self._watched for part in watched.standing()))

    def _begin(self, watched: _Watched, now: float) -> Future[tuple[Part, ...]] | None:
        with self._lock:
            if now - watched.finished_at < FRESH_FOR_SECONDS or self._stopped.is_set():
                return None
            if watched.running is not None and not watched.running.done():
                return watched.running
            running = watched.running = watched.executor.submit(watched.check)
        running.add_done_callback(partial(self._finished, watched))
        return running

    def _finished(self, watched: _Watched, run: Future[tuple[Part, ...]]) -> None:
        """Keep the result; a check that breaks is a finding about its parts, never the end of the monitor."""
        if run.cancelled():
            return
        error = run.exception()
        parts = run.result() if error is None else watched.all_in(PartState.FAILED, "The check itself broke; the log has the reason.")
        with self._lock:
            if watched.kept is run:
                return
            watched.kept, before = run, watched.parts
            watched.parts, watched.finished_at = parts, time.monotonic()
        if error is not None:
            log.error("the health check of %s broke", ", ".join(watched.names), exc_info=error)
        changed = _changed(before, parts)
        # Before every check has ended once there is nothing to say of the whole.
        if changed and all(each.parts for each in self._watched):
            notify(f"STATUS={_in_a_line(self._as_it_stands())}")
        for part in changed:
            level = logging.INFO if part.state is PartState.OK else logging.WARNING
            log.log(level, "health: %s is %s: %s", part.name, part.state, part.detail)

    def _refresh(self) -> None:
        while True:
            now = time.monotonic()
            for watched in self._watched:
                self._begin(watched, now)
            if self._stopped.wait(REFRESH_SECONDS):
                return
