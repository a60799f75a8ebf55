"""Words are found before vectors are made, and vectors fill in behind, whatever happens to either."""

import hashlib
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from tests.integration.indexing.command import start
from tests.integration.indexing.conftest import content_digest, copy_h11, paths
from tests.integration.indexing.test_indexer import indexer, wait_for
from tests.unit.embedding.ollama_server import Script, SerialModel, ollama

from cocosearch.access.requests import enqueue
from cocosearch.database import connect
from cocosearch.database.connection import Connection
from cocosearch.database.embeddings import forget_embeddings
from cocosearch.database.migrations import migrate
from cocosearch.database.notifications import announce_query
from cocosearch.database.projects import ProjectState
from cocosearch.database.status import ProjectStatus, project_status
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.embedding.pacing import REQUESTS_IN_FLIGHT
from cocosearch.errors import EmbeddingUnavailableError
from cocosearch.indexing.clear import clear_project
from cocosearch.indexing.engine.embedded_text import embedded_text
from cocosearch.indexing.run import RunResult, index_project
from cocosearch.indexing.vectors import mean, split_text
from cocosearch.lexicon.terms import term_number
from cocosearch.projects import load_project
from cocosearch.settings import Settings


@pytest.fixture
def model() -> SerialModel:
    return SerialModel()


@pytest.fixture
def script(model: SerialModel) -> Script:
    return Script(embed=model)


@pytest.fixture
def settings(database_url: str, script: Script, tmp_path: Path) -> Iterator[Settings]:
    """Settings with a model that the test commands."""
    with ollama(script) as url:
        settings = Settings(database_url=database_url, ollama_url=url, state_dir=tmp_path / "state")
        with connect(settings) as connection:
            migrate(connection)
        yield settings


@pytest.fixture
def connection(settings: Settings) -> Iterator[Connection]:
    with connect(settings) as connection:
        yield connection


def index(settings: Settings, directory: Path) -> RunResult:
    return index_project(settings, load_project(directory))


@contextmanager
def indexing(settings: Settings, directory: Path) -> Iterator[threading.Thread]:
    """A run in a thread, whose end the block has to make possible."""
    thread = threading.Thread(target=index, args=(settings, directory))
    thread.start()
    try:
        yield thread
    finally:
        thread.join(timeout=60)
        assert not thread.is_alive()


def found_by_words(connection: Connection, word: str) -> bool:
    row = connection.execute("SELECT count(*) FROM chunks WHERE terms @> ARRAY[%s::integer]", [term_number(word)]).fetchone()
    return row is not None and row[0] > 0


def found_by_meaning(connection: Connection, word: str) -> bool:
    row = connection.execute(
        """
        SELECT count(*) FROM chunks c JOIN embeddings e ON e.text_digest = c.embedded_digest
        WHERE c.terms @> ARRAY[%s::integer] AND e.embedding IS NOT NULL
        """,
        [term_number(word)],
    ).fetchone()
    return row is not None and row[0] > 0


def texts(connection: Connection) -> int:
    """Distinct texts; a file may hold the same one twice."""
    row = connection.execute("SELECT count(DISTINCT embedded_digest) FROM chunks").fetchone()
    assert row is not None
    return int(row[0])


def rows_are_complete(status: ProjectStatus) -> bool:
    return status.chunks > 50 and status.files_done == status.files_total > 8


def is_registered(connection: Connection, name: str) -> bool:
    return connection.execute("SELECT FROM projects WHERE name = %s", [name]).fetchone() is not None


def test_words_are_found_while_the_model_hangs(
    settings: Settings, connection: Connection, project_directory: Path, model: SerialModel
) -> None:
    model.awake.clear()
    with indexing(settings, project_directory) as run:
        wait_for(lambda: is_registered(connection, "h11"), "the project")
        wait_for(lambda: rows_are_complete(project_status(connection, "h11")), "the rows")
        status = project_status(connection, "h11")
        assert (status.state, status.chunks_embedded, status.percent_embedded) == (ProjectState.INDEXING, 0, 0)
        assert found_by_words(connection, "receive_data")
        assert run.is_alive()
        model.awake.set()
    status = project_status(connection, "h11")
    assert (status.state, status.percent_embedded) == (ProjectState.READY, 100)


