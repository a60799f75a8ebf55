"""Whatever a file holds: read in time proportional to its length, without a network, and the same each time."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cocosearch.indexing.chunking.definitions import definitions_of, is_too_deep, parsing
from cocosearch.indexing.chunking.definitions.grammars import languages
from cocosearch.indexing.chunking.definitions.reading import MAX_QUALIFIED_NAME

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.txt"))
LANGUAGES = sorted(languages())
STRANGE = {
    "open brackets": "(" * 5_000,
    "nested": "[" * 2_000 + "]" * 2_000,
    "braces": "{" * 2_000,
    "generics": "a<" * 2_000,
    "classes": "class A {\n" * 2_000,
    "functions": "function f() {\n" * 2_000,
    "python blocks": "".join(" " * depth + "def f():\n" for depth in range(400)),
    "headings": "# a\n" * 2_000,
    "list": "".join(" " * depth + "- name: x\n" for depth in range(300)),
    "values in strings": '"${' * 3_000,
    "values in nested strings": 'f { "${' * 2_000,
    "dashes": "- " * 2_000,
    "questions": "? " * 2_000,
    "quoted": "> " * 2_000,
    "deep keys": "".join(" " * depth + "a:\n" for depth in range(400)),
    "comments": "// x\n" * 5_000 + "class A {}\n",
    "quotes": "\"'`" * 3_000,
    "annotations": "A_B " * 2_000,
    "macro calls": "A_B(" * 5_000,
    "macro lines": "ABCD(\n" * 5_000,
    "macros with bodies": "TEST(a, b) {\n" * 1_000,
    "macros with strings": 'TEST("a' * 5_000,
    "template macros": "template <A_B((((" * 2_000,
    "zeros": "\x00" * 5_000,
    "templates": "{{ " * 3_000,
    "closed templates": "{{ x }}" * 3_000,
    "scripts": "<script>" * 3_000,
    "attributes": "<script '\"" * 3_000,
    "dollars": "".join(f"$a{number}$ " for number in range(3_000)),
    "creates": "CREATE FUNCTION f AS BEGIN\n" * 2_000,
    "delimiters": "DELIMITER $$\n" * 2_000,
    "surrogate": "x = '\ud800'\n",
    "keywords": "static const def fn func " * 4_000,
    "no tokens": "`" * 30_000,  # to Dart one step of the parser, of a time that grows with the square
}


@pytest.mark.slow("every grammar reads every strange text")
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_takes_long_or_fails(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "MAX_SECONDS", 0.1)
    monkeypatch.setattr(parsing, "MIN_REPORTS", 2_000)
    definitions_of("", language)  # loads the grammar
    for name, text in STRANGE.items():
        began = time.process_time()
        definitions = definitions_of(text, language)
        took = time.process_time() - began
        assert took < 2, f"{name}: {took:.1f} s"
        assert all(1 <= each.start_line <= each.name_line <= each.end_line for each in definitions), name


@pytest.mark.parametrize("text", ["mod a{" * 40_000 + "}" * 40_000, "f(" * 1_000, "[" * 501, '{"a":' * 600 + "}" * 600])
def test_a_text_that_is_nested_too_deep_is_not_parsed(text: str) -> None:
    assert is_too_deep(text.encode(), "rust")
    assert definitions_of(text + "\nfn below() {}\n", "rust") == ()


@pytest.mark.parametrize("text", ["fn f() { g(h([1])); }\n" * 5_000, ")" * 5_000 + "fn f() {}", "(" * 400 + ")" * 400])
def test_a_text_that_is_only_long_is_parsed(text: str) -> None:
    assert not is_too_deep(text.encode(), "rust")


def test_names_within_names_do_not_grow_without_end() -> None:
    text = "".join(f"mod {'n' * 190}{depth} {{\n" for depth in range(90)) + "fn inmost() {}\n" + "}\n" * 90
    names = [each.qualified_name for each in definitions_of(text, "rust")]
    assert len(names) == 91
    assert max(map(len, names)) == MAX_QUALIFIED_NAME
    assert names[-1].endswith("89.inmost")


def test_a_text_of_many_definitions_takes_time_in_proportion() -> None:
    def seconds(count: int) -> float:
        text = "".join(f"class C{number}:\n    def f{number}(self):\n        return {number}\n" for number in range(count))
        began = time.process_time()
        assert len(definitions_of(text, "python")) == 2 * count
        return time.process_time() - began

    seconds(10)
    # Eight times the text; with quadratic growth it would be sixty-four. A busy machine gets another try.
    assert any(seconds(8_000) < 24 * max(seconds(1_000), 0.02) for _ in range(4))


def test_threads_may_read_at_the_same_time() -> None:
    text = SAMPLES[0].parent.joinpath("python.txt").read_text(encoding="utf-8").partition("%%%%")[0]
    with ThreadPoolExecutor(8) as pool:
        results = set(pool.map(lambda _: definitions_of(text, "python"), range(64)))
    assert len(results) == 1


OFFLINE = """
import socket
def refuse(*_arguments, **_keywords):
    raise AssertionError("the network was asked for")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from cocosearch.indexing.chunking.definitions import definitions_of, is_too_deep, parsing
from cocosearch.indexing.chunking.definitions.reading import MAX_QUALIFIED_NAME
from cocosearch.indexing.chunking.definitions.grammars import languages
assert [definitions_of("x", language) for language in languages()]
assert definitions_of("def f(): 1", "python")
"""


def test_every_grammar_is_there_without_a_network() -> None:
    subprocess.run([sys.executable, "-c", OFFLINE], check=True, timeout=60)


def test_grammars_are_not_loaded_before_they_are_used() -> None:
    modules = "cocosearch.cli.main, cocosearch.indexing.chunking.definitions"
    code = f"import sys, {modules}; sys.exit(any(name.startswith('tree_sitter') for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
