"""tools/first_search.py in front of servers that are slow, stand still, fail or are away: the real serving side over states."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.ports import free_port
from tests.unit.serving import fakes

from cocosearch.access.tokens import create_token_file
from cocosearch.database.projects import ProjectState
from cocosearch.database.status import ProjectStatus
from cocosearch.search.types import Arm, SearchRequest, SearchResponse

SCRIPT = Path(__file__).parents[3] / "tools" / "first_search.py"
WAITING = replace(fakes.STATUS, state=ProjectState.WAITING, files_total=0, files_done=0, chunks=0, chunks_embedded=0, indexed_at=None)
LISTED = replace(WAITING, state=ProjectState.INDEXING, files_total=300)
BY_WORDS = replace(LISTED, files_done=120, chunks=500)
READY = replace(LISTED, state=ProjectState.READY, files_done=300, chunks=900, chunks_embedded=900, indexed_at=fakes.WHEN)

pytestmark = pytest.mark.slow("a server and a client process for each test, and a patience that has to end")


@dataclass
class SlowAppliance:
    """Goes from state to state, one at each question; the last one stays."""

    states: Sequence[ProjectStatus]
    asked: int = 0
    searches: list[int] = field(default_factory=list)

    def status(self, _: str) -> ProjectStatus:
        state = self.states[min(self.asked, len(self.states) - 1)]
        self.asked += 1
        return state

    def search(self, _: SearchRequest) -> SearchResponse:
        now = self.states[min(self.asked, len(self.states)) - 1]
        self.searches.append(now.chunks)
        arms = (Arm.LEXICAL, Arm.DENSE) if now.chunks_embedded else (Arm.LEXICAL,)
        return fakes.response(*([replace(fakes.HIT, arms=arms)] if now.chunks > 100 else []))


@contextmanager
def server(appliance: SlowAppliance, token_file: Path) -> Iterator[str]:
    backend = replace(fakes.BACKEND, project_status=appliance.status, search=appliance.search)
    with fakes.serving(backend, token_file=token_file) as client:
        yield f"{client.base_url}/mcp".replace("//mcp", "/mcp")


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    create_token_file(path)
    return path


def start(url: str, token: str, *, patience: float = 30.0, directory: str = "/project/demo") -> "subprocess.Popen[str]":
    command = [sys.executable, str(SCRIPT), url, directory, str(patience)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(token)
    process.stdin.close()
    process.stdin = None
    return process


def run(url: str, token: str, **given: float | str) -> tuple[int, str, str]:
    with start(url, token, **given) as process:  # type: ignore[arg-type]
        out, error = process.communicate(timeout=120)
    assert "Traceback" not in error
    return process.returncode, out, error


def test_it_answers_by_words_first_and_by_meaning_when_it_can(token_file: Path) -> None:
    appliance = SlowAppliance([WAITING, LISTED, replace(LISTED, files_done=1, chunks=10), BY_WORDS, replace(BY_WORDS, chunks=900), READY])
    with server(appliance, token_file) as url:
        status, out, error = run(url, token_file.read_text())
    assert status == 0
    assert out.index(", by words, ") < out.index(", by words and meaning, ")
    assert "src/demo.py:3-5" in out
    assert appliance.searches == [10, 10, 500, 900]
    assert "of 0 files" in error


def test_it_waits_as_long_as_something_moves(token_file: Path) -> None:
    """Longer than its patience: every state is another one than that before."""
    states = [WAITING, *(replace(LISTED, files_done=done) for done in range(8)), READY]
    with server(SlowAppliance(states), token_file) as url:
        began = time.monotonic()
        status, out, _ = run(url, token_file.read_text(), patience=5.0)
    assert status == 0
    assert "src/demo.py" in out
    assert time.monotonic() - began > 5.0


def test_what_stands_still_ends_in_a_sentence(token_file: Path) -> None:
    with server(SlowAppliance([WAITING, LISTED]), token_file) as url:
        status, out, error = run(url, token_file.read_text(), patience=2.0)
    assert (status, out) == (1, "")
    assert "error: the index has not moved for 2 seconds; the last state was {'state': 'indexing', 'files': 300" in error
    assert "cocosearch doctor" in error


def test_a_failed_index_says_why(token_file: Path) -> None:
    failed = replace(WAITING, state=ProjectState.FAILED, last_error="The disk is full. Free some space.")
    with server(SlowAppliance([WAITING, failed]), token_file) as url:
        status, _, error = run(url, token_file.read_text())
    assert status == 1
    assert error.endswith("error: indexing failed: The disk is full. Free some space.\n")


def test_without_vectors_words_have_answered(token_file: Path) -> None:
    failed = replace(BY_WORDS, state=ProjectState.FAILED, last_error="Ollama is away.")
    with server(SlowAppliance([WAITING, failed]), token_file) as url:
        status, out, error = run(url, token_file.read_text())
    assert status == 0
    assert ", by words, " in out
    assert "500 chunks are searchable by words, 0 % of them by meaning" in error


def test_a_refused_directory_is_the_servers_sentence(token_file: Path) -> None:
    with server(SlowAppliance([WAITING]), token_file) as url:
        status, _, error = run(url, token_file.read_text(), directory="/etc")
    assert status == 1
    assert "error: '/etc' is not a directory below an allowed root of the server (/project)." in error


def test_a_wrong_token_is_said(token_file: Path) -> None:
    with server(SlowAppliance([WAITING]), token_file) as url:
        status, _, error = run(url, "x" * 64)
    assert status == 1
    assert "refuses with status 401: the token is not" in error


def test_a_server_that_is_away_is_waited_for_and_then_named(token_file: Path) -> None:
    status, _, error = run(f"http://127.0.0.1:{free_port()}/mcp", token_file.read_text(), patience=2.0)
    assert status == 1
    assert "error: the index has not moved for 2 seconds; " in error
    assert "no answer (" in error


def test_an_interruption_is_a_sentence(token_file: Path) -> None:
    appliance = SlowAppliance([LISTED])
    with server(appliance, token_file) as url, start(url, token_file.read_text()) as process:
        while appliance.asked < 2:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in error
    assert error.endswith("error: interrupted. The appliance goes on, and so does its indexing.\n")
