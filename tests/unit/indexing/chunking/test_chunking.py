"""Chunks: nothing lost, nothing twice, nothing longer than the model reads."""

import random
from functools import cache
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from cocosearch.embedder.weights import find_model_files
from cocosearch.indexing.chunking.chunks import (
    DEFAULT_CHUNK_CHARACTERS,
    MIN_TOKENS,
    RESERVED_TOKENS,
    Chunk,
    model_tokens,
    split,
    split_in_two,
)
from cocosearch.indexing.chunking.definitions import definitions_of
from cocosearch.indexing.sources.content import read_text
from cocosearch.lexicon.languages import detect_language

ROOT = Path(__file__).parents[4]
SOURCES = sorted(
    path for pattern in ("src/**/*.py", "roles/**/*.yml", "*.md", "*.toml", "Makefile", "tests/unit/*.py") for path in ROOT.glob(pattern)
)
WINDOW = 256


def source_text(path: Path) -> str:
    text = read_text(ROOT, path.relative_to(ROOT).as_posix(), 10**6)
    return text if not hasattr(text, "value") else ""


def made_up() -> dict[str, tuple[str, str]]:
    chance = random.Random(1)  # noqa: S311 - a test that can be repeated
    word = "abcdefghij"
    return {
        "minified": ("javascript", "".join(f"function f{n}(a,b){{return a+b*{n}}};var x{n}=f{n}(1,2);" for n in range(1500))),
        "no space": ("text", "".join(chance.choice(word) for _ in range(60_000))),
        "no space, punctuated": ("javascript", "(" * 20_000 + ")" * 20_000),
        "chinese": ("text", "這是一個很長的文本沒有任何空格但是有很多字符。" * 400 + "\n第二行\n" * 50),
        "emoji": ("python", "x = '" + "🎉👩‍👩‍👧" * 800 + "'\ny = 1\n"),
        "indented": ("python", "class A:\n" + "".join(f"    def f{n}(self):\n\n\t\treturn {n}\n   \n" for n in range(200))),
        "blank lines": ("python", "\n\n \n\t\na = 1\n\n\n" + "\n" * 3000 + "b = 2\n  \n\n"),
        "no line end": ("go", "package main\n\nfunc main() {}"),
        "carriage returns": ("text", "one\rtwo\rthree\n" * 200),
        "other line ends": ("text", "one\x0ctwo\u2028three\x85four\x0bfive\n" * 300),
        "random": ("text", "".join(chance.choice("ab(){};= \n\t\"'é語") for _ in range(20_000))),
        "one character": ("text", "x"),
    }


CASES = [pytest.param(detect_language(path.name), source_text(path), id=str(path.relative_to(ROOT))) for path in SOURCES]
CASES += [pytest.param(language, text, id=name) for name, (language, text) in made_up().items()]


