"""Words are found before vectors are made, and vectors fill in behind."""

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from tests.integration.indexing.conftest import copy_h11
from tests.integration.indexing.test_indexer import wait_for
from tests.integration.indexing.vectors.steps import found_by_words, index, indexing, is_registered, rows_are_complete, texts, unit
from tests.unit.embedding.ollama_server import Script, SerialModel

from cocosearch.database.connection import Connection
from cocosearch.database.embeddings import forget_embeddings
from cocosearch.database.projects import ProjectState
from cocosearch.database.status import project_status
from cocosearch.embedding.pacing import REQUESTS_IN_FLIGHT
from cocosearch.errors import EmbeddingUnavailableError
from cocosearch.indexing.engine.embedded_text import embedded_text
from cocosearch.indexing.vectors import mean, split_text
from cocosearch.settings import Settings


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
