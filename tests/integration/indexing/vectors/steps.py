"""What these tests do and look for again and again."""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cocosearch.database.connection import Connection
from cocosearch.database.status import ProjectStatus
from cocosearch.indexing.run import RunResult, index_project
from cocosearch.lexicon.terms import term_number
from cocosearch.projects import load_project
from cocosearch.settings import Settings


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


def unit(vector: list[float]) -> list[float]:
    return [value / math.hypot(*vector) for value in vector]
