"""All that a file defines, for each language: the sample, and below its line of percent signs what is to be found."""

from pathlib import Path

import pytest

from cocosearch.indexing.chunking.definitions import definitions_of, has_grammar

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.txt"))
# Further samples of a language.
OTHERS = {"c_macros": "c", "cpp_macros": "cpp", "cpp_tests": "cpp", "helm": "yaml", "sql_dialects": "sql"}
LANGUAGES = {path: OTHERS.get(path.stem, path.stem) for path in SAMPLES}


def read(path: Path) -> tuple[str, list[str]]:
    code, _, expected = path.read_text(encoding="utf-8").partition("%%%%")
    return code, expected.splitlines()[1:]


def listed(code: str, language: str) -> list[str]:
    return [
        f"{each.start_line}-{each.end_line} {each.name_line} {each.kind} {each.qualified_name}" for each in definitions_of(code, language)
    ]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_everything_that_a_sample_defines_is_found(path: Path) -> None:
    code, expected = read(path)
    assert expected
    assert listed(code, LANGUAGES[path]) == expected


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_line_ends_tabs_and_what_stands_above_move_lines_and_nothing_else(path: Path) -> None:
    code, expected = read(path)
    language = LANGUAGES[path]
    assert listed(code.replace("\n", "\r\n"), language) == expected
    assert listed("\ufeff" + code, language) == expected
    if language not in {"nim", "yaml"}:  # where a tab is no indentation
        assert listed(code.replace("    ", "\t"), language) == expected


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_names_stand_on_their_line_and_lines_enclose_them(path: Path) -> None:
    code, _ = read(path)
    lines = code.split("\n")
    for each in definitions_of(code, LANGUAGES[path]):
        assert each.start_line <= each.name_line <= each.end_line <= len(lines)
        assert each.name in lines[each.name_line - 1]
        assert each.qualified_name.split(".")[-1] == each.name.split(".")[-1]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("part", [0.25, 0.5, 0.75])
def test_a_file_that_breaks_off_is_read_as_far_as_it_goes(path: Path, part: float) -> None:
    code, _ = read(path)
    cut = code[: int(len(code) * part)]
    lines = cut.count("\n") + 1
    assert all(1 <= each.start_line <= each.end_line <= lines for each in definitions_of(cut, LANGUAGES[path]))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_language_is_one_that_files_are_told_to_be_of(path: Path) -> None:
    assert has_grammar(LANGUAGES[path])


@pytest.mark.parametrize("language", ["text", "json", "csv", "unheard-of"])
def test_a_language_without_a_grammar_has_no_definitions(language: str) -> None:
    assert definitions_of("class A: pass", language) == ()
