"""The processes that read files: real ones, with files that take too long, need too much, or kill them."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from cocosearch.errors import IndexingError
from cocosearch.indexing.engine import children
from cocosearch.indexing.engine.children import ATTEMPTS, Children
from cocosearch.indexing.engine.flow import Recipe, rows_of
from cocosearch.indexing.sources.skips import SkipReason

RECIPE = Recipe(chunk_characters=1000, max_tokens=512, max_file_bytes=1_048_576)
DEADLINE_SECONDS = 120
# A grammar does not mind it, and it takes a while.
LONG = "".join(f"class C{number}:\n    def f{number}(self):\n        return {number} + {number}\n" for number in range(10_000))


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def processes() -> list[int]:
    """Numbers of the processes that read files for this one; a thread may end while its children are counted."""
    own = [int(number) for task in Path("/proc/self/task").iterdir() for number in read(f"{task}/children").split()]
    return [number for number in own if b"cocosearch.indexing.engine.child" in read(f"/proc/{number}/cmdline")]


def read(path: str) -> bytes:
    """What the kernel says; nothing of a process that is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(path).read_bytes()
    return b""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "good.py").write_text("def good():\n    return 1\n")
    (tmp_path / "long.py").write_text(LONG)
    return tmp_path


def test_rows_are_those_that_are_made_in_one_process(project: Path) -> None:
    with Children() as pool:
        assert pool.begin(project, "good.py", RECIPE).result() == rows_of(project, "good.py", RECIPE)
        assert pool.begin(project, "long.py", RECIPE).result() == rows_of(project, "long.py", RECIPE)


