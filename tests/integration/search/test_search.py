"""Search over real rows: both arms, filters that hold, and an answer while the model is away."""

import itertools
import random
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from pgvector import HalfVector, SparseVector
from tests.integration.indexing.conftest import copy_h11

from cocosearch.database import open_pool
from cocosearch.database.connection import Connection, Pool
from cocosearch.database.models import RegisteredModel
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.errors import CocosearchError, DatabaseUnavailableError, ProjectNotFoundError
from cocosearch.indexing.run import index_project
from cocosearch.lexicon.terms import DIMENSIONS
from cocosearch.projects import load_project
from cocosearch.search import Arm, SearchRequest, search
from cocosearch.search.dense import search_dense
from cocosearch.search.filters import Filters
from cocosearch.search.lexical import search_lexical, weigh_terms
from cocosearch.search.types import Degraded
from cocosearch.settings import Settings


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ("parse the request line and headers from received bytes", "_readers.py"),
        ("state machine transitions of client and server", "_state.py"),
        ("normalize and validate header names", "_headers.py"),
        ("chunked transfer encoding body writer", "_writers.py"),
    ],
)
def test_questions_find_their_file_near_the_top(pool: Pool, client: OllamaClient, question: str, path: str) -> None:
    response = search(pool, client, SearchRequest(question))
    assert response.note is None
    assert path in [hit.path for hit in response.hits[:3]], [hit.path for hit in response.hits]
    assert set(response.hits[0].arms) == {Arm.LEXICAL, Arm.DENSE}
    assert response.timings.total_ms >= response.timings.embed_ms > 0


def test_an_identifier_is_found_where_it_is_defined(pool: Pool, client: OllamaClient) -> None:
    hit = search(pool, client, SearchRequest("ReceiveBuffer")).hits[0]
    assert (hit.path, hit.project, hit.language) == ("_receivebuffer.py", "h11", "python")
    lines = hit.text.split("\n")
    assert hit.end_line - hit.start_line + 1 == len(lines)


def test_a_word_that_stands_in_one_place_is_found_by_words(
    pool: Pool, client: OllamaClient, project_directory: Path, indexed: Settings
) -> None:
    (project_directory / "_marker.py").write_text("x = 'zqxjkvb_marker_0815'\n")
    index_project(indexed, load_project(project_directory))
    hits = search(pool, client, SearchRequest("zqxjkvb_marker_0815")).hits
    assert hits[0].path == "_marker.py"
    assert Arm.LEXICAL in hits[0].arms


def test_a_common_word_finds_where_a_filter_leaves_no_rare_one(pool: Pool) -> None:
    with pool.connection() as connection, connection.transaction():
        terms, _ = weigh_terms(connection, ("receivebuff", "header"), None)
        rare, filters = frozenset({"receivebuff"}), Filters(path_glob="_headers.py")
        assert search_lexical(connection, terms, rare, Filters(), 100)
        assert search_lexical(connection, terms, rare, filters, 100)


@pytest.mark.parametrize(
    ("changed", "degraded"),
    [
        ({"ollama_url": "http://127.0.0.1:9"}, Degraded.EMBEDDING_SERVER_AWAY),
        ({"model": "another-model"}, Degraded.MODEL_MISSING),
    ],
)
def test_without_the_model_words_still_find(pool: Pool, indexed: Settings, changed: dict[str, str], degraded: Degraded) -> None:
    with OllamaClient(indexed.model_copy(update=changed)) as client:
        response = search(pool, client, SearchRequest("ReceiveBuffer"))
    assert response.hits[0].path == "_receivebuffer.py"
    assert response.hits[0].arms == (Arm.LEXICAL,)
    assert response.note is not None
    assert "words alone" in response.note
    assert response.degraded is degraded


