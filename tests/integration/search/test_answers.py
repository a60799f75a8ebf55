"""What an answer holds: the right definition first, what was filtered for, whole, within a budget, and how complete the index is."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastmcp import Client
from pgvector import HalfVector
from tests.integration import services
from tests.integration.indexing.command import run
from tests.integration.indexing.conftest import copy_h11
from tests.unit.serving.fakes import BACKEND

from cocosearch.database import connect, open_pool
from cocosearch.database.connection import Connection, Pool
from cocosearch.database.migrations import migrate
from cocosearch.database.models import register_model
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.indexing.progress import store_progress
from cocosearch.indexing.run import index_project
from cocosearch.projects import load_project
from cocosearch.search import Arm, Hit, SearchRequest, search
from cocosearch.search.hits import estimate_tokens
from cocosearch.search.types import Degraded, Signals
from cocosearch.serving.dispatch import CallLog
from cocosearch.serving.mcp import DEFAULT_TOKENS, build_mcp
from cocosearch.settings import Settings

DEFINITIONS = {
    "ReceiveBuffer": "_receivebuffer.py",
    "maybe_extract_lines": "_receivebuffer.py",
    "Connection.next_event": "_connection.py",
    "normalize_and_validate": "_headers.py",
    "bytesify": "_util.py",
    "ConnectionState": "_state.py",
    "where is get_comma_header defined": "_headers.py",
}


@pytest.mark.parametrize("query", DEFINITIONS)
def test_a_name_finds_its_definition_first(pool: Pool, client: OllamaClient, away: OllamaClient, query: str) -> None:
    name = next(word for word in query.split() if word not in {"where", "is", "defined"}).rpartition(".")[2]
    for asked in (client, away):
        hit = search(pool, asked, SearchRequest(query)).hits[0]
        assert (hit.path, hit.symbol) == (DEFINITIONS[query], name)
        assert name in hit.text


@pytest.mark.parametrize("query", ["_readers.py", "_readers"])
def test_a_path_finds_its_file_first(pool: Pool, client: OllamaClient, query: str) -> None:
    assert search(pool, client, SearchRequest(query)).hits[0].path == "_readers.py"


@pytest.mark.parametrize("symbol", ["next_event", "NEXT_EVENT", "Connection.next_event", "Connection::next_event()"])
def test_a_symbol_is_all_that_comes(pool: Pool, client: OllamaClient, symbol: str) -> None:
    hits = search(pool, client, SearchRequest("parse header bytes of a request", symbol=symbol)).hits
    assert {(hit.path, hit.symbol) for hit in hits} == {("_connection.py", "next_event")}


def test_a_kind_is_all_that_comes(pool: Pool, client: OllamaClient, connection: Connection) -> None:
    hits = search(pool, client, SearchRequest("buffer of received bytes", kind="class", limit=50)).hits
    classes = connection.execute("SELECT path, name_line FROM definitions WHERE kind = 'class'").fetchall()
    assert len(hits) > 5
    for hit in hits:
        assert any(path == hit.path and hit.start_line <= line <= hit.end_line for path, line in classes)
    assert search(pool, client, SearchRequest("x", kind="class", symbol="next_event")).hits == ()
    assert search(pool, client, SearchRequest("x", kind="method", symbol="next_event")).hits
    assert search(pool, client, SearchRequest("x", symbol="next_even")).hits == ()


def test_every_filter_leaves_as_many_hits_as_there_are(pool: Pool, client: OllamaClient, connection: Connection) -> None:
    """The words of the query stand elsewhere."""
    chunks = connection.execute("SELECT count(*) FROM chunks WHERE path = '_writers.py'").fetchone()
    assert chunks is not None
    request = SearchRequest("ReceiveBuffer maybe_extract_lines", limit=50)
    assert len(search(pool, client, replace(request, path_glob="_writers.py")).hits) == chunks[0]
    assert len(search(pool, client, replace(request, path_glob="_writers.py", project="h11", language="python")).hits) == chunks[0]


@dataclass(frozen=True)
class Place:
    """A project in chunks that most definitions are cut into, with a line that no chunk can hold."""

    directory: Path
    pool: Pool
    client: OllamaClient
    connection: Connection


@pytest.fixture(scope="module")
def cut(postgres_url: str, embedder_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("cut") / "h11"
    copy_h11(directory)
    for path in directory.iterdir():
        if path.name not in {"_receivebuffer.py", "_headers.py", "_state.py"}:
            path.unlink()
    (directory / "cocosearch.yaml").write_text("chunk_size: 300\n")
    words = ", ".join(f'"word {number} of the table"' for number in range(60))
    (directory / "_table.py").write_text(f"def zqx_table() -> list[str]:\n    table = [{words}]\n    return table\n")
    with services.fresh_database(postgres_url) as url:
        settings = Settings(database_url=url, ollama_url=embedder_url, model="all-minilm", state_dir=directory.with_name("state"))
        with connect(settings) as connection:
            migrate(connection)
            index_project(settings, load_project(directory))
            with open_pool(settings) as pool, OllamaClient(settings) as client:
                yield Place(directory, pool, client, connection)


def lines_of(directory: Path, hit: Hit) -> str:
    return "\n".join((directory / hit.path).read_text().split("\n")[hit.start_line - 1 : hit.end_line])


@pytest.mark.parametrize("query", ["ReceiveBuffer", "how are header names normalized", "zqx_table", "state transitions"])
def test_whole_definitions_are_the_file_s_own_lines_and_come_once(cut: Place, query: str) -> None:
    request = SearchRequest(query, limit=10)
    parts = search(cut.pool, cut.client, request).hits
    hits = search(cut.pool, cut.client, replace(request, whole_definitions=True)).hits
    assert len(hits) == 10
    assert any(whole.end_line - whole.start_line > part.end_line - part.start_line for whole, part in zip(hits, parts, strict=True))
    taken: set[tuple[str, int]] = set()
    for hit in hits:
        assert hit.text == lines_of(cut.directory, hit)
        lines = {(hit.path, line) for line in range(hit.start_line, hit.end_line + 1)}
        assert not lines <= taken
        taken |= lines
    first = hits[0]
    spans = cut.connection.execute("SELECT start_line, end_line FROM definitions WHERE path = %s", [first.path]).fetchall()
    around = [(start, end) for start, end in spans if start <= first.start_line and end >= first.end_line]
    assert (first.start_line, first.end_line) in around or not around


def test_a_part_names_the_definition_around_it(cut: Place) -> None:
    hits = search(cut.pool, cut.client, SearchRequest("extract lines", path_glob="_receivebuffer.py", limit=50)).hits
    assert {"ReceiveBuffer", "ReceiveBuffer.maybe_extract_lines"} <= {hit.enclosing for hit in hits}


@pytest.mark.parametrize("whole", [False, True])
def test_a_budget_is_kept_without_cutting(pool: Pool, client: OllamaClient, whole: bool) -> None:
    request = SearchRequest("parse the request line", limit=20, whole_definitions=whole)
    everything = search(pool, client, request).hits
    for budget in (400, 1000):
        response = search(pool, client, replace(request, max_tokens=budget))
        assert sum(estimate_tokens(hit.text) for hit in response.hits) <= budget
        assert [hit for hit in everything if hit in response.hits] == list(response.hits)
        assert f"{20 - len(response.hits)} of 20 hits" in (response.note or "")
    assert search(pool, client, replace(request, max_tokens=200_000)).note is None


def test_a_budget_that_nothing_fits_into_is_told_what_would(pool: Pool, client: OllamaClient) -> None:
    response = search(pool, client, SearchRequest("x", limit=1, symbol="normalize_and_validate", whole_definitions=True, max_tokens=100))
    assert response.hits == ()
    assert "No hit fits into max_tokens: the best, _headers.py:" in (response.note or "")


@pytest.mark.parametrize("form", [{}, {"whole_definitions": True}, {"explain": True}])
async def test_both_copies_of_the_largest_answer_fit_what_clients_read(pool: Pool, client: OllamaClient, form: dict[str, bool]) -> None:
    """Unless more is asked for: clients cut what is longer than 25,000 tokens."""
    backend = replace(BACKEND, search=lambda request: search(pool, client, request))
    asked = {"query": "parse the request line and headers", "limit": 50, **form}
    async with Client(build_mcp(Settings.model_validate({}), backend, CallLog())) as connected:
        result = await connected.call_tool("search_code", asked)
        whole = await connected.call_tool("search_code", {**asked, "max_tokens": 200_000})
    (copy,) = result.content
    assert json.loads(copy.text) == result.structured_content
    assert estimate_tokens(copy.text) < 1.25 * DEFAULT_TOKENS
    assert 2 * len(copy.text) / 4 < 20_000
    left_out = 50 - len(result.data.hits)
    assert left_out > 0
    assert f"Not within max_tokens: {left_out} of 50 hits. A narrower search, or max_tokens " in result.data.note
    assert (len(whole.data.hits), whole.data.note) == (50, None)


def test_an_answer_says_how_complete_and_fresh_the_index_is(pool: Pool, client: OllamaClient, away: OllamaClient) -> None:
    for asked in (client, away):
        (index,) = search(pool, asked, SearchRequest("ReceiveBuffer")).indexes
        assert (index.project, index.state) == ("h11", "ready")
        assert index.chunks == index.chunks_embedded > 50
        for moment in (index.indexed_at, index.checked_at):
            assert moment is not None
            assert timedelta() <= datetime.now(UTC) - moment < timedelta(minutes=30)
    assert search(pool, client, SearchRequest("x", project="h11", language="cobol")).indexes[0].project == "h11"


def lose_vectors(connection: Connection, where: str) -> None:
    """As if they had not been made yet."""
    connection.execute(f"DELETE FROM embeddings WHERE text_digest IN (SELECT embedded_digest FROM chunks WHERE {where})")  # noqa: S608
    connection.execute("UPDATE projects SET state = 'indexing'")
    row = connection.execute("SELECT id, files_total, files_done FROM projects").fetchone()
    assert row is not None
    store_progress(connection, *row)


def test_while_a_part_has_vectors_all_of_it_is_found_and_the_answer_says_so(
    pool: Pool, client: OllamaClient, connection: Connection
) -> None:
    lose_vectors(connection, "path = '_receivebuffer.py'")
    response = search(pool, client, SearchRequest("ReceiveBuffer"))
    hit = response.hits[0]
    assert (hit.path, hit.arms, hit.signals.cosine) == ("_receivebuffer.py", (Arm.LEXICAL,), None)
    assert any(Arm.DENSE in hit.arms for hit in response.hits)
    (index,) = response.indexes
    assert 0 < index.chunks_embedded < index.chunks
    assert f"'h11' {100 * index.chunks_embedded // index.chunks} %" in (response.note or "")
    assert response.degraded is Degraded.VECTORS_INCOMPLETE
    # Also where nothing of that project was found.
    elsewhere = search(pool, client, SearchRequest("ReceiveBuffer", language="cobol"))
    assert (elsewhere.hits, elsewhere.indexes) == ((), response.indexes)


def test_what_the_model_refused_is_nothing_to_wait_for(pool: Pool, client: OllamaClient, connection: Connection) -> None:
    lose_vectors(connection, "path = '_receivebuffer.py'")
    connection.execute("UPDATE projects SET state = 'ready'")
    response = search(pool, client, SearchRequest("ReceiveBuffer"))
    assert (response.note, response.degraded) == (None, None)
    assert response.indexes[0].chunks_embedded < response.indexes[0].chunks


def test_an_index_whose_process_is_gone_is_told_from_one_that_is_being_made(
    pool: Pool, client: OllamaClient, connection: Connection
) -> None:
    connection.execute("UPDATE projects SET state = 'indexing'")
    assert search(pool, client, SearchRequest("ReceiveBuffer")).indexes[0].state == "interrupted"


def test_vectors_of_another_model_are_never_compared(pool: Pool, client: OllamaClient, connection: Connection) -> None:
    connection.execute("UPDATE models SET digest = 'of another build'")
    response = search(pool, client, SearchRequest("how are received bytes buffered"))
    assert {hit.arms for hit in response.hits} == {(Arm.LEXICAL,)}
    assert {hit.signals.cosine for hit in response.hits} == {None}
    assert response.indexes[0].chunks_embedded == 0
    assert "'h11' 0 %" in (response.note or "")

    new_model = register_model(connection, client.describe_model())
    row = connection.execute("SELECT embedded_digest FROM chunks WHERE path = '_receivebuffer.py' ORDER BY ordinal LIMIT 1").fetchone()
    assert row is not None
    vector = client.embed_query("how are received bytes buffered")
    connection.execute("INSERT INTO embeddings VALUES (%s, %s, %s)", [new_model, row[0], HalfVector(vector)])
    response = search(pool, client, SearchRequest("how are received bytes buffered", path_glob="_receivebuffer.py", limit=50))
    assert len(response.hits) > 1
    cosines = [hit.signals.cosine for hit in response.hits if hit.signals.cosine is not None]
    assert cosines == [pytest.approx(1.0, abs=1e-3)]
    assert [hit.signals.cosine for hit in response.hits if Arm.DENSE in hit.arms] == cosines


def test_a_query_of_signs_alone_is_answered(pool: Pool, client: OllamaClient) -> None:
    response = search(pool, client, SearchRequest("?! ->"))
    assert response.hits
    assert {hit.signals.lexical for hit in response.hits} == {0.0}


def test_the_same_question_gets_the_same_answer(pool: Pool, client: OllamaClient) -> None:
    request = SearchRequest("header validation", limit=50)
    assert search(pool, client, request).hits == search(pool, client, request).hits


def test_the_command_explains_filters_and_widens(indexed: Settings) -> None:
    explained = run(indexed, "search", "ReceiveBuffer", "--explain", "-n", "3")
    assert (explained.returncode, explained.stderr) == (0, "")
    rows = [row for row in explained.stdout.split("\n") if row.startswith("    lexical ")]
    assert len(rows) == 3
    assert all(f" {field.name.replace('_', ' ')} " in row for row in rows for field in fields(Signals))
    whole = run(indexed, "search", "x", "--symbol", "next_event", "--kind", "method", "--whole", "--max-tokens", "9000", "--json")
    answer = json.loads(whole.stdout)
    (hit,) = answer["hits"]
    assert (hit["path"], hit["symbol"]) == ("_connection.py", "next_event")
    assert set(hit["signals"]) == {field.name for field in fields(Signals)}
    assert answer["indexes"][0]["project"] == "h11"
