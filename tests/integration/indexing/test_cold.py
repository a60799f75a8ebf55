"""A first index with nothing in the cache: every chunk goes to the model once."""

from pathlib import Path

from cocosearch.database.connection import Connection
from cocosearch.indexing.progress import Progress
from cocosearch.indexing.run import index_project
from cocosearch.projects import load_project
from cocosearch.settings import Settings


def test_every_text_is_embedded_once_and_progress_is_told(cold_settings: Settings, connection: Connection, project_directory: Path) -> None:
    (project_directory / "_twin.py").write_bytes((project_directory / "_util.py").read_bytes())
    seen: list[Progress] = []
    result = index_project(cold_settings, load_project(project_directory), seen.append)
    assert result.cached == 0
    stored = connection.execute("SELECT count(*) FROM embeddings").fetchone()
    assert stored == (result.embedded,)
    # A file may hold the same text twice.
    texts = connection.execute("SELECT count(DISTINCT (path, enclosing, text)) FROM chunks").fetchone()
    assert texts == (result.embedded,)
    assert seen[-1].files_done == seen[-1].files_total == result.files
    assert seen[-1].chunks == seen[-1].chunks_embedded >= result.embedded
    assert any(progress.files_done == result.files and progress.chunks_embedded < progress.chunks for progress in seen)
    assert any(0 < progress.chunks_embedded < progress.chunks for progress in seen)