def test_filters_hold_before_fusion(pool: Pool, client: OllamaClient, indexed: Settings, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.md").write_text("# Reading headers\n\nHow the request line and the headers are parsed from received bytes.\n")
    (other / "deep").mkdir()
    (other / "deep" / "parse.py").write_text("def parse_headers(data: bytes) -> list[bytes]:\n    return data.split(b'\\r\\n')\n")
    index_project(indexed, load_project(other))
    question = SearchRequest("parse the request line and headers from received bytes")
    assert {hit.project for hit in search(pool, client, question).hits} == {"h11", "other"}
    assert {hit.project for hit in search(pool, client, replace(question, project="other")).hits} == {"other"}
    assert [hit.path for hit in search(pool, client, replace(question, language="markdown")).hits] == ["notes.md"]
    assert [hit.path for hit in search(pool, client, replace(question, language="Markdown")).hits] == ["notes.md"]
    assert {hit.path for hit in search(pool, client, replace(question, path_glob="deep/**")).hits} == {"deep/parse.py"}
    assert {hit.path for hit in search(pool, client, replace(question, path_glob="_readers.*")).hits} == {"_readers.py"}
    assert search(pool, client, replace(question, language="cobol")).hits == ()


def test_a_rare_filter_never_starves_the_dense_arm(pool: Pool, client: OllamaClient, connection: Connection) -> None:
    """Thousands of nearer neighbours in another language must not hide the few chunks that the filter leaves."""
    vector = client.embed_query("needle")
    model = _model(connection)
    _fill(connection, model.id, vector, count=3000)
    found = _dense(pool, model, vector, Filters(None, "rare", None), limit=20)
    expected = connection.execute(
        """
        SELECT c.id FROM chunks c JOIN embeddings e ON e.text_digest = c.embedded_digest WHERE c.language = 'rare'
        ORDER BY e.embedding::halfvec(384) <=> %s::halfvec(384) LIMIT 20
        """,
        [HalfVector(vector)],
    )
    assert found == [row[0] for row in expected.fetchall()]
    assert len(found) == 20


@pytest.mark.parametrize(
    ("filters", "where"),
    [(Filters(), "true"), (Filters(language="rare"), "c.language = 'rare'")],
    ids=["all", "an eighth that lies elsewhere"],
)
def test_the_index_finds_what_exact_search_finds(client: OllamaClient, connection: Connection, filters: Filters, where: str) -> None:
    """Recall@10 of the arm as it is, among 4,000 vectors in clouds around a few topics, of questions that are none of the vectors."""
    model = _model(connection)
    topics = ["socket", "header parsing", "error handling", "connection close", "buffer", "state", "http version", "chunked body"]
    vectors = [client.embed_query(topic) for topic in topics]
    _fill(connection, model.id, *vectors, count=4000, rare_every=8)
    connection.execute("VACUUM ANALYZE chunks, embeddings")
    connection.execute("SET enable_sort = off")  # in rows as small as these, comparing them all would be as cheap
    scans_before = _scans(connection, model.id)
    recalls = []
    for topic in topics:
        vector = client.embed_query(f"how is the {topic} done")
        with connection.transaction():
            found = search_dense(connection, model, vector, filters, limit=10)
        exact = connection.execute(
            f"""
            SELECT c.id FROM chunks c JOIN embeddings e ON e.text_digest = c.embedded_digest WHERE {where}
            ORDER BY (e.embedding::halfvec(384) <=> %s::halfvec(384)) + 0 LIMIT 10
            """,  # noqa: S608 - the test's own words
            [HalfVector(vector)],
        ).fetchall()
        recalls.append(len({row[0] for row in exact} & set(found)) / 10)
    assert _scans(connection, model.id) == scans_before + len(topics), "the index was not what found them"
    assert sum(recalls) / len(recalls) >= 0.95


def _model(connection: Connection) -> RegisteredModel:
    row = connection.execute("SELECT id, dimensions FROM models").fetchone()
    assert row is not None
    return RegisteredModel(*row)


def _scans(connection: Connection, model_id: int) -> int:
    """How often the model's HNSW index was read."""
    connection.execute("SELECT pg_stat_force_next_flush()")
    row = connection.execute(
        "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = %s", [f"embeddings_of_model_{model_id}"]
    ).fetchone()
    assert row is not None
    return int(row[0])


def _dense(pool: Pool, model: RegisteredModel, vector: list[float], filters: Filters, limit: int) -> list[int]:
    with pool.connection() as connection, connection.transaction():
        return search_dense(connection, model, vector, filters, limit)


def _fill(connection: Connection, model_id: int, *near: list[float], count: int, rare_every: int = 100) -> None:
    """Chunks whose vectors lie around these points in turn; some are of the rare language and farther away."""
    generator = random.Random(4711)  # noqa: S311 - data, not secrets
    project = connection.execute("SELECT id FROM projects").fetchone()
    assert project is not None
    connection.execute(
        "INSERT INTO files (project_id, path, language, chunk_count) VALUES (%s, 'filler', 'common', %s)", [project[0], count]
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO chunks (project_id, path, ordinal, language, start_line, end_line, symbols, text, embedded_digest, terms, weights)
            VALUES (%s, 'filler', %s, %s, 1, 1, '{}', '', %s, '{}', %s)
            """,
            [
                (project[0], ordinal, "common" if ordinal % rare_every else "rare", ordinal.to_bytes(4), SparseVector({}, DIMENSIONS))
                for ordinal in range(count)
            ],
        )
        cursor.executemany(
            "INSERT INTO embeddings (model_id, text_digest, embedding) VALUES (%s, %s, %s)",
            [
                (
                    model_id,
                    ordinal.to_bytes(4),
                    HalfVector([value + generator.gauss(0, 0.02 if ordinal % rare_every else 0.2) for value in point]),
                )
                for ordinal, point in zip(range(count), itertools.cycle(near), strict=False)
            ],
        )


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (SearchRequest("   "), "query is empty"),
        (SearchRequest("x", limit=0), "between 1 and 50"),
        (SearchRequest("x", limit=51), "between 1 and 50"),
        (SearchRequest("nul\0"), "not text"),
        (SearchRequest("half \ud800"), "not text"),
        (SearchRequest("x", path_glob="[oops"), "without its"),
    ],
)
def test_bad_requests_get_a_sentence(pool: Pool, client: OllamaClient, request_: SearchRequest, message: str) -> None:
    with pytest.raises(CocosearchError, match=message):
        search(pool, client, request_)


def test_an_unknown_project_is_named_with_those_there_are(pool: Pool, client: OllamaClient) -> None:
    with pytest.raises(ProjectNotFoundError, match=r"no project 'h12'\. Known projects: h11"):
        search(pool, client, SearchRequest("x", project="h12"))


def test_a_missing_database_is_a_sentence(settings: Settings) -> None:
    gone = settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:9/nothing"})
    with open_pool(gone) as pool, OllamaClient(gone) as client, pytest.raises(DatabaseUnavailableError, match="database cannot be used"):
        search(pool, client, SearchRequest("x"))


def test_an_empty_index_says_so(settings: Settings) -> None:
    with open_pool(settings) as pool, OllamaClient(settings) as client:
        response = search(pool, client, SearchRequest("anything"))
    assert response.hits == ()
    assert "Nothing is indexed yet" in (response.note or "")
    assert response.degraded is Degraded.NOTHING_INDEXED


def test_searches_during_a_run_answer(cold_settings: Settings, tmp_path: Path) -> None:
    """A project can be searched while it is being indexed, and no search fails."""
    directory = tmp_path / "busy"
    copy_h11(directory)
    run = threading.Thread(target=index_project, args=(cold_settings, load_project(directory)))
    answers = 0
    with open_pool(cold_settings) as pool, OllamaClient(cold_settings) as client:
        run.start()
        while run.is_alive():
            search(pool, client, SearchRequest("header parsing"))
            answers += 1
        assert search(pool, client, SearchRequest("header parsing")).hits
    assert answers > 3