def test_code_gets_its_vectors_before_tests_and_documents(
    settings: Settings, connection: Connection, tmp_path: Path, model: SerialModel
) -> None:
    project = tmp_path / "project"
    for directory in ("docs", "src", "tests"):
        copy_h11(project / directory)
    model.awake.clear()
    with indexing(settings, project):
        wait_for(lambda: is_registered(connection, "project"), "the project")
        wait_for(lambda: rows_are_complete(project_status(connection, "project")), "the rows")
        model.awake.set()
    counted = connection.execute("SELECT count(DISTINCT embedded_digest) FROM chunks WHERE path LIKE 'src/%'").fetchone()
    assert counted is not None
    # What was asked for before there were any rows of code: requests under way, and one that is ready.
    early = (REQUESTS_IN_FLIGHT + 1) * settings.embed_batch
    assert counted[0] > 2 * early
    others = [text.splitlines()[0] for text in model.texts[: counted[0]] if not text.startswith("search_document: src/")]
    assert len(others) <= early


def test_kill_9_in_the_dense_pass_and_the_next_run_asks_only_for_the_rest(
    settings: Settings, connection: Connection, project_directory: Path, model: SerialModel
) -> None:
    model.seconds_per_text = 0.02
    process = start(settings, "index", str(project_directory))
    wait_for(lambda: is_registered(connection, "h11"), "the project")
    wait_for(lambda: 0 < project_status(connection, "h11").chunks_embedded < project_status(connection, "h11").chunks, "some vectors")
    process.kill()
    process.communicate()
    held = connection.execute("SELECT count(*) FROM embeddings").fetchone()
    assert held is not None
    model.seconds_per_text = 0.0

    result = index(settings, project_directory)
    status = project_status(connection, "h11")
    assert held[0] + result.embedded == texts(connection)
    assert status.chunks_embedded == status.chunks
    assert index(settings, project_directory).embedded == 0
    digest = content_digest(connection)
    connection.execute("DELETE FROM projects")
    connection.execute("DELETE FROM embeddings")
    index(settings.model_copy(update={"state_dir": settings.state_dir.with_name("clean")}), project_directory)
    assert content_digest(connection) == digest


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_kill_9_while_rows_are_written_then_a_rerun_gives_what_a_clean_run_gives(
    share: float, settings: Settings, connection: Connection, tmp_path: Path, model: SerialModel
) -> None:
    directory = tmp_path / "many"
    for number in range(20):
        copy_h11(directory / f"copy{number}")
    files = len([path for path in directory.rglob("*") if path.is_file() and path.stat().st_size])

    def written() -> int:
        row = connection.execute("SELECT count(*) FROM files").fetchone()
        return int(row[0]) if row else 0

    model.awake.clear()
    process = start(settings, "index", str(directory))
    wait_for(lambda: written() >= share * files, "some rows")
    process.kill()
    process.communicate()
    assert written() < files
    model.awake.set()

    index(settings, directory)
    digest = content_digest(connection)
    assert written() == files
    connection.execute("DELETE FROM projects")
    connection.execute("DELETE FROM embeddings")
    index(settings.model_copy(update={"state_dir": settings.state_dir.with_name("clean")}), directory)
    assert content_digest(connection) == digest


def test_a_refused_text_is_asked_for_once_and_found_by_words(
    settings: Settings, connection: Connection, project_directory: Path, model: SerialModel, script: Script
) -> None:
    (project_directory / "bad.py").write_text("def poison_the_model() -> None: ...\n")
    first = index(settings, project_directory)
    status = project_status(connection, "h11")
    assert (first.refused, status.state, status.chunks - status.chunks_embedded) == (1, ProjectState.READY, 1)
    assert status.percent_embedded == 99
    assert found_by_words(connection, "poison_the_model")
    asked = len(model.texts), len(script.to("/api/embed"))
    second = index(settings, project_directory)
    assert (second.embedded, second.refused) == (0, 0)
    assert (len(model.texts), len(script.to("/api/embed"))) == (asked[0] + 1, asked[1] + 1)  # the probe of the model


@pytest.fixture
def refused(settings: Settings, connection: Connection, project_directory: Path) -> Settings:
    """A project with one text that the model refused."""
    (project_directory / "bad.py").write_text("def poison_the_model() -> None: ...\n")
    assert index(settings, project_directory).refused == 1
    status = project_status(connection, "h11")
    assert status.notes == [
        "A chunk without a vector, because the model refused the text (bad.py:1): found by words alone, and tried again after a pause."
    ]
    return settings


def pass_the_pause(connection: Connection) -> None:
    connection.execute("UPDATE embeddings SET refused_at = refused_at - interval '2 days' WHERE embedding IS NULL")
    connection.execute("UPDATE projects SET refusals_due_at = refusals_due_at - interval '2 days'")


def test_a_refused_text_gets_its_vector_after_a_pause_if_the_server_was_at_fault(
    refused: Settings, connection: Connection, project_directory: Path, model: SerialModel
) -> None:
    model.refused = lambda _: False
    assert index(refused, project_directory).embedded == 0
    pass_the_pause(connection)
    assert index(refused, project_directory).embedded == 1
    status = project_status(connection, "h11")
    assert (status.chunks, status.notes) == (status.chunks_embedded, [])


