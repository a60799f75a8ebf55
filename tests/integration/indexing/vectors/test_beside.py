"""What goes on beside the vectors: changes, other projects, queries."""

from functools import partial
from pathlib import Path

from tests.integration.indexing.conftest import paths
from tests.integration.indexing.test_indexer import indexer, wait_for
from tests.integration.indexing.vectors.steps import found_by_meaning, found_by_words, rows_are_complete
from tests.unit.embedding.ollama_server import Script, SerialModel

from cocosearch.access.requests import enqueue
from cocosearch.database.connection import Connection
from cocosearch.database.notifications import announce_query
from cocosearch.database.projects import ProjectState
from cocosearch.database.status import project_status
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.settings import Settings


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
