"""Terms of the lexical arm."""

import pytest

from cocosearch.prompts import Prompts, prompts_for
from cocosearch.terms import MAX_FREQUENCY, query_terms, term_frequencies, terms_of


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
        ("größeÄndern", ["größeändern"]),
        ("größe_ändern", ["größe_ändern", "größe", "ändern"]),
        ("日本語_テスト", ["日本語_テスト", "日本語", "テスト"]),
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
    ("query", "terms"),
    [
        ("how is the config parsed?", ["config", "parsed"]),
        ("what is this", ["what", "is", "this"]),
        ("retry Retry retries", ["retry", "retries"]),
        ("where do we use parseConfig", ["parseconfig", "parse", "config"]),
        ("?!", []),
    ],
)
def test_a_query_loses_its_stop_words_unless_it_has_nothing_else(query: str, terms: list[str]) -> None:
    assert query_terms(query) == terms


def test_terms_are_counted_within_what_the_database_holds() -> None:
    assert term_frequencies("getName name") == {"getname": 1, "get": 1, "name": 2}
    assert term_frequencies("a " * (MAX_FREQUENCY + 5))["a"] == MAX_FREQUENCY


def test_each_way_to_write_a_name_finds_the_others() -> None:
    ways = [set(terms_of(way)) for way in ("parseConfig", "parse_config", "ParseConfig", "PARSE_CONFIG", "parse-config")]
    assert set.intersection(*ways) == {"parse", "config"}


@pytest.mark.parametrize(
    ("model", "longer"), [("snowflake-arctic-embed2:latest", "query: "), ("embeddinggemma:300m", "task: search result | query: ")]
)
def test_the_longest_family_name_counts(model: str, longer: str) -> None:
    assert prompts_for(model).query == longer
    assert prompts_for("x-" + model) == Prompts()
