"""Whatever a run is killed at, the next one makes what a clean run makes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg import sql
from tests.integration.indexing.command import start
from tests.integration.indexing.conftest import content_digest, copy_h11
from tests.integration.indexing.test_indexer import wait_for
from tests.integration.indexing.vectors.steps import index, is_registered, texts
from tests.unit.embedding.ollama_server import SerialModel

from cocosearch.database.connection import Connection
from cocosearch.database.status import project_status
from cocosearch.settings import Settings

# Key of the lock that those who write another file wait for.
_FULL = 0x66756C6C


@contextmanager
def room_for_files(connection: Connection, files: int) -> Iterator[None]:
    """Whoever writes another file once so many are there waits for the end of the block."""
    connection.execute("SELECT pg_advisory_lock(%s)", [_FULL])
    connection.execute(
        sql.SQL(
            """
            CREATE FUNCTION wait_for_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF (SELECT count(*) FROM files) >= {files} THEN
                    PERFORM pg_advisory_xact_lock_shared({full});
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER wait_for_room BEFORE INSERT ON files FOR EACH ROW EXECUTE FUNCTION wait_for_room()
            """
        ).format(files=sql.Literal(files), full=sql.Literal(_FULL))
    )
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [_FULL])
        connection.execute("DROP TRIGGER wait_for_room ON files")  # waits for those who waited
        connection.execute("DROP FUNCTION wait_for_room")


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
    for number in range(8):
        copy_h11(directory / f"copy{number}")
    files = len([path for path in directory.rglob("*") if path.is_file() and path.stat().st_size])

    def written() -> int:
        row = connection.execute("SELECT count(*) FROM files").fetchone()
        return int(row[0]) if row else 0

    model.awake.clear()
    with room_for_files(connection, round(share * files)):
        process = start(settings, "index", str(directory))
        wait_for(lambda: written() >= round(share * files), "some rows")
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