def without_space(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize(("target", "window"), [(DEFAULT_CHUNK_CHARACTERS, 2048), (400, WINDOW), (8000, 0)])
@pytest.mark.parametrize(("language", "text"), CASES)
def test_every_line_is_in_one_chunk_with_its_number_and_none_is_too_long(language: str, text: str, target: int, window: int) -> None:
    chunks = split(text, language, definitions_of(text, language), target, window)
    lines = text.split("\n")
    assert without_space("".join(chunk.text for chunk in chunks)) == without_space(text), "something is lost, twice, or out of order"
    for chunk in chunks:
        assert model_tokens(chunk.text) <= max(MIN_TOKENS, window - RESERVED_TOKENS)
        written = chunk.text.split("\n")
        assert chunk.end_line - chunk.start_line + 1 == len(written)
        assert written[0].strip()
        assert written[-1].strip()
        there = lines[chunk.start_line - 1 : chunk.end_line]
        assert all(part in line for part, line in zip(written, there, strict=True))
        assert written[1:-1] == there[1:-1]
    covered = [number for chunk in chunks for number in range(chunk.start_line, chunk.end_line + 1)]
    assert covered == sorted(covered)
    assert {number for number, line in enumerate(lines, start=1) if line.strip()} <= set(covered)


@pytest.mark.parametrize("text", ["", "\n", " \n\t\n", "\n" * 5000])
def test_a_file_of_blank_lines_has_no_chunk(text: str) -> None:
    assert split(text, "python", (), 1000, 512) == []


def test_the_target_is_what_a_project_asks_for() -> None:
    text = "\n".join(f"value_{number} = {number}" for number in range(1000))
    few, many = split(text, "python", (), 2000, 8192), split(text, "python", (), 300, 8192)
    assert len(many) > 4 * len(few)
    assert max(len(chunk.text) for chunk in many) <= 600


@pytest.mark.parametrize(
    ("text", "start", "halves"),
    [
        ("a\nb", 3, [Chunk(3, 3, "a"), Chunk(4, 4, "b")]),
        ("a\nb\nc\nd", 1, [Chunk(1, 2, "a\nb"), Chunk(3, 4, "c\nd")]),
        ("a\n\n\nb", 7, [Chunk(7, 7, "a"), Chunk(10, 10, "b")]),
        ("long line here\nb", 1, [Chunk(1, 1, "long line here"), Chunk(2, 2, "b")]),
        ("one two three", 5, [Chunk(5, 5, "one"), Chunk(5, 5, " two three")]),
        ("abcdef", 2, [Chunk(2, 2, "abc"), Chunk(2, 2, "def")]),
        ("語文", 1, [Chunk(1, 1, "語"), Chunk(1, 1, "文")]),
    ],
)
def test_halves_are_cut_at_the_line_or_word_in_the_middle(text: str, start: int, halves: list[Chunk]) -> None:
    assert split_in_two(Chunk(start, start + text.count("\n"), text)) == halves


@pytest.mark.parametrize("text", ["x" * 1000, "a b " * 500, "line\n" * 300 + "end", "\tindented\n\tlines", "  " + "y" * 40])
def test_halving_ends_in_single_characters_and_loses_nothing(text: str) -> None:
    waiting, done = [Chunk(1, 1 + text.count("\n"), text)], []
    while waiting:
        chunk = waiting.pop(0)
        if len(chunk.text) <= 1:
            done.append(chunk)
            continue
        parts = split_in_two(chunk)
        assert all(len(part.text) < len(chunk.text) for part in parts)
        waiting = parts + waiting
    assert "".join(chunk.text.strip() for chunk in done) == without_space(text)


@cache
def tokenizer() -> Tokenizer:
    read = Tokenizer.from_file(str(find_model_files().tokenizer))
    read.no_truncation()
    read.no_padding()
    return read


def test_the_estimate_is_rarely_too_low_and_never_by_much() -> None:
    ratios = [
        len(tokenizer().encode(chunk.text).ids) / model_tokens(chunk.text)
        for path in SOURCES
        for text, language in [(source_text(path), detect_language(path.name))]
        for chunk in split(text, language, definitions_of(text, language), DEFAULT_CHUNK_CHARACTERS, WINDOW)
    ]
    assert len(ratios) > 300
    assert sum(ratio > 1 for ratio in ratios) / len(ratios) <= 0.05
    assert max(ratios) <= 1.25
    assert sum(ratios) / len(ratios) > 0.6, "an estimate far too high would waste the window"


def test_a_long_line_in_several_chunks_keeps_its_spaces() -> None:
    """They are put together again where a hit is widened to its definition."""
    words = ", ".join(f'"word {number} of the table"' for number in range(60))
    long = f"    table = [{words}]"
    chunks = split(f"def table():\n{long}\n    return table\n", "python", (), 300, 256)
    parts = [chunk.text for chunk in chunks if chunk.start_line == chunk.end_line == 2]
    assert len(parts) > 2
    assert "".join(parts) == long
    assert "".join(chunk.text for chunk in split("word " * 900 + "end", "text", (), 300, 256)) == "word " * 900 + "end"
