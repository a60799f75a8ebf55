"""Indexes made anew while everything goes on."""

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from psycopg import sql
from tests.integration.database.test_busy import searching, until
from tests.integration.database.trouble import Superuser
from tests.integration.indexing.command import run, start

from cocosearch.database import connect
from cocosearch.database.connection import Connection
from cocosearch.database.extension import pgvector_version
from cocosearch.database.migrations import migrate
from cocosearch.database.models import register_model
from cocosearch.database.pgvector import SAFE_IN_PARALLEL
from cocosearch.database.reindexing import Step, reindex, unusable_indexes
from cocosearch.embedding.types import Model
from cocosearch.errors import CocosearchError, NoRoomError
from cocosearch.indexing.run import index_project
from cocosearch.projects import load_project
from cocosearch.settings import Settings

VECTORS = """
    INSERT INTO embeddings (model_id, text_digest, embedding)
    SELECT 1, sha256((%s || number)::bytea), coordinates::real[]::halfvec(384)
    FROM generate_series(1, %s) number,
        LATERAL (SELECT array_agg(random() - 0.5 + 0 * place) FROM generate_series(1, 384) place WHERE number > 0) AS vector (coordinates)
"""
INDEX = "embeddings_of_model_1"


def oid(connection: Connection, index: str = INDEX) -> int:
    row = connection.execute("SELECT %s::regclass::oid", [index]).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def many_vectors(settings: Settings) -> Settings:
    """So many that an index of them takes seconds."""
    with connect(settings) as connection:
        assert register_model(connection, Model("all-minilm", "digest", 384, 256, 2)) == 1
        connection.execute(VECTORS, ["old", 3_000])
    return settings


def test_vector_indexes_are_made_anew_while_searches_and_writes_go_on(many_vectors: Settings) -> None:
    steps: list[Step] = []
    with connect(many_vectors) as connection, searching(many_vectors) as ask, ThreadPoolExecutor() as executor:
        before = oid(connection)
        rebuilding = executor.submit(reindex, many_vectors, steps.append)
        until(lambda: any("building index" in step.phase for step in steps))
        answers = 0
        while not rebuilding.done():
            ask()
            connection.execute(VECTORS, [f"new {answers} ", 1])
            answers += 1
        assert rebuilding.result().indexes == (INDEX,)
        assert answers > 3
        valid = connection.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", [INDEX]).fetchone()
        assert valid == (True,)
        assert unusable_indexes(connection) == []
        assert oid(connection) != before
    assert (steps[0].number, steps[0].of) == (1, 1)
    assert any(0 < step.done < step.total for step in steps)


def test_a_run_with_a_new_model_waits_for_it(many_vectors: Settings, project_directory: Path) -> None:
    """Each would wait for the other: PostgreSQL ended one of them."""
    steps: list[Step] = []
    with connect(many_vectors) as connection, connect(many_vectors) as writer, ThreadPoolExecutor() as executor:
        with writer.transaction():  # which the new index waits for
            writer.execute(VECTORS, ["uncommitted ", 1])
            rebuilding = executor.submit(reindex, many_vectors, steps.append)
            until(lambda: any("waiting for writers" in step.phase for step in steps))
            running = executor.submit(index_project, many_vectors, load_project(project_directory))
            until(lambda: connection.execute("SELECT 1 FROM projects WHERE chunks > 0").fetchone() is not None)
            assert not rebuilding.done()  # words found the project meanwhile
            assert not running.done()
        assert rebuilding.result().indexes == (INDEX,)
        assert running.result().embedded > 0


def test_it_makes_another_file_of_each_index(many_vectors: Settings) -> None:
    with connect(many_vectors) as connection:

        def files() -> dict[str, int]:
            rows = connection.execute("SELECT relname, relfilenode FROM pg_class WHERE relkind = 'i' AND relname !~ '^pg_'")
            return {str(name): int(number) for name, number in rows}

        before = files()
        done = run(many_vectors, "reindex", "--all", "--json")
        assert done.returncode == 0, done.stderr
        after = files()
    assert json.loads(done.stdout) == {"indexes": [INDEX, *sorted(before.keys() - {INDEX})], "removed": []}
    assert before.keys() == after.keys()
    assert all(before[name] != after[name] for name in before)


def test_what_was_broken_off_is_removed_by_the_next_call(many_vectors: Settings) -> None:
    with connect(many_vectors) as connection:
        process = start(many_vectors, "reindex")
        until(lambda: connection.execute("SELECT 1 FROM pg_stat_progress_create_index WHERE phase ~ 'building'").fetchone() is not None)
        assert unusable_indexes(connection) == []  # it is at work
        with pytest.raises(CocosearchError, match="Another process builds indexes"):
            reindex(many_vectors, lambda _: None)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 130, errors
        until(lambda: connection.execute("SELECT 1 FROM pg_stat_progress_create_index").fetchone() is None)
        assert unusable_indexes(connection) == [f"{INDEX}_ccnew"]
        assert f"{INDEX}_ccnew" in run(many_vectors, "doctor").stdout
        again = run(many_vectors, "reindex")
        assert again.returncode == 0, again.stderr
        assert f"Making {INDEX} anew (1 of 1)." in again.stderr
        assert f"Removed what a call had left that was broken off: {INDEX}_ccnew." in again.stdout
        assert unusable_indexes(connection) == []


def test_an_index_that_is_gone_is_made(many_vectors: Settings) -> None:
    with connect(many_vectors) as connection:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(INDEX)))
        assert reindex(many_vectors, lambda _: None).indexes == (INDEX,)
        assert oid(connection)


def test_who_waits_for_a_project_does_not_hold_it_up(settings: Settings, project_directory: Path) -> None:
    """A statement that waits for a lock has a snapshot, and PostgreSQL waits for its end before it takes a new index into use."""
    index_project(settings, load_project(project_directory))
    with connect(settings) as holder:
        holder.execute("SELECT pg_advisory_lock(%s, id) FROM projects", [0x636F636F])
        waiting = start(settings, "index", str(project_directory))
        try:
            assert waiting.stderr is not None
            assert "waiting" in waiting.stderr.readline()
            began = time.monotonic()
            assert reindex(settings, lambda _: None).indexes == (INDEX,)
            assert time.monotonic() - began < 20
        finally:
            waiting.kill()
            waiting.communicate()


def test_it_needs_room_for_a_second_index(many_vectors: Settings) -> None:
    with pytest.raises(NoRoomError, match="this takes"):
        reindex(many_vectors.model_copy(update={"low_space_bytes": 2**60}), lambda _: None)


def test_an_older_pgvector_builds_by_one_process_alone(settings: Settings, superuser: Superuser) -> None:
    with connect(settings) as connection:
        version = pgvector_version(connection)
        assert version is not None
        migrate(connection)
        register_model(connection, Model("another", "digest", 384, 256, 2))
        row = connection.execute("SHOW max_parallel_maintenance_workers").fetchone()
        by_default = superuser.execute("SHOW max_parallel_maintenance_workers").fetchone()
    assert row == (("0",) if version < SAFE_IN_PARALLEL else by_default)
