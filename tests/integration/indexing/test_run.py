"""Index, change, index again: the rows follow the files, and nothing is embedded twice."""

import json
import os
import shutil
from pathlib import Path

import pytest
from pgvector import SparseVector
from tests.integration.indexing.conftest import content_digest, paths

from cocosearch.database.connection import Connection
from cocosearch.database.projects import ProjectState
from cocosearch.database.status import list_projects, project_status
from cocosearch.errors import EmbeddingUnavailableError, IndexingError, ProjectNotFoundError
from cocosearch.indexing.clear import clear_project
from cocosearch.indexing.run import RunResult, index_project
from cocosearch.indexing.sources.listing import Listing, list_files
from cocosearch.lexicon.terms import DIMENSIONS, term_number
from cocosearch.projects import Project, load_project
from cocosearch.settings import Settings


def index(settings: Settings, directory: Path) -> RunResult:
    return index_project(settings, load_project(directory))


def test_first_run_makes_rows_and_the_second_does_nothing(settings: Settings, connection: Connection, project_directory: Path) -> None:
    first = index(settings, project_directory)
    status = project_status(connection, "h11")
    assert status.state is ProjectState.READY
    assert status.files == len(paths(connection)) > 8
    assert first.embedded + first.cached == status.chunks > 50
    before = content_digest(connection)
    ids = connection.execute("SELECT array_agg(id ORDER BY id) FROM chunks").fetchone()

    second = index(settings, project_directory)
    assert (second.changed, second.deleted, second.embedded, second.cached) == (0, 0, 0, 0)
    assert content_digest(connection) == before
    assert connection.execute("SELECT array_agg(id ORDER BY id) FROM chunks").fetchone() == ids


def test_rows_carry_what_a_search_needs(settings: Settings, connection: Connection, project_directory: Path) -> None:
    index(settings, project_directory)
    row = connection.execute(
        """
        SELECT c.start_line, c.end_line, c.text, c.language, %s = ANY(c.terms), (c.weights <#> %s) < 0,
               vector_dims(e.embedding), l2_norm(e.embedding)
        FROM chunks c JOIN embeddings e ON e.text_digest = c.embedded_digest WHERE 'receive_data' = ANY(c.symbols)
        """,
        [term_number("receive_data"), SparseVector({term_number("receive_data") - 1: 1.0}, DIMENSIONS)],
    ).fetchone()
    assert row is not None
    start, end, text, language, has_term, has_weight, dimensions, norm = row
    lines = (project_directory / "_connection.py").read_text().split("\n")[start - 1 : end]
    assert text == "\n".join(lines).strip("\n").rstrip()
    assert (language, has_term, has_weight, dimensions) == ("python", True, True, 384)
    assert norm == pytest.approx(1.0, abs=1e-3)


def test_only_what_changed_is_embedded(settings: Settings, connection: Connection, project_directory: Path) -> None:
    index(settings, project_directory)
    untouched = connection.execute("SELECT array_agg(id ORDER BY id) FROM chunks WHERE path <> '_util.py'").fetchone()
    with (project_directory / "_util.py").open("a") as stream:
        stream.write("\n\ndef entirely_new_function() -> str:\n    return 'a string that stood nowhere before'\n")
    result = index(settings, project_directory)
    assert result.changed == 1
    assert 0 < result.embedded <= 2
    assert connection.execute("SELECT array_agg(id ORDER BY id) FROM chunks WHERE path <> '_util.py'").fetchone() == untouched
    assert connection.execute("SELECT path FROM chunks WHERE 'entirely_new_function' = ANY(symbols)").fetchall() == [("_util.py",)]


def test_deleted_and_renamed_files_leave_no_rows(settings: Settings, connection: Connection, project_directory: Path) -> None:
    index(settings, project_directory)
    (project_directory / "_state.py").unlink()
    (project_directory / "_events.py").rename(project_directory / "_happenings.py")
    result = index(settings, project_directory)
    assert result.deleted >= 2
    assert {"_state.py", "_events.py"}.isdisjoint(paths(connection))
    assert "_happenings.py" in paths(connection)
    assert connection.execute("SELECT count(*) FROM files WHERE path IN ('_state.py', '_events.py')").fetchone() == (0,)


def test_a_touched_file_changes_nothing(settings: Settings, connection: Connection, project_directory: Path) -> None:
    index(settings, project_directory)
    before = content_digest(connection)
    os.utime(project_directory / "_readers.py")
    result = index(settings, project_directory)
    assert result.embedded == 0
    assert content_digest(connection) == before


def test_a_lost_state_directory_is_rebuilt_without_embedding(settings: Settings, connection: Connection, project_directory: Path) -> None:
    index(settings, project_directory)
    before = content_digest(connection)
    shutil.rmtree(settings.state_dir)
    (project_directory / "_headers.py").unlink()
    result = index(settings, project_directory)
    assert result.rebuilt
    assert result.embedded == 0
    assert "_headers.py" not in paths(connection)
    assert content_digest(connection) != before