def test_a_process_that_cannot_start_is_no_fault_of_a_file(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Else one library that is missing would empty every index."""
    (tmp_path / "chardet.py").write_text("raise ImportError('no such library')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Children() as pool, pytest.raises(IndexingError, match=r"could not be started: ImportError: no such library$"):
        pool.begin(project, "good.py", RECIPE).result()


def test_the_memory_of_a_large_parent_is_not_its_childrens(project: Path) -> None:
    """The kernel begins its count with that of the process from which one was forked."""
    ballast = bytearray(512 * 1024**2)
    ballast[::4096] = b"x" * len(ballast[::4096])
    with Children(cores=1) as pool:
        assert pool.begin(project, "good.py", RECIPE).result().skip_reason is None
        (first,) = processes()
        assert pool.begin(project, "good.py", RECIPE).result().skip_reason is None
        assert processes() == [first]
        reading = pool.begin(project, "long.py", RECIPE)
        for _ in range(ATTEMPTS):
            killed = busy_process()
            os.kill(killed, signal.SIGSEGV)
            wait_for(partial(lambda killed: killed not in processes(), killed))
        assert reading.result().skip_reason is SkipReason.CRASHED
    del ballast


def test_a_file_that_takes_too_long_is_skipped_and_the_next_one_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "PROCESSOR_SECONDS", 0.6)
    monkeypatch.setattr(children, "PROCESSOR_SECONDS_PER_MEGABYTE", 0.0)
    with Children() as pool:
        assert pool.begin(project, "long.py", RECIPE).result().skip_reason is SkipReason.TOO_SLOW
        assert pool.begin(project, "good.py", RECIPE).result().skip_reason is None


def test_a_file_that_needs_too_much_memory_is_skipped_and_the_next_one_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "MEMORY_BYTES", 150 * 1024**2)
    monkeypatch.setattr(children, "MEMORY_PER_BYTE", 0)
    (project / "larger.py").write_text(4 * LONG)
    recipe = replace(RECIPE, max_file_bytes=4 * RECIPE.max_file_bytes)
    with Children() as pool:
        assert pool.begin(project, "larger.py", recipe).result().skip_reason is SkipReason.TOO_MUCH_MEMORY
        assert pool.begin(project, "good.py", recipe).result().skip_reason is None


def test_rows_that_are_too_many_for_this_process_are_not_taken(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "ANSWER_BYTES", 100_000)
    monkeypatch.setattr(children, "ANSWER_PER_BYTE", 0)
    with Children() as pool:
        assert pool.begin(project, "long.py", RECIPE).result().skip_reason is SkipReason.TOO_MUCH_MEMORY
        assert pool.begin(project, "good.py", RECIPE).result().skip_reason is None


def busy_process() -> int:
    """The process that has a file: its memory is bounded as long as it reads one, however long it took to start."""
    busy: list[int] = []

    def is_busy() -> bool:
        busy[:] = [number for number in processes() if reads_a_file(number)]
        return bool(busy)

    wait_for(is_busy)
    return busy[0]


def reads_a_file(number: int) -> bool:
    limits = read(f"/proc/{number}/limits").decode("ascii").splitlines()
    return any(line.split()[:4] != ["Max", "data", "size", "unlimited"] for line in limits if line.startswith("Max data size"))


def test_a_file_that_crashes_its_process_is_skipped(project: Path) -> None:
    with Children(cores=1) as pool:
        reading = pool.begin(project, "long.py", replace(RECIPE, chunk_characters=200))
        for _ in range(ATTEMPTS):
            killed = busy_process()
            os.kill(killed, signal.SIGSEGV)
            wait_for(partial(lambda killed: killed not in processes(), killed))
        assert reading.result().skip_reason is SkipReason.CRASHED
        assert pool.begin(project, "good.py", RECIPE).result().skip_reason is None


def test_a_process_that_the_kernel_killed_is_not_held_against_the_file_at_once(project: Path) -> None:
    with Children(cores=1) as pool:
        reading = pool.begin(project, "long.py", RECIPE)
        os.kill(busy_process(), signal.SIGKILL)
        assert reading.result().skip_reason is None


def test_a_process_that_died_while_it_was_idle_is_not_held_against_the_next_file(project: Path) -> None:
    with Children(cores=1) as pool:
        pool.begin(project, "good.py", RECIPE).result()
        (idle,) = processes()
        os.kill(idle, signal.SIGSEGV)
        wait_for(lambda: idle not in processes())
        assert pool.begin(project, "good.py", RECIPE).result().skip_reason is None


def test_a_file_that_hangs_is_an_error_for_it_may_be_read_another_time(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "SILENT_SECONDS", 2.0)
    with Children(cores=1) as pool:
        reading = pool.begin(project, "long.py", RECIPE)
        os.kill(busy_process(), signal.SIGSTOP)
        with pytest.raises(IndexingError, match="has not come on for 2 s"):
            reading.result()
        assert pool.begin(project, "good.py", RECIPE).result().skip_reason is None


def test_a_file_that_is_gone_is_an_error(project: Path) -> None:
    with Children() as pool, pytest.raises(IndexingError, match=r"No such file.*gone\.py"):
        pool.begin(project, "gone.py", RECIPE).result()


def test_no_process_stays_where_there_is_no_work(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "IDLE_SECONDS", 0.2)
    with Children() as pool:
        for _ in range(2):
            assert pool.begin(project, "good.py", RECIPE).result().skip_reason is None
            assert processes()
            wait_for(lambda: not processes())


def test_no_process_outlives_the_work(project: Path) -> None:
    with Children(cores=1) as pool:
        pool.begin(project, "long.py", RECIPE)
        busy_process()
    assert not processes()


def test_a_project_of_slow_files_does_not_hold_up_another(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    slow = tmp_path_factory.mktemp("slow")
    for number in range(8):
        (slow / f"{number}.py").write_text(LONG)
    with Children(cores=1) as pool:
        waiting = [pool.begin(slow, f"{number}.py", RECIPE) for number in range(8)]
        assert pool.begin(project, "good.py", RECIPE).result().skip_reason is None
        assert sum(future.done() for future in waiting) < 8
        assert not waiting[-1].done()


def test_the_process_knows_nothing_of_the_service(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCOSEARCH_DATABASE_URL", "postgresql://secret")
    monkeypatch.setenv("PGPASSWORD", "secret")
    with Children() as pool:
        pool.begin(project, "good.py", RECIPE).result()
        (number, *_) = processes()
        assert b"secret" not in Path(f"/proc/{number}/environ").read_bytes()
        assert not sockets(number) & sockets(os.getpid())


def sockets(process: int) -> set[str]:
    """The sockets that a process has open; a thread of it may close one meanwhile."""
    links = set()
    for opened in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):
            links.add(str(opened.readlink()))
    return {link for link in links if link.startswith("socket:")}
