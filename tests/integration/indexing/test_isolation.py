"""One project never harms another, and the service never lies about itself: a real indexer with projects that want it to stop."""

import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from tests.integration.indexing.command import DEADLINE_SECONDS, run, start
from tests.integration.indexing.conftest import paths
from tests.integration.indexing.faulty import start_faulty
from tests.integration.indexing.test_indexer import indexer, wait_for

from cocosearch.access.requests import enqueue
from cocosearch.database.connection import Connection
from cocosearch.database.heartbeat import Life, beat, indexer_life
from cocosearch.database.locks import try_indexer_lock
from cocosearch.database.projects import ProjectState
from cocosearch.database.status import project_status
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.indexing.run import RunResult, index_project
from cocosearch.lexicon.terms import term_number
from cocosearch.operations import doctor, health
from cocosearch.operations.findings import Finding, Level
from cocosearch.operations.health import PartState
from cocosearch.projects import load_project
from cocosearch.settings import Settings


def index(settings: Settings, directory: Path) -> RunResult:
    return index_project(settings, load_project(directory))


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    return make_project(tmp_path / "hostile")


@pytest.fixture
def healthy(tmp_path: Path) -> Path:
    return make_project(tmp_path / "healthy")


def make_project(root: Path) -> Path:
    root.mkdir()
    (root / "ok.py").write_text("def first_version():\n    return 1\n")
    return root


def finds(connection: Connection, project: str, word: str) -> bool:
    found = connection.execute(
        "SELECT count(*) FROM chunks c JOIN projects p ON p.id = c.project_id WHERE p.name = %s AND c.terms @> ARRAY[%s::integer]",
        [project, term_number(word)],
    ).fetchone()
    return found is not None and found[0] > 0


def is_in(connection: Connection, name: str, state: ProjectState) -> Callable[[], bool]:
    return lambda: project_status(connection, name).state is state


@contextmanager
def ended(process: "subprocess.Popen[str]") -> Iterator[None]:
    """End the process after the block, whatever hangs in it."""
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == -signal.SIGTERM


def nested(root: Path, name: str, levels: int) -> str:
    """A file in so many directories of that name; returns its path. Made step by step, for it may be longer than a system call takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for _ in range(levels):
            Path(name).mkdir(exist_ok=True)
            patch.chdir(name)
        Path("deep.py").write_text("def found_in_the_deep():\n    return 1\n")
    return "/".join([name] * levels + ["deep.py"])


LONG = {"long": ("d" * 50, 11), "cjk": ("深い場所にある目録" * 2, 9), "longer": ("x" * 200, 12), "marks": ("a\x01" * 60, 4)}


@pytest.mark.parametrize(("name", "levels"), LONG.values(), ids=LONG)
def test_a_long_path_is_indexed_followed_and_forgotten(
    name: str, levels: int, settings: Settings, connection: Connection, hostile: Path
) -> None:
    path = nested(hostile, name, levels)
    assert len(path.encode().replace(b"\x01", b"\x01\x01")) > 494  # what the engine takes
    index(settings, hostile)
    assert paths(connection) == {"ok.py", path}
    assert index(settings, hostile).changed == 0
    (hostile / path).write_text("def changed_in_the_deep():\n    return 2\n")
    assert index(settings, hostile).changed == 1
    assert finds(connection, "hostile", "changed_in_the_deep")
    (hostile / path).unlink()
    assert index(settings, hostile).deleted == 1
    assert paths(connection) == {"ok.py"}


@pytest.mark.parametrize("levels", [15, 19, 30], ids=["beyond the database", "near PATH_MAX", "beyond PATH_MAX"])
def test_a_path_that_is_too_long_is_counted(levels: int, settings: Settings, connection: Connection, hostile: Path) -> None:
    nested(hostile, "".join(chr(0x4E00 + number * 7) for number in range(66)), levels)
    result = index(settings, hostile)
    assert paths(connection) == {"ok.py"}
    assert sum(result.skipped.values()) == 1
    assert set(result.skipped) <= {"path too long", "unreadable"}


def test_files_that_are_too_much_are_skipped_with_a_reason_and_the_run_is_complete(
    settings: Settings, connection: Connection, hostile: Path
) -> None:
    (hostile / "deep.rs").write_text("mod a{" * 40_000 + "}" * 40_000)
    (hostile / "dashes.yaml").write_text("- " * 2_000)
    (hostile / "names.rs").write_text("".join(f"mod {'n' * 190}{depth} {{\n" for depth in range(90)) + "fn f() {}\n" * 2_000 + "}\n" * 90)
    index(settings, hostile)
    status = project_status(connection, "hostile")
    assert (status.state, status.files) == (ProjectState.READY, 4)
    longest = connection.execute("SELECT max(length(qualified_name)), max(length(name)) FROM definitions").fetchone()
    assert longest is not None
    assert longest[0] <= 1_000


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("raise ValueError('nobody thought of \\udcff and \\x00')", r"ValueError: nobody thought of \udcff and \0"),
        ("raise SystemError", "SystemError"),
        ("raise SystemExit('leave')", "SystemExit: leave"),
        ("(lambda f: f(f))(lambda f: f(f))", "RecursionError"),
    ],
)
@pytest.mark.parametrize("where", ["indexer", "run"])
def test_whatever_a_project_raises_it_fails_alone(
    fault: str, said: str, where: str, settings: Settings, connection: Connection, hostile: Path, healthy: Path
) -> None:
    for root in (hostile, healthy):
        index(settings, root)
    process = start_faulty(settings, hostile, fault, where=where)
    with ended(process):
        (hostile / "ok.py").write_text("def second_version():\n    return 2\n")
        enqueue(connection, hostile, None, max_queued=10)
        wait_for(is_in(connection, "hostile", ProjectState.FAILED), "its failure")
        (healthy / "ok.py").write_text("def second_version():\n    return 2\n")
        wait_for(lambda: finds(connection, "healthy", "second_version"), "the change of the other project")
        assert said in (project_status(connection, "hostile").last_error or "")
        assert said in run(settings, "status", "hostile").stdout
        (finding,) = (each for each in doctor.examine(settings) if each.part == "project hostile")
        assert finding.level is Level.PROBLEM
        assert said in finding.found
        assert process.poll() is None


@pytest.mark.parametrize("fault", ["threading.Event().wait()", "re.match('(a*)*b', 'a' * 60)"], ids=["hangs", "holds the interpreter"])
def test_a_project_that_hangs_ends_with_the_process(fault: str, settings: Settings, hostile: Path) -> None:
    """The second cannot be helped but by a kill; SIGTERM is one."""
    index(settings, hostile)
    process = start_faulty(settings, hostile, f"sys.stdout.write('here\\n'); sys.stdout.flush(); {fault}")
    with ended(process):
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"


def test_a_project_that_hangs_is_named_and_holds_up_nobody(
    settings: Settings, connection: Connection, hostile: Path, healthy: Path
) -> None:
    for root in (hostile, healthy):
        index(settings, root)
    process = start_faulty(settings, hostile, "threading.Event().wait()", also="indexer.INSPECTION_SECONDS = 1.0")
    with ended(process):
        wait_for(is_in(connection, "hostile", ProjectState.FAILED), "that it hangs")
        assert "does not answer" in (project_status(connection, "hostile").last_error or "")
        (healthy / "ok.py").write_text("def second_version():\n    return 2\n")
        wait_for(lambda: finds(connection, "healthy", "second_version"), "the change of the other project")
        assert indexer_life(connection).life is Life.LIVES


def test_a_dead_thread_is_a_dead_process(settings: Settings, hostile: Path) -> None:
    index(settings, hostile)
    process = start_faulty(settings, hostile, "threading.Thread(target=lambda: 1 / 0).start()")
    _, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 1
    assert "ZeroDivisionError" in errors


BROKEN_LOOP = """
turn = indexer.Indexer.turn
def broken(self):
    turn(self)
    if self._inspections:
        raise ZeroDivisionError