def test_an_emptied_database_is_noticed_and_filled_again(settings: Settings, connection: Connection, project_directory: Path) -> None:
    """The engine alone would report success with nothing there."""
    index(settings, project_directory)
    before = content_digest(connection)
    connection.execute("DELETE FROM files")
    result = index(settings, project_directory)
    assert result.rebuilt
    assert result.embedded == 0
    assert content_digest(connection) == before


def test_single_lost_chunks_are_noticed(settings: Settings, connection: Connection, project_directory: Path) -> None:
    index(settings, project_directory)
    before = content_digest(connection)
    connection.execute("DELETE FROM chunks WHERE path = '_writers.py' AND ordinal = 0")
    assert index(settings, project_directory).rebuilt
    assert content_digest(connection) == before


def test_an_older_copy_of_the_state_is_not_trusted(
    settings: Settings, connection: Connection, project_directory: Path, tmp_path: Path
) -> None:
    index(settings, project_directory)
    shutil.copytree(settings.state_dir, tmp_path / "backup")
    (project_directory / "_util.py").write_text("VALUE = 'changed after the backup'\n")
    index(settings, project_directory)
    before = content_digest(connection)
    shutil.rmtree(settings.state_dir)
    shutil.copytree(tmp_path / "backup", settings.state_dir)
    assert index(settings, project_directory).rebuilt
    assert content_digest(connection) == before


def test_an_empty_root_is_refused_and_the_index_kept(settings: Settings, connection: Connection, project_directory: Path) -> None:
    index(settings, project_directory)
    before = content_digest(connection)
    for file in project_directory.rglob("*"):
        if file.is_file():
            file.unlink()
    with pytest.raises(IndexingError, match=r"no files to index.*clear h11"):
        index(settings, project_directory)
    assert content_digest(connection) == before
    status = project_status(connection, "h11")
    assert status.state is ProjectState.FAILED
    assert "no files to index" in (status.last_error or "")


def test_a_root_that_vanishes_is_refused_and_the_index_kept(settings: Settings, connection: Connection, project_directory: Path) -> None:
    project = load_project(project_directory)
    index_project(settings, project)
    before = content_digest(connection)
    project_directory.rename(project_directory.with_name("elsewhere"))
    with pytest.raises(IndexingError, match="missing or cannot be read"):
        index_project(settings, project)
    assert content_digest(connection) == before


def test_another_model_is_a_rebuild_and_never_a_mixture(settings: Settings, connection: Connection, project_directory: Path) -> None:
    """The vectors of two digests live in two spaces; here the digest alone changes, as after `ollama pull` of a new build."""
    index(settings, project_directory)
    connection.execute("UPDATE models SET digest = 'sha256:of-an-older-build'")
    result = index(settings, project_directory)
    assert connection.execute("SELECT count(DISTINCT embedded_digest) FROM chunks").fetchone() == (result.embedded,)
    assert connection.execute("SELECT model_id FROM projects").fetchone() == connection.execute("SELECT max(id) FROM models").fetchone()
    assert connection.execute(
        "SELECT count(*) FROM pg_indexes WHERE tablename = 'embeddings' AND indexdef LIKE '%USING hnsw%halfvec_cosine_ops%'"
    ).fetchone() == (2,)


def test_chunk_size_of_the_project_is_honoured_and_its_change_noticed(
    settings: Settings, connection: Connection, project_directory: Path
) -> None:
    index(settings, project_directory)
    before = project_status(connection, "h11").chunks
    (project_directory / "cocosearch.yaml").write_text("name: h11\nchunk_size: 200\nexclude: ['tests/', 'py.typed']\n")
    index(settings, project_directory)
    assert project_status(connection, "h11").chunks > 2 * before


def test_what_is_skipped_is_counted_by_reason(settings: Settings, connection: Connection, project_directory: Path) -> None:
    (project_directory / ".env").write_text("PASSWORD=canary-4711\n")
    (project_directory / "image.dat").write_bytes(b"\x89PNG\r\n\x00\x00canary-4711")
    (project_directory / "huge.txt").write_text("canary-4711 " * 100_000)
    (project_directory / "passwd").symlink_to("/etc/passwd")
    index(settings, project_directory)
    skipped = project_status(connection, "h11").skipped
    assert {reason: skipped[reason] for reason in ("secret", "binary", "too large", "symbolic link")} == {
        "secret": 1,
        "binary": 1,
        "too large": 1,
        "symbolic link": 1,
    }
    assert connection.execute("SELECT count(*) FROM chunks WHERE text LIKE '%canary-4711%' OR text LIKE '%root:x:0%'").fetchone() == (0,)


