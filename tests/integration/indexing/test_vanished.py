"""Rows that go behind the indexer's back are noticed and made again, with the vectors that there are."""

import signal
from pathlib import Path

import pytest
from tests.integration.indexing.command import DEADLINE_SECONDS, start
from tests.integration.indexing.conftest import content_digest
from tests.integration.indexing.test_indexer import wait_for

from cocosearch.database.connection import Connection
from cocosearch.database.projects import ProjectState
from cocosearch.database.status import project_status
from cocosearch.indexing.run import index_project
from cocosearch.projects import load_project
from cocosearch.settings import Settings

THEFTS = {
    "some chunks": "DELETE FROM chunks WHERE ordinal = 0",
    "a file": "DELETE FROM files WHERE path = (SELECT min(path) FROM files)",
    "all files": "DELETE FROM files",
    "definitions": "DELETE FROM definitions WHERE name_line > 100",
    "vectors": "DELETE FROM embeddings WHERE get_byte(text_digest, 0) < 64",
    "all vectors": "TRUNCATE embeddings CASCADE",
    "all chunks": "TRUNCATE chunks",
    "statistics": "DELETE FROM term_statistics",
}
STATISTICS = "SELECT md5(string_agg((term, chunks)::text, ',' ORDER BY term)) FROM term_statistics"


def state(connection: Connection) -> tuple[object, ...]:
    (statistics,) = next(iter(connection.execute(STATISTICS)))
    status = project_status(connection, "h11")
    definitions = next(iter(connection.execute("SELECT count(*) FROM definitions")))[0]
    return content_digest(connection), statistics, status.files, status.chunks, status.chunks_embedded, definitions


@pytest.mark.parametrize("theft", THEFTS)
def test_a_run_by_hand_makes_them_again(theft: str, settings: Settings, connection: Connection, project_directory: Path) -> None:
    index_project(settings, load_project(project_directory))
    before = state(connection)
    connection.execute(THEFTS[theft])
    index_project(settings, load_project(project_directory))
    assert state(connection) == before


def test_the_indexer_notices_them_by_itself(settings: Settings, connection: Connection, project_directory: Path) -> None:
    index_project(settings, load_project(project_directory))
    before = state(connection)
    for theft in ("some chunks", "definitions", "vectors", "statistics"):
        connection.execute(THEFTS[theft])
        assert state(connection) != before
        # It counts when it begins, and then once a minute.
        process = start(settings, "indexer")
        try:
            wait_for(lambda: state(connection) == before, f"{theft} to be made again")
            wait_for(lambda: project_status(connection, "h11").state is ProjectState.READY, "the run to end")
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=DEADLINE_SECONDS)


def test_what_is_whole_is_left_alone(settings: Settings, project_directory: Path) -> None:
    index_project(settings, load_project(project_directory))
    assert index_project(settings, load_project(project_directory)).rebuilt is False