indexer.Indexer.turn = broken
"""


def test_the_main_loop_that_cannot_go_on_ends_the_process(settings: Settings, hostile: Path) -> None:
    """Although a thread of it hangs, which would keep the interpreter from ending."""
    index(settings, hostile)
    process = start_faulty(settings, hostile, "threading.Event().wait()", also=BROKEN_LOOP)
    _, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 1
    assert "ZeroDivisionError" in errors


def test_a_failure_is_said_once(settings: Settings, connection: Connection, tmp_path: Path) -> None:
    """A project that was never indexed and cannot be: its request stays open for ever, and each look at it fails."""
    gone = make_project(tmp_path / "gone")
    enqueue(connection, gone, None, max_queued=10)
    (gone / "ok.py").unlink()
    gone.rmdir()
    process = start(settings, "indexer")
    wait_for(is_in(connection, "gone", ProjectState.FAILED), "its failure")
    connection.execute("UPDATE projects SET state = 'waiting', last_error = NULL")
    wait_for(is_in(connection, "gone", ProjectState.FAILED), "its second failure")
    beats(connection, 2)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert errors.count("is not a directory") == 1, errors


def beats(connection: Connection, count: int) -> None:
    """Wait for so many signs of life."""

    def last() -> object:
        return connection.execute("SELECT max(beat_at) FROM indexer_heartbeat").fetchone()

    for _ in range(count):
        before = last()
        wait_for(partial(lambda before: last() != before, before), "a sign of life")


def test_the_indexer_shows_that_it_lives_hangs_or_is_gone(settings: Settings, connection: Connection, healthy: Path) -> None:
    def parts() -> dict[str, PartState]:
        with OllamaClient(settings) as client:
            return {part.name: part.state for part in health.check(settings, client).parts}

    def finding() -> Finding:
        return next(each for each in doctor.examine(settings) if each.part == "indexer")

    assert indexer_life(connection).life is Life.GONE
    assert parts()["indexer"] is PartState.DOWN
    assert finding().level is Level.WARNING
    enqueue(connection, healthy, None, max_queued=10)
    assert "No indexer runs" in run(settings, "status", "healthy").stdout
    assert finding().level is Level.PROBLEM
    with indexer(settings):
        wait_for(is_in(connection, "healthy", ProjectState.READY), "the index")
        beats(connection, 2)
        assert indexer_life(connection).life is Life.LIVES
        assert parts()["indexer"] is PartState.OK
        assert "follows 1 projects" in finding().found
        assert "No indexer" not in run(settings, "status", "healthy").stdout
    wait_for(lambda: indexer_life(connection).life is Life.GONE, "its end")
    assert try_indexer_lock(connection)  # as one that hangs: it has the lock, and no more
    beat(connection, "nothing")
    connection.execute("UPDATE indexer_heartbeat SET beat_at = beat_at - interval '2 minutes'")
    assert indexer_life(connection).life is Life.HANGS
    assert parts()["indexer"] is PartState.TIMEOUT
    assert finding().level is Level.PROBLEM


def test_the_watchdog_is_fed_while_a_project_hangs(settings: Settings, hostile: Path, tmp_path: Path) -> None:
    index(settings, hostile)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(DEADLINE_SECONDS)
        process = start_faulty(
            settings, hostile, "threading.Event().wait()", NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="2000000"
        )
        with ended(process):
            assert [manager.recv(100) for _ in range(6)] == [b"READY=1", *5 * [b"WATCHDOG=1"]]