def test_a_line_without_end_becomes_chunks_that_the_model_reads(
    settings: Settings, connection: Connection, project_directory: Path
) -> None:
    (project_directory / "bundle.min.js").write_text("var x=" + "+".join(f"call{number}(value)" for number in range(1500)) + ";")
    result = index(settings, project_directory)
    assert result.refused == 0
    row = connection.execute(
        """
        SELECT count(*), max(length(c.text)), count(*) FILTER (WHERE e.embedding IS NULL)
        FROM chunks c LEFT JOIN embeddings e ON e.text_digest = c.embedded_digest WHERE c.path = 'bundle.min.js'
        """
    ).fetchone()
    assert row is not None
    assert row[0] > 20
    assert row[1] <= 2000
    assert row[2] == 0


def test_a_dead_embedder_is_an_error_and_not_a_short_success(settings: Settings, connection: Connection, project_directory: Path) -> None:
    dead = settings.model_copy(update={"ollama_url": "http://127.0.0.1:9"})
    with pytest.raises(EmbeddingUnavailableError, match="COCOSEARCH_OLLAMA_URL"):
        index(dead, project_directory)
    status = project_status(connection, "h11")
    assert status.state is ProjectState.FAILED
    assert "Ollama" in (status.last_error or "")
    assert status.files == status.files_done > 8
    assert (status.chunks > 50, status.chunks_embedded) == (True, 0)  # words find them, and nothing says that meaning does
    rows = connection.execute("SELECT array_agg(id ORDER BY id) FROM chunks").fetchone()
    index(settings, project_directory)
    status = project_status(connection, "h11")
    assert status.state is ProjectState.READY
    assert status.chunks_embedded == status.chunks
    assert connection.execute("SELECT array_agg(id ORDER BY id) FROM chunks").fetchone() == rows  # filled in, not written again


def test_a_file_that_cannot_be_read_is_an_error_and_keeps_its_rows(
    settings: Settings, connection: Connection, project_directory: Path
) -> None:
    """It is gone in the moment between the listing and the reading."""
    index(settings, project_directory)
    before = content_digest(connection)
    changed = project_directory / "_abnf.py"
    content = changed.read_bytes()

    def list_and_hide(project: Project, settings: Settings) -> Listing:
        listing = list_files(project, settings)
        changed.unlink()
        return listing

    changed.write_bytes(content + b"\n# changed\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cocosearch.indexing.freshness.list_files", list_and_hide)
        with pytest.raises(IndexingError, match=r"1 of \d+ files.*_abnf\.py.*No such file"):
            index(settings, project_directory)
    assert content_digest(connection) == before
    changed.write_bytes(content + b"\n# changed\n")
    index(settings, project_directory)
    assert connection.execute("SELECT count(*) > 0 FROM chunks WHERE path = '_abnf.py' AND text LIKE '%# changed%'").fetchone() == (True,)


def test_clear_removes_the_project_and_keeps_the_cache(settings: Settings, connection: Connection, project_directory: Path) -> None:
    index(settings, project_directory)
    assert clear_project(settings, "h11", on_wait=lambda: None) > 50
    assert list_projects(connection) == []
    assert connection.execute("SELECT count(*) FROM chunks").fetchone() == (0,)
    assert not (settings.state_dir / "projects" / "h11").exists()
    with pytest.raises(ProjectNotFoundError):
        clear_project(settings, "h11", on_wait=lambda: None)
    assert index(settings, project_directory).embedded == 0


def test_one_name_belongs_to_one_directory(settings: Settings, project_directory: Path, tmp_path: Path) -> None:
    index(settings, project_directory)
    other = tmp_path / "other" / "h11"
    shutil.copytree(project_directory, other)
    with pytest.raises(IndexingError, match=r"'h11' belongs to .*--name"):
        index(settings, other)


def test_state_directory_is_the_owners_alone(settings: Settings, project_directory: Path) -> None:
    index(settings, project_directory)
    assert settings.state_dir.stat().st_mode & 0o077 == 0
    stamp = json.loads((settings.state_dir / "projects" / "h11" / "stamp.json").read_text())
    assert stamp["generation"] == 1


def test_missing_ignore_rules_are_told_until_they_are_there(settings: Settings, connection: Connection, project_directory: Path) -> None:
    (project_directory / ".git").write_text("gitdir: /nowhere\n")
    index(settings, project_directory)
    assert ".git" not in paths(connection)
    (note,) = project_status(connection, "h11").notes
    assert note.startswith("Ignore rules are missing: ")
    assert [status.notes for status in list_projects(connection)] == [[note]]
    (project_directory / ".git").unlink()
    index(settings, project_directory)
    assert project_status(connection, "h11").notes == []
