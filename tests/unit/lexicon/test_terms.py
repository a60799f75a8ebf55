"""Terms of the lexical arm, and what they weigh in a chunk."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from cocosearch.lexicon.terms import (
    DIMENSIONS,
    MAX_WEIGHT,
    document_weights,
    file_stem,
    query_stems,
    stem,
    stems_of,
    term_number,
)
from cocosearch.lexicon.words import terms_of


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("parseConfig", ["parseconfig", "parse", "config"]),
        ("ParseConfig", ["parseconfig", "parse", "config"]),
        ("parse_config_file", ["parse_config_file", "parse", "config", "file"]),
        ("MAX_SIZE", ["max_size", "max", "size"]),
        ("HTTPServer", ["httpserver", "http", "server"]),
        ("getURLFor", ["geturlfor", "get", "url", "for"]),
        ("sha256sum", ["sha256sum", "sha", "256", "sum"]),
        ("parseV2", ["parsev2", "parse", "2"]),
        ("x1", ["x1", "1"]),
        ("plain", ["plain"]),
        ("42", ["42"]),
        ("__init__", ["init"]),
        ("_private", ["private"]),
        ("a__b", ["a__b"]),
        ("kebab-case", ["kebab", "case"]),
        ("a.b(c, d)", ["a", "b", "c", "d"]),
        ("größeÄndern", ["grösseändern", "grösse", "ändern"]),
        ("größe_ändern", ["grösse_ändern", "grösse", "ändern"]),
        ("日本語_テスト", ["日本", "本語", "テス", "スト"]),
        ("naïve café", ["naïve", "café"]),
        ("", []),
        ("+-*/ \0\n", []),
        ("___", []),
        ("x" * 65, []),
        ("x" * 64, ["x" * 64]),
        ("y" * 60 + "_" + "tail", ["y" * 60, "tail"]),
    ],
)
def test_an_identifier_is_a_term_as_a_whole_and_in_its_parts(text: str, terms: list[str]) -> None:
    assert terms_of(text) == terms


@pytest.mark.parametrize(
    ("inflected", "other"),
    [("retries", "retry"), ("parsed", "parsing"), ("connections", "connect"), ("Handlers", "handler"), ("validation", "validate")],
)
def test_inflections_of_a_word_are_one_stem(inflected: str, other: str) -> None:
    assert stems_of(inflected) == stems_of(other)


def test_stems_are_right_in_many_threads_at_once() -> None:
    """Files are read and searches are served in threads; a stemmer keeps the word that it works on."""
    words = [f"{root}{ending}" for root in ("connect", "retri", "valid", "generaliz", "index") for ending in ("ations", "ing", "ed", "es")]
    alone = [stem.__wrapped__(word) for word in words]

    def all_stems(_: int) -> list[str]:
        return [stem.__wrapped__(word) for _ in range(50) for word in words]

    with ThreadPoolExecutor(8) as threads:
        assert all(stems == alone * 50 for stems in threads.map(all_stems, range(16)))


@pytest.mark.parametrize("term", ["gas", "bus", "ids", "größen", "sha256sums", "parse_files", "日本語", "42", ""])
def test_what_is_no_english_word_stays_as_it_is(term: str) -> None:
    assert stem(term) == term


@pytest.mark.parametrize(
    ("query", "stems"),
    [
        ("how is the config parsed?", ["config", "pars"]),
        ("what is this", ["what", "is", "this"]),
        ("retry Retry retries", ["retri"]),
        ("where do we use parseConfig", ["parseconfig", "pars", "config"]),
        ("?!", []),
        ("", []),
    ],
)
def test_a_query_loses_its_stop_words_unless_it_has_nothing_else(query: str, stems: list[str]) -> None:
    assert query_stems(query) == stems


def test_each_way_to_write_a_name_finds_the_others() -> None:
    ways = [set(terms_of(way)) for way in ("parseConfig", "parse_config", "ParseConfig", "PARSE_CONFIG", "parse-config")]
    assert set.intersection(*ways) == {"parse", "config"}


def test_a_term_has_its_number_on_every_machine_and_in_every_process() -> None:
    terms = ["", "retri", "größe", "日本語", "x" * 64, *(f"term{number}" for number in range(1000))]
    numbers = [term_number(term) for term in terms]
    assert all(1 <= number <= DIMENSIONS for number in numbers)
    assert DIMENSIONS < 2**31  # they are integers of PostgreSQL
    assert len(set(numbers)) == len(numbers)
    code = "from cocosearch.lexicon.terms import term_number; print(term_number('retri'), term_number('größe'))"
    output = subprocess.run([sys.executable, "-X", "utf8", "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.split() == [str(numbers[1]), str(numbers[2])]


def weight(term: str, path: str = "x.py", symbols: tuple[str, ...] = (), enclosing: str | None = None, text: str = "") -> float:
    return document_weights(path, symbols, enclosing, text).get(term_number(stem(term)), 0.0)


def test_a_term_weighs_more_the_oftener_it_occurs_and_never_more_than_the_most() -> None:
    weights = [weight("retry", text="retry " * count) for count in (0, 1, 2, 10, 1000)]
    assert weights[0] == 0.0
    assert weights == sorted(weights)
    assert len(set(weights)) == len(weights)
    assert weights[-1] < MAX_WEIGHT
    assert weights[2] - weights[1] < weights[1]


def test_a_term_weighs_less_among_many_others() -> None:
    few, many = ("retry " + " ".join(f"other{number}" for number in range(count)) for count in (5, 500))
    assert weight("retry", text=few) > weight("retry", text=many) > 0


def test_path_symbols_and_enclosing_definition_count_beside_the_text() -> None:
    assert weight("retry", text="x = 1") == 0.0
    in_text = weight("retry", text="retry")
    assert weight("retry", path="src/retry/x.py") > 0
    assert weight("retry", enclosing="Client.retry") > 0
    assert weight("retry", path="src/retry.py") > weight("retry", path="retry/x.py")
    assert weight("retry", text="retry", symbols=("retry",)) > in_text
    assert weight("py", path="a/x.py") > 0
    assert weight("retry_policy", symbols=("retry_policy",)) > 0
    assert weight("policy", symbols=("retryPolicy",)) > 0


def test_an_empty_chunk_has_the_terms_of_its_path_alone() -> None:
    assert set(document_weights("deep/file_name.tar.gz", (), None, "")) == {
        term_number(stem(term)) for term in ("deep", "file_name", "file", "name", "tar", "gz")
    }


@pytest.mark.parametrize(
    ("path", "name"), [("a/b/c.py", "c"), ("c.test.ts", "c"), ("Makefile", "Makefile"), (".gitignore", ".gitignore"), ("a.b/c", "c")]
)
def test_a_file_stem_ends_at_the_first_dot(path: str, name: str) -> None:
    assert file_stem(path) == name
