"""Processes that read the files of projects: as many as there are cores, started when there is work and ended when there is none.

A file that takes too long, needs too much memory or crashes its process has a reason instead of rows; no other file notices.
"""

import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

import msgspec

from cocosearch.errors import IndexingError
from cocosearch.indexing.engine.child import Answer, Bounds, Task
from cocosearch.indexing.engine.file_rows import FileRows
from cocosearch.indexing.engine.flow import Recipe, skipped
from cocosearch.indexing.sources.content import read_source
from cocosearch.indexing.sources.skips import SkipReason

log = logging.getLogger(__name__)

# Code of a megabyte takes two seconds, and a fifth of the memory.
PROCESSOR_SECONDS, PROCESSOR_SECONDS_PER_MEGABYTE = 10.0, 10.0
MEMORY_BYTES, MEMORY_PER_BYTE = 512 * 1024**2, 64
ANSWER_BYTES, ANSWER_PER_BYTE = 16 * 1024**2, 32
# Without a sign of life (processor time) for so long, the process hangs.
SILENT_SECONDS = 60.0
# A process is kept so long for the next file.
IDLE_SECONDS = 20.0
POLL_SECONDS = 1.0
MAX_SAID = 2_000
MAX_READY_BYTES = 16
# The kernel of a machine without memory may have killed the process, or it was dying before the file came: a new one tries again.
ATTEMPTS = 2
_MEGABYTE = 1024**2
_NEEDED_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR", "TZ")


class _Died(Exception):  # noqa: N818 - what happened, not what to call it
    """The process ended in the middle of a file; the code is as in `Popen.returncode`."""

    def __init__(self, code: int, said: str, most_memory: int) -> None:
        super().__init__(code, said)
        self.code = code
        self.said = said
        self.most_memory = most_memory  # in bytes; 0 where it is not known


def _reap(process: "subprocess.Popen[bytes]") -> resource.struct_rusage:
    """Wait for a process that was killed; returns what it has used."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used


class _Child:
    """One process. Only the thread that started it uses it, and it dies with that thread."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._said: IO[bytes] = TemporaryFile()  # noqa: SIM115 - closed by `close`
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "cocosearch.indexing.engine.child", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                cwd="/",
                env={name: os.environ[name] for name in _NEEDED_VARIABLES if name in os.environ},
                pass_fds=[theirs.fileno()],
            )
        self._connection = Connection(ours.detach())
        self._inherited_memory: int | None = None  # in bytes; known once the process is ready
        self._faults_before = 0  # of pages, when the file came

    def wait_ready(self, is_wanted: Callable[[], bool]) -> None:
        """Wait until it can read files: what it cannot even begin is not the fault of a file.

        Raises:
            IndexingError: it could not be started.
        """
        if self._inherited_memory is not None:
            return
        with suppress(EOFError, OSError):
            if self._answers(is_wanted):
                self._inherited_memory = 1024 * msgspec.msgpack.decode(self._connection.recv_bytes(MAX_READY_BYTES), type=int)
        if self._inherited_memory is None:
            death = self.close()
            log.error("the process that reads files could not be started: %s", death.said)
            reason = death.said.rpartition("\n")[2] or f"exit status {death.code}"
            raise IndexingError(f"The process that reads files could not be started: {reason}")

    def read(self, task: Task, is_wanted: Callable[[], bool]) -> Answer:
        """The process's answer.

        Raises:
            _Died: it ended instead.
            IndexingError: it had to be ended, for it gave no sign of life.
        """
        try:
            self._faults_before = _counts(self._process.pid).page_faults
            self._connection.send_bytes(msgspec.msgpack.encode(task))
            if not self._answers(is_wanted):
                self.close()
                raise IndexingError(f"Reading it has not come on for {SILENT_SECONDS:.0f} s. Is the machine out of memory?")
            return msgspec.msgpack.decode(self._connection.recv_bytes(task.bounds.answer_bytes + _MEGABYTE), type=Answer)
        except (EOFError, OSError, msgspec.DecodeError):
            raise self.close() from None

    def _answers(self, is_wanted: Callable[[], bool]) -> bool:
        used, sign_of_life = -1, time.monotonic()
        while not self._connection.poll(POLL_SECONDS):
            ticks = _counts(self._process.pid).processor_ticks
            if ticks != used:
                used, sign_of_life = ticks, time.monotonic()
            if not is_wanted() or time.monotonic() - sign_of_life > SILENT_SECONDS:
                return False
        return True

    def close(self) -> _Died:
        """End the process; returns how it died, which may have been before, by itself."""
        self._connection.close()
        os.kill(self._process.pid, signal.SIGKILL)  # until it is reaped, the number is its own
        used = _reap(self._process)
        # The kernel's count of the most memory begins with that of the process from which this one was forked; that of faults does not.
        most_memory = 1024 * used.ru_maxrss if 1024 * used.ru_maxrss > (self._inherited_memory or 0) else 0
        touched = resource.getpagesize() * (used.ru_minflt - self._faults_before)
        with self._said:
            self._said.seek(0)
            said = self._said.read().decode("utf-8", "replace")[-MAX_SAID:].strip()
        return _Died(self._process.returncode, said, max(most_memory, touched))


class _Counts(NamedTuple):
    """What a process has used so far; a dead one uses no more."""

    page_faults: int
    processor_ticks: int


def _counts(pid: int) -> _Counts:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return _Counts(int(fields[7]), int(fields[11]) + int(fields[12]))  # minflt; utime and stime: proc(5)


@dataclass(slots=True)
class _Waiting:
    root: Path
    path: str
    recipe: Recipe
    future: "Future[FileRows]"


