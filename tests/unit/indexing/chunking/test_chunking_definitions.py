"""Chunks follow definitions: what fits stays whole, what does not is cut between its members and statements."""

from pathlib import Path

import pytest

from cocosearch.indexing.chunking.chunks import Chunk, model_tokens, split, split_in_two
from cocosearch.indexing.chunking.definitions import Definition, definitions_of
from cocosearch.indexing.chunking.layout import WHOLE

ROOT = Path(__file__).parents[4]
SAMPLES = sorted((ROOT / "tests/unit/indexing/chunking/definitions/samples").glob("*.txt"))
FILES = [(path.read_text(encoding="utf-8"), "python") for path in sorted(ROOT.glob("src/cocosearch/**/*.py"))]
FILES += [(path.read_text(encoding="utf-8"), "cpp" if path.stem == "cpp_macros" else path.stem) for path in SAMPLES]
FUNCTION = "    def f{0}(self):\n        first = {0}\n        return first\n"


def chunks_of(text: str, language: str, target: int = 1000, window: int = 2048) -> list[Chunk]:
    return split(text, language, definitions_of(text, language), target, window)


def innermost(definitions: tuple[Definition, ...]) -> list[Definition]:
    return [
        each
        for each in definitions
        if not any(other is not each and each.start_line <= other.end_line and other.start_line <= each.end_line for other in definitions)
    ]


@pytest.mark.parametrize("target", [300, 1000])
def test_a_definition_that_fits_is_in_one_chunk(target: int) -> None:
    seen = 0
    for text, language in FILES:
        lines = text.split("\n")
        chunks = chunks_of(text, language, target)
        for each in innermost(definitions_of(text, language)):
            if len("\n".join(lines[each.start_line - 1 : each.end_line])) <= target * WHOLE:
                holding = [chunk for chunk in chunks if chunk.start_line <= each.end_line and each.start_line <= chunk.end_line]
                assert len(holding) == 1, (language, each)
                seen += 1
    assert seen > 300


def test_every_name_is_in_the_chunk_that_holds_its_line() -> None:
    for text, language in FILES:
        definitions = definitions_of(text, language)
        for chunk in chunks_of(text, language, 400):
            names = [each.name for each in definitions if chunk.start_line <= each.name_line <= chunk.end_line]
            assert set(chunk.symbols) == set(names)
            assert len(set(chunk.symbols)) == len(chunk.symbols)


def test_the_same_file_makes_the_same_chunks() -> None:
    for text, language in FILES:
        assert chunks_of(text, language) == chunks_of(text, language)


def test_small_definitions_share_a_chunk_up_to_the_target() -> None:
    text = "import os\n\n\n" + "".join(f"def f{number}():\n    return {number}\n\n\n" for number in range(40))
    chunks = chunks_of(text, "python", 300)
    assert all(len(chunk.text) <= 300 for chunk in chunks)
    assert all(len(chunk.text) > 200 for chunk in chunks[:-1])
    assert chunks[0].symbols == tuple(f"f{number}" for number in range(len(chunks[0].symbols)))
    assert {chunk.enclosing for chunk in chunks} == {None}


def test_a_large_class_is_cut_between_its_methods_and_its_header_is_a_chunk() -> None:
    header = 'class Store(Base):\n    """' + "Keeps things. " * 12 + '"""\n\n    limit = 3\n\n'
    before, after = "import os\n\n\n", "\n\ndef after():\n    pass\n"
    chunks = chunks_of(before + header + "".join(FUNCTION.format(number) for number in range(30)) + after, "python", 400)
    assert chunks[0] == Chunk(1, 1, "import os")
    assert chunks[1].text == header.rstrip()
    assert (chunks[1].symbols, chunks[1].enclosing) == (("Store", "limit"), "Store")
    assert chunks[-1] == Chunk(chunks[-1].start_line, chunks[-1].start_line + 1, "def after():\n    pass", ("after",))
    for chunk in chunks[2:-1]:
        assert chunk.enclosing == "Store"
        assert chunk.text.lstrip().startswith("def ")
        assert chunk.text.endswith("return first")


def test_a_short_header_stays_with_the_first_method() -> None:
    chunks = chunks_of("class A:\n" + "".join(FUNCTION.format(number) for number in range(30)), "python", 400)
    assert chunks[0].symbols[:2] == ("A", "f0")


def test_a_long_function_is_cut_where_its_statements_begin() -> None:
    statement = "    if value == {0}:\n        first({0})\n        second({0})\n    else:\n        third({0})\n"
    text = "def long(value):\n" + "".join(statement.format(number) for number in range(40))
    chunks = chunks_of(text, "python", 400)
    assert chunks[0].symbols == ("long",)
    assert all(chunk.text.startswith("    if ") and chunk.enclosing == "long" and not chunk.symbols for chunk in chunks[1:])


def test_a_blank_line_is_the_better_place_to_cut() -> None:
    block = "    a{0} = 1\n    b{0} = 2\n    c{0} = 3\n\n"
    chunks = chunks_of("def long():\n" + "".join(block.format(number) for number in range(40)), "python", 300)
    assert all(chunk.text.lstrip().startswith("a") for chunk in chunks[1:])


def test_a_closing_bracket_is_no_chunk_of_its_own() -> None:
    method = "  void m{0}() {{\n    call({0}, {0}, {0});\n  }}\n"
    text = "class A {\n" + "".join(method.format(number) for number in range(20)) + "}\n\nclass B {\n}\n"
    chunks = chunks_of(text, "java", 120)
    assert all(chunk.text.strip() != "}" for chunk in chunks)
    assert [chunk.text for chunk in chunks if "B" in chunk.symbols] == ["class B {\n}"]


def test_a_method_within_a_nested_class_knows_where_it_stands() -> None:
    text = (
        "namespace app {\nclass Outer {\n  class Inner {\n"
        + "".join(f"    int m{n}() {{ return {n}; }}\n" for n in range(40))
        + "  };\n};\n}\n"
    )
    middle = chunks_of(text, "cpp", 300)[3]
    assert middle.enclosing == "app.Outer.Inner"


def test_a_minified_line_is_cut_and_its_names_are_where_they_stand() -> None:
    text = "".join(f"function name{number}(a){{return a+{number}}}" for number in range(300))
    chunks = chunks_of(text, "javascript", 500)
    assert len(chunks) > 10
    assert {name for chunk in chunks for name in chunk.symbols} >= {"name0", "name150", "name299"}
    assert all(name in chunk.text for chunk in chunks for name in chunk.symbols)


def test_the_window_bounds_a_definition_too() -> None:
    text = "def f():\n" + "".join(f"    some_value_{number} = another_value_{number}\n" for number in range(25))
    chunks = chunks_of(text, "python", 1000, 128)
    assert len(chunks) > 1
    assert all(model_tokens(chunk.text) <= 128 - 16 for chunk in chunks)


def test_halves_keep_the_names_that_they_hold() -> None:
    chunk = Chunk(5, 8, "def a():\n    pass\ndef b():\n    a()", ("a", "b"), "outer")
    assert split_in_two(chunk) == [
        Chunk(5, 6, "def a():\n    pass", ("a",), "outer"),
        Chunk(7, 8, "def b():\n    a()", ("b",), "outer"),
    ]


def test_a_language_without_a_grammar_is_cut_without_names() -> None:
    chunks = chunks_of("def a():\n  1\n" * 200, "unheard-of")
    assert len(chunks) > 1
    assert all(not chunk.symbols and chunk.enclosing is None for chunk in chunks)
