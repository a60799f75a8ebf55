"""What an upgrade, or another setting, means for what is indexed: said before, and where one looks afterwards."""

from pathlib import Path

import pytest
from tests.integration.indexing.command import run

from cocosearch.database import connect
from cocosearch.database.connection import Connection
from cocosearch.database.models import ModelKey
from cocosearch.database.plan import plan
from cocosearch.database.projects import begin_run
from cocosearch.database.status import project_status
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.indexing.engine.flow import ROWS_VERSION
from cocosearch.indexing.run import index_project
from cocosearch.projects import load_project
from cocosearch.settings import Settings


@pytest.fixture
def indexed(settings: Settings, project_directory: Path) -> ModelKey:
    """The model that the project was indexed with."""
    index_project(settings, load_project(project_directory))
    with OllamaClient(settings) as client:
        return ModelKey(client.model, client.model_digest(), client.prompt_version)


def test_nothing_is_said_where_all_vectors_stay(connection: Connection, indexed: ModelKey) -> None:
    assert plan(connection, indexed, ROWS_VERSION) == []
    assert plan(connection, ModelKey(indexed.name, None, indexed.prompt_version), ROWS_VERSION) == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"name": "mxbai-embed-large"}, "because the embedding model was all-minilm and is mxbai-embed-large."),
        ({"digest": "another"}, "because the server has another version of the embedding model all-minilm."),
        ({"prompt_version": 7}, "because what stands in front of code when it is embedded is another text."),
    ],
)
def test_another_model_is_told(connection: Connection, indexed: ModelKey, changed: dict[str, str | int], reason: str) -> None:
    values = {"name": indexed.name, "digest": indexed.digest, "prompt_version": indexed.prompt_version, **changed}
    sentence, *rest = plan(connection, ModelKey(**values), ROWS_VERSION)  # type: ignore[arg-type]
    assert reason in sentence
    assert "chunks of 1 project are embedded anew" in sentence
    assert rest == []


def test_other_chunks_are_told_before_and_after(connection: Connection, indexed: ModelKey) -> None:
    assert "cuts code into other chunks" in plan(connection, indexed, ROWS_VERSION + 1)[0]
    assert project_status(connection, "h11").notes == []
    row = connection.execute("SELECT id FROM projects").fetchone()
    assert row is not None
    begin_run(connection, row[0], ROWS_VERSION + 1)
    assert "cuts code into other chunks" in project_status(connection, "h11").notes[0]


def test_an_older_database_is_read_as_it_is(settings: Settings, connection: Connection, indexed: ModelKey) -> None:
    connection.execute("DELETE FROM migrations WHERE number >= 10")
    connection.execute("ALTER TABLE projects DROP COLUMN rows_version, DROP COLUMN anew")
    assert plan(connection, indexed, ROWS_VERSION + 1) == []
    asked = run(settings, "database", "plan", COCOSEARCH_DOCUMENT_PROMPT="code: ")
    assert (asked.returncode, "another text" in asked.stdout) == (0, True), asked.stderr
    connection.execute("DELETE FROM migrations WHERE number >= 2")
    assert "keeps vectors in another form" in plan(connection, indexed, ROWS_VERSION)[0]


@pytest.mark.usefixtures("indexed")
def test_status_says_why_until_it_is_done(settings: Settings, connection: Connection, project_directory: Path) -> None:
    """The note is there while vectors are made, and gone when all are."""
    other = settings.model_copy(update={"document_prompt": "code: "})
    assert "another text" in run(settings, "database", "plan", COCOSEARCH_DOCUMENT_PROMPT="code: ").stdout
    seen: set[str] = set()
    index_project(
        other,
        load_project(project_directory),
        on_progress=lambda _: seen.update(_notes(settings)),
    )
    assert any(note.startswith("It is embedded anew, ") and "another text" in note for note in seen)
    assert project_status(connection, "h11").notes == []
    assert run(settings, "database", "plan", COCOSEARCH_DOCUMENT_PROMPT="code: ").stdout == ""


def _notes(settings: Settings) -> list[str]:
    with connect(settings) as connection:
        return project_status(connection, "h11").notes
