"""BM25 in the database, against the formula over the same chunks."""

import time
from collections import Counter
from math import log
from pathlib import Path

import pytest

from cocosearch.database.connection import Connection, Pool
from cocosearch.database.statistics import STALE_SHARE
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.indexing.reporter import Reporter
from cocosearch.indexing.run import index_project
from cocosearch.lexicon.terms import FILE_NAME_WEIGHT, K1, PIVOT_TERMS, SYMBOL_WEIGHT, B, file_stem, query_stems, stems_of
from cocosearch.projects import load_project
from cocosearch.search import Arm, SearchRequest, search
from cocosearch.search.filters import Filters
from cocosearch.search.lexical import search_lexical, sparse_query, weigh_terms
from cocosearch.settings import Settings

COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_name = 'chunks' AND column_name <> 'id'"
QUERIES = ["parse the request line and headers", "ReceiveBuffer", "chunked transfer encoding", "error", "connection state of the client"]


def documents(connection: Connection) -> dict[int, Counter[str]]:
    """Of each chunk, how often each stem counts."""
    counted = {}
    for chunk_id, path, symbols, enclosing, text in connection.execute("SELECT id, path, symbols, enclosing, text FROM chunks"):
        words = stems_of(f"{text}\n{enclosing or ''}\n{path}")
        words += stems_of(file_stem(path)) * (FILE_NAME_WEIGHT - 1)
        words += [word for symbol in symbols for word in stems_of(symbol)] * SYMBOL_WEIGHT
        counted[chunk_id] = Counter(words)
    return counted


def idf(stems: list[str], corpus: dict[int, Counter[str]]) -> dict[str, float]:
    """Of each stem in the corpus that was counted last."""
    held = {stem: sum(stem in words for words in corpus.values()) for stem in stems}
    return {stem: log(1 + (len(corpus) - count + 0.5) / (count + 0.5)) for stem, count in held.items()}


def bm25(words: Counter[str], weights: dict[str, float]) -> float:
    norm = K1 * (1 - B + B * words.total() / PIVOT_TERMS)
    return sum(weight * words[stem] * (K1 + 1) / (words[stem] + norm) for stem, weight in weights.items())


def scores(connection: Connection, query: str) -> dict[int, float]:
    terms, _ = weigh_terms(connection, tuple(query_stems(query)), None)
    rows = connection.execute("SELECT id, -(weights <#> %s) FROM chunks", [sparse_query(terms)])
    return {row[0]: row[1] for row in rows}


def assert_right(connection: Connection, counted: dict[int, Counter[str]] | None = None) -> None:
    """Every score of every query is the formula's, with the statistics of the chunks that were counted last."""
    held = documents(connection)
    assert held
    for query in QUERIES:
        weights = idf(query_stems(query), held if counted is None else counted)
        expected = {chunk_id: bm25(words, weights) for chunk_id, words in held.items()}
        assert max(expected.values()) > 1
        assert scores(connection, query) == pytest.approx(expected, rel=1e-4, abs=1e-4)


def counted_chunks(connection: Connection) -> int:
    row = connection.execute("SELECT chunks_counted FROM projects").fetchone()
    assert row is not None
    return int(row[0])


def test_the_score_is_bm25_also_after_changes(indexed: Settings, connection: Connection, project_directory: Path) -> None:
    assert_right(connection)
    first = documents(connection)
    assert counted_chunks(connection) == len(first)

    with (project_directory / "_util.py").open("a") as file:
        file.write("\n\ndef parse_the_error(headers: bytes) -> None:\n    raise LocalProtocolError(headers)\n")
    index_project(indexed, load_project(project_directory))
    assert documents(connection).keys() != first.keys()
    assert counted_chunks(connection) == len(first)
    assert_right(connection, first)

    for name in ("_readers.py", "_writers.py", "_headers.py"):
        (project_directory / name).unlink()
    index_project(indexed, load_project(project_directory))
    left = documents(connection)
    assert len(left) < (1 - STALE_SHARE) * len(first)
    assert counted_chunks(connection) == len(left)
    assert_right(connection)


def test_a_count_in_the_middle_of_a_run_is_not_the_last(indexed: Settings, connection: Connection, pool: Pool) -> None:
    assert indexed
    whole = counted_chunks(connection)
    (project,) = next(iter(connection.execute("SELECT id FROM projects")))
    columns = ", ".join(row[0] for row in connection.execute(COLUMNS))
    connection.execute("CREATE TEMPORARY TABLE last AS SELECT * FROM chunks ORDER BY id DESC LIMIT 1")
    connection.execute("DELETE FROM chunks WHERE id = (SELECT id FROM last)")
    connection.execute("UPDATE projects SET chunks_counted = 0")
    with Reporter(pool, project, lambda _: None) as reporter:
        deadline = time.monotonic() + 30
        while counted_chunks(connection) != whole - 1:
            assert time.monotonic() < deadline
        connection.execute(f"INSERT INTO chunks ({columns}) SELECT {columns} FROM last")  # noqa: S608 - names of columns
        reporter.rows_written()
        assert counted_chunks(connection) == whole


def test_the_arm_s_order_is_the_order_of_the_scores(indexed: Settings, connection: Connection) -> None:
    assert indexed
    held = documents(connection)
    for query in QUERIES:
        stems = query_stems(query)
        weights = idf(stems, held)
        terms, telling = weigh_terms(connection, tuple(stems), None)
        found = search_lexical(connection, terms, telling, Filters(), 1000)
        expected = {chunk_id: bm25(words, weights) for chunk_id, words in held.items() if words.keys() & telling}
        assert set(found) == set(expected)
        in_order = [expected[chunk_id] for chunk_id in found]
        assert in_order == pytest.approx(sorted(expected.values(), reverse=True), rel=1e-4)
        assert search_lexical(connection, terms, telling, Filters(), 5) == found[:5]


def test_a_project_s_words_are_weighed_in_the_project(indexed: Settings, connection: Connection, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for number in range(6):
        (other / f"f{number}.py").write_text(f"def receive_buffer_{number}() -> None:\n    zqxword({number})\n")
    index_project(indexed, load_project(other))
    ids = {row[0]: row[1] for row in connection.execute("SELECT name, id FROM projects")}
    rare, _ = weigh_terms(connection, ("zqxword",), None)
    common, _ = weigh_terms(connection, ("zqxword",), ids["other"])
    absent, _ = weigh_terms(connection, ("zqxword",), ids["h11"])
    assert common.total < rare.total < absent.total


def test_a_word_that_is_rare_in_the_project_does_not_hide_what_the_filter_leaves(
    indexed: Settings, pool: Pool, away: OllamaClient, tmp_path: Path
) -> None:
    """Of the query's words, only the common one stands in the part that is searched."""
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for number in range(8):
        (mixed / f"f{number}.py").write_text(f"def handle_{number}(error: str) -> None: ...\n")
    (mixed / "rare.py").write_text("def zqxjkvb() -> None: ...\n")
    (mixed / "notes.md").write_text("# Errors\n\nWhat an error means.\n")
    index_project(indexed, load_project(mixed))
    request = SearchRequest("error zqxjkvb", project="mixed", language="markdown")
    assert [hit.path for hit in search(pool, away, request, arms=frozenset({Arm.LEXICAL})).hits] == ["notes.md"]


def test_a_word_that_is_nowhere_does_not_hide_the_others(pool: Pool, away: OllamaClient) -> None:
    assert search(pool, away, SearchRequest("h11 typpo_zqxjkvb", project="h11")).hits