def test_the_pause_grows_while_the_model_goes_on_refusing(refused: Settings, connection: Connection, project_directory: Path) -> None:
    pauses = []
    for _ in range(3):
        row = connection.execute("SELECT refusals_due_at - clock_timestamp() FROM projects").fetchone()
        assert row is not None
        pauses.append(round(row[0] / timedelta(minutes=1)))
        pass_the_pause(connection)
        assert index(refused, project_directory).refused == 1
    assert pauses == [10, 20, 40]


def test_the_indexer_asks_again_by_itself(refused: Settings, connection: Connection, model: SerialModel) -> None:
    """Also for what a release refused that counted nothing."""
    model.refused = lambda _: False
    connection.execute("UPDATE embeddings SET refusals = 0, refused_at = NULL WHERE embedding IS NULL")
    connection.execute("UPDATE projects SET refusals_due_at = now()")
    with indexer(refused):
        wait_for(lambda: not project_status(connection, "h11").refused, "the refused text to have its vector")


def test_to_clear_a_project_forgets_what_was_refused(
    refused: Settings, connection: Connection, project_directory: Path, model: SerialModel
) -> None:
    model.refused = lambda _: False
    clear_project(refused, "h11", lambda: None)
    assert connection.execute("SELECT count(*) FROM embeddings WHERE embedding IS NULL").fetchone() == (0,)
    assert index(refused, project_directory).embedded == 1


def test_a_text_beyond_the_window_gets_the_mean_of_its_parts(
    settings: Settings, connection: Connection, project_directory: Path, model: SerialModel
) -> None:
    lines = "".join(f"line_{number} = {number}\n" for number in range(20)).rstrip()
    (project_directory / "long.py").write_text(lines)
    prompt = "search_document: "
    first, second = (prompt + embedded_text("long.py", None, half) for half in split_text(lines))
    model.window_characters = max(len(first), len(second))
    for path in project_directory.iterdir():
        if path.name != "long.py":
            path.unlink()
    result = index(settings, project_directory)
    assert (result.embedded, result.refused) == (1, 0)
    row = connection.execute("SELECT embedding FROM embeddings").fetchone()
    assert row is not None
    expected = mean([unit(model.vector_of(first)), unit(model.vector_of(second))])
    assert row[0].to_list() == pytest.approx(expected, abs=1e-3)


def unit(vector: list[float]) -> list[float]:
    return [value / math.hypot(*vector) for value in vector]


def test_a_changed_model_fills_in_its_own_vectors_while_words_answer(
    settings: Settings, connection: Connection, project_directory: Path, model: SerialModel, script: Script
) -> None:
    index(settings, project_directory)
    rows = connection.execute("SELECT array_agg(id ORDER BY id) FROM chunks").fetchone()
    model.awake.clear()
    script.digest = hashlib.sha256(b"another build").hexdigest()
    with indexing(settings, project_directory):
        wait_for(lambda: project_status(connection, "h11").state is ProjectState.INDEXING, "the run")
        assert found_by_words(connection, "receive_data")
        model.awake.set()
    assert connection.execute("SELECT array_agg(id ORDER BY id) FROM chunks").fetchone() == rows
    per_model = connection.execute("SELECT count(*) FROM embeddings GROUP BY model_id").fetchall()
    status = project_status(connection, "h11")
    assert per_model == [(texts(connection),), (texts(connection),)]
    assert status.percent_embedded == 100


def test_without_a_model_rows_are_written_and_the_run_says_what_is_missing(
    settings: Settings, connection: Connection, project_directory: Path, script: Script
) -> None:
    script.models.clear()
    with pytest.raises(EmbeddingUnavailableError, match=r"cocosearch model ensure.* (\d+) of \1 chunks of 'h11' are found by words alone"):
        index(settings, project_directory)
    status = project_status(connection, "h11")
    assert rows_are_complete(status)
    assert (status.state, status.chunks_embedded) == (ProjectState.FAILED, 0)
    assert found_by_words(connection, "receive_data")
    script.models.append("nomic-embed-text:latest")
    assert index(settings, project_directory).embedded == texts(connection)


def test_vectors_are_forgotten_once_no_chunk_has_had_their_text_for_long(
    settings: Settings, connection: Connection, project_directory: Path
) -> None:
    index(settings, project_directory)
    assert forget_embeddings(connection, timedelta(days=60)) == 0
    gone = connection.execute("SELECT count(DISTINCT embedded_digest) FROM chunks WHERE path = '_util.py'").fetchone()
    (project_directory / "_util.py").unlink()
    index(settings, project_directory)
    assert forget_embeddings(connection, timedelta(days=60)) == 0
    connection.execute("UPDATE unused_embeddings SET since = since - 61")
    assert (forget_embeddings(connection, timedelta(days=60)),) == gone
    assert index(settings, project_directory).embedded == 0


