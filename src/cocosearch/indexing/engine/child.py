"""The process that reads the files of projects, for nothing in a file is to be trusted: it can be killed, and has little to lose.

It has no connection to the database and no settings, and opens no file of a project: its parent sends it the bytes. Its time and its memory
are bounded by the kernel, also within C. Tasks and answers go over one socket, whose end is its end.
"""

import ctypes
import errno
import resource
import signal
import sys
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from cocosearch.indexing.engine.file_rows import FileRows
from cocosearch.indexing.engine.flow import Recipe, rows_from, skipped
from cocosearch.indexing.sources.skips import SkipReason
from cocosearch.process.capabilities import drop_capabilities

# A process that once needed more is not kept for the next file: what it has freed may not come back to the machine.
KEPT_KIB = 262_144
_PR_SET_PDEATHSIG = 1


class Bounds(msgspec.Struct, frozen=True):
    """What the reading of one file may cost."""

    processor_seconds: float
    memory_bytes: int
    answer_bytes: int


class Task(msgspec.Struct, frozen=True):
    """One file: its path in the project, and its bytes."""

    path: str
    source: bytes
    recipe: Recipe
    bounds: Bounds


class Answer(msgspec.Struct, frozen=True):
    """The rows; `trace` is for the log."""

    rows: FileRows
    trace: str = ""
    last: bool = False  # the process has grown too large to be kept


def main() -> None:
    """Serve the socket whose descriptor is the first argument until the other side closes it; a first message says that it can.

    The message is the most memory that the kernel counts for this process before it has done anything: that of its parent, in KiB.
    """
    _restrict()
    decoder = msgspec.msgpack.Decoder(Task)
    with Connection(int(sys.argv[1])) as connection, suppress(EOFError, BrokenPipeError):
        connection.send_bytes(msgspec.msgpack.encode(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
        while True:
            connection.send_bytes(_answer(decoder.decode(connection.recv_bytes())))


def _restrict() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    # The thread that started this process lives as long as the process is needed.
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    drop_capabilities()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they are for the parent, with which this process ends
    with suppress(OSError):  # where memory gets scarce, this process is the one to end
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _answer(task: Task) -> bytes:
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (task.bounds.memory_bytes, most))
    # Its default action ends the process, whatever runs in it.
    signal.setitimer(signal.ITIMER_PROF, task.bounds.processor_seconds)
    try:
        encoded = msgspec.msgpack.encode(_read(task))
    except MemoryError:
        encoded = b""
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    if not 0 < len(encoded) <= task.bounds.answer_bytes:
        return msgspec.msgpack.encode(Answer(skipped(task.path, SkipReason.TOO_MUCH_MEMORY), last=True))
    return encoded


def _read(task: Task) -> Answer:
    try:
        rows = rows_from(task.path, task.source, task.recipe)
    except MemoryError:
        return Answer(skipped(task.path, SkipReason.TOO_MUCH_MEMORY), last=True)
    except Exception as error:  # noqa: BLE001 - whatever a file makes of our code, it is that file's trouble alone
        short_of_memory = isinstance(error, OSError) and error.errno == errno.ENOMEM
        reason = SkipReason.TOO_MUCH_MEMORY if short_of_memory else SkipReason.CRASHED
        return Answer(skipped(task.path, reason), trace="" if short_of_memory else traceback.format_exc(), last=True)
    return Answer(rows, last=_most_memory_kib() > KEPT_KIB)


def _most_memory_kib() -> int:
    """Of this program alone: what getrusage(2) tells is also the parent's, from which the process was forked."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main()
