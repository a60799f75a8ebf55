"""Texts that the model refuses, and when it is asked for them again."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.integration.indexing.test_indexer import indexer, wait_for
from tests.integration.indexing.vectors.steps import found_by_words, index
from tests.unit.embedding.ollama_server import Script, SerialModel

from cocosearch.database.connection import Connection
from cocosearch.database.projects import ProjectState
from cocosearch.database.status import project_status
from cocosearch.indexing.clear import clear_project
from cocosearch.settings import Settings


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