def test_a_text_that_comes_back_is_not_forgotten(settings: Settings, connection: Connection, project_directory: Path) -> None:
    index(settings, project_directory)
    content = (project_directory / "_util.py").read_bytes()
    (project_directory / "_util.py").unlink()
    index(settings, project_directory)
    forget_embeddings(connection, timedelta(days=60))
    connection.execute("UPDATE unused_embeddings SET since = since - 61")
    (project_directory / "_util.py").write_bytes(content)
    assert index(settings, project_directory).embedded == 0
    assert forget_embeddings(connection, timedelta(days=60)) == 0


def test_the_indexer_makes_words_fresh_while_the_model_hangs(
    settings: Settings, connection: Connection, project_directory: Path, model: SerialModel
) -> None:
    """In the middle of a first index, whose vectors may take hours."""
    model.awake.clear()
    with indexer(settings):
        enqueue(connection, project_directory, None, max_queued=10)
        wait_for(lambda: rows_are_complete(project_status(connection, "h11")), "the rows")
        (project_directory / "_added.py").write_text("def freshly_added() -> None: ...\n")
        (project_directory / "_util.py").unlink()
        wait_for(lambda: found_by_words(connection, "freshly_added"), "the file that was added")
        wait_for(lambda: "_util.py" not in paths(connection), "the end of the file that was deleted")
        model.awake.set()
        wait_for(lambda: project_status(connection, "h11").state is ProjectState.READY, "the end of the run")
        assert found_by_meaning(connection, "freshly_added")
        assert project_status(connection, "h11").percent_embedded == 100


def test_the_indexer_makes_words_fresh_while_the_server_is_away(
    settings: Settings, connection: Connection, project_directory: Path, script: Script
) -> None:
    with indexer(settings):
        enqueue(connection, project_directory, None, max_queued=10)
        wait_for(lambda: project_status(connection, "h11").state is ProjectState.READY, "the first index")
        script.models.clear()
        for number in range(2):  # the second, while the failure of the first waits for its retry
            (project_directory / f"_added{number}.py").write_text(f"def freshly_added_{number}() -> None: ...\n")
            wait_for(partial(found_by_words, connection, f"freshly_added_{number}"), "the file that was added")
            wait_for(lambda: project_status(connection, "h11").state is ProjectState.FAILED, "the end of the run")
        script.models.append("nomic-embed-text:latest")
        wait_for(lambda: project_status(connection, "h11").state is ProjectState.READY, "the vectors, once the model is back")


def test_a_change_does_not_wait_for_another_projects_first_index(
    settings: Settings, connection: Connection, project_directory: Path, model: SerialModel, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    (small / "only.py").write_text("def before() -> None: ...\n")
    with indexer(settings):
        enqueue(connection, small, None, max_queued=10)
        wait_for(lambda: project_status(connection, "small").state is ProjectState.READY, "the small project")
        model.seconds_per_text = 0.1
        enqueue(connection, project_directory, None, max_queued=10)
        wait_for(lambda: project_status(connection, "h11").chunks_embedded > 0, "the long first index")
        (small / "only.py").write_text("def changed_meanwhile() -> None: ...\n")
        wait_for(lambda: found_by_meaning(connection, "changed_meanwhile"), "the change")
        status = project_status(connection, "h11")
        assert status.state is ProjectState.INDEXING
        assert status.chunks_embedded < status.chunks
        model.seconds_per_text = 0.0
        wait_for(lambda: project_status(connection, "h11").state is ProjectState.READY, "the end of the long one")


def test_a_query_waits_behind_few_texts(settings: Settings, connection: Connection, project_directory: Path, model: SerialModel) -> None:
    """The model serves one text after the other: what is sent before a query delays it."""
    model.seconds_per_text = 0.05
    with indexer(settings), OllamaClient(settings) as client:
        enqueue(connection, project_directory, None, max_queued=10)
        wait_for(lambda: project_status(connection, "h11").chunks_embedded > 20, "the index under way")
        for number in range(8):
            announce_query(connection)
            client.embed_query(f"question {number}")
        assert project_status(connection, "h11").state is ProjectState.INDEXING
        ahead = [model.ahead[f"search_query: question {number}"] for number in range(8)]
        assert max(ahead[2:]) <= 2
        assert max(ahead) <= 2 * 0.2 / 0.05 + 2  # two requests of a fifth of a second, as long as nobody was heard of
        model.seconds_per_text = 0.0
        wait_for(lambda: project_status(connection, "h11").state is ProjectState.READY, "the end")