@dataclass(slots=True)
class Children:
    """Safe for threads; ends all processes at the end of `with`.

    Projects take turns, file by file, and none has all of the processes: a file of one project that takes long delays no other project.
    """

    cores: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _waiting: dict[str, deque[_Waiting]] = field(default_factory=dict)
    _under_way: Counter[str] = field(default_factory=Counter)
    _threads: set[threading.Thread] = field(default_factory=set)
    _idle: int = 0
    _closed: bool = False

    def __enter__(self) -> "Children":
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._waiting.clear()
            threads = list(self._threads)
            self._changed.notify_all()
        for thread in threads:
            thread.join()

    def warm_up(self) -> None:
        """Have a process ready, for files will come in a moment."""
        with self._changed:
            self._start_threads(1)

    def begin(self, root: Path, path: str, recipe: Recipe) -> "Future[FileRows]":
        """Rows of one file, made in turn with those of other projects (other roots).

        The future raises an IndexingError where the file cannot be read now: it vanished, or its disk fails.
        """
        waiting = _Waiting(root, path, recipe, Future())
        with self._changed:
            self._waiting.setdefault(str(root), deque()).append(waiting)
            self._start_threads(sum(map(len, self._waiting.values())))
            self._changed.notify()
        return waiting.future

    def _start_threads(self, wanted: int) -> None:
        """One for each file that waits; as many as there are cores at most, and one more among several projects."""
        several = len(self._waiting.keys() | self._under_way.keys()) > 1
        for _ in range(min(wanted - self._idle, self.cores + several - len(self._threads))):
            thread = threading.Thread(target=self._serve, name="child", daemon=True)
            self._threads.add(thread)
            self._idle += 1
            thread.start()

    def _serve(self) -> None:
        child: _Child | None = None
        try:
            child = _Child()  # before there is a file for it: it takes a moment to start
        except OSError as error:
            log.warning("no process to read files could be started: %s", error)
        while (waiting := self._next()) is not None:
            try:
                child = self._make(waiting, child)
            except BaseException as error:  # noqa: BLE001 - as in any executor: who asked is told, and the thread lives on
                child = None
                if not waiting.future.done():
                    waiting.future.set_exception(error)
            with self._changed:
                self._under_way -= Counter([str(waiting.root)])  # without those that have none left
                self._idle += 1
                self._changed.notify_all()
        if child is not None:
            child.close()

    def _next(self) -> _Waiting | None:
        """Wait for the next file; None where none comes and the process is to end."""
        until = time.monotonic() + IDLE_SECONDS
        with self._changed:
            while not self._closed:
                if (waiting := self._in_turn()) is not None:
                    self._idle -= 1
                    return waiting
                if not self._changed.wait(max(0.0, until - time.monotonic())) and time.monotonic() >= until:
                    break
            self._idle -= 1
            self._threads.discard(threading.current_thread())
            return None

    def _is_open(self) -> bool:
        return not self._closed

    def _in_turn(self) -> _Waiting | None:
        for root, waiting in self._waiting.items():
            if self._under_way[root] < self.cores:
                first = waiting.popleft()
                del self._waiting[root]
                if waiting:
                    self._waiting[root] = waiting  # at the end of the turn
                self._under_way[root] += 1
                return first
        return None

    def _make(self, waiting: _Waiting, child: _Child | None) -> _Child | None:
        """Answer the future; returns the process for the next file."""
        if not waiting.future.set_running_or_notify_cancel():
            return child
        try:
            source = read_source(waiting.root, waiting.path, waiting.recipe.max_file_bytes)
        except OSError as error:
            waiting.future.set_exception(IndexingError(str(error) or type(error).__name__))
            return child
        if isinstance(source, SkipReason):
            waiting.future.set_result(skipped(waiting.path, source))
            return child
        return self._have_read(waiting, Task(waiting.path, source, waiting.recipe, bounds(waiting.recipe)), child)

    def _have_read(self, waiting: _Waiting, task: Task, child: _Child | None) -> _Child | None:
        answer: Answer | None = None
        for _ in range(ATTEMPTS):
            is_new = child is None
            child = child or _Child()
            try:
                child.wait_ready(self._is_open)
                answer = child.read(task, self._is_open)
                break
            except _Died as death:
                child = None
                reason = _reason(death, task.bounds)
                log.warning("%s/%s: %s (%s)", waiting.root, waiting.path, reason, death)
                answer = Answer(skipped(waiting.path, reason))
                if reason is SkipReason.TOO_SLOW or (is_new and death.code != -signal.SIGKILL):
                    break
        assert answer is not None  # noqa: S101 - there was an attempt
        if child is not None and answer.last:
            child.close()
            child = None
        if answer.trace:
            log.error("%s/%s is skipped: %s", waiting.root, waiting.path, answer.trace)
        waiting.future.set_result(answer.rows)
        return child


def bounds(recipe: Recipe) -> Bounds:
    """What a file may cost, by the size that files may have."""
    return Bounds(
        processor_seconds=PROCESSOR_SECONDS + PROCESSOR_SECONDS_PER_MEGABYTE * recipe.max_file_bytes / _MEGABYTE,
        memory_bytes=MEMORY_BYTES + MEMORY_PER_BYTE * recipe.max_file_bytes,
        answer_bytes=ANSWER_BYTES + ANSWER_PER_BYTE * recipe.max_file_bytes,
    )


def _reason(death: _Died, bounds: Bounds) -> SkipReason:
    """Why the process ended. The kernel's limit of time has a signal of its own; a parser that gets no memory fails in whatever way."""
    if death.code in {-signal.SIGPROF, -signal.SIGXCPU}:
        return SkipReason.TOO_SLOW
    if death.code == -signal.SIGKILL or "alloc" in death.said or death.most_memory > bounds.memory_bytes / 2:
        return SkipReason.TOO_MUCH_MEMORY
    return SkipReason.CRASHED
