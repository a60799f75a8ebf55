"""Filters as SQL, and what they understand."""

import pytest

from cocosearch.search.filters import Filters, languages_of
from cocosearch.search.globs import read_globs


def test_only_given_filters_are_conditions() -> None:
    assert not Filters()
    assert Filters().where()[1] == {}
    filters = Filters(project_id=0, language="Python", path_glob="*.py,!x", symbol="Client::Retry", kind="method")
    assert filters
    condition, parameters = filters.where()
    pattern = read_globs("*.py,!x")
    assert parameters == {
        "project_id": 0,
        "languages": ["python"],
        "path": pattern.wanted,
        "path_unwanted": pattern.unwanted,
        "symbol_written": ["client::retry"],
        "symbol_ends": ["%.client.retry"],
        "symbol_names": ["retry"],
        "kind": "method",
    }
    assert [name for name in parameters if f"%({name})s" not in condition.as_string()] == []


@pytest.mark.parametrize("given", [{"symbol": "run"}, {"kind": "class"}])
def test_one_of_symbol_and_kind_asks_for_the_definitions(given: dict[str, str]) -> None:
    condition, parameters = Filters(**given).where()  # type: ignore[arg-type]
    assert Filters(**given)  # type: ignore[arg-type]
    assert "definitions" in condition.as_string()
    assert [name.partition("_")[0] in given for name in parameters] == [True] * len(parameters)


@pytest.mark.parametrize("written", ["Client.retry", "Client::retry", "Client#retry", "Client->retry", "Client.retry()"])
def test_a_qualified_name_is_taken_as_each_language_writes_it(written: str) -> None:
    assert Filters(symbol=written).where()[1]["symbol_ends"] == ["%.client.retry"]


@pytest.mark.parametrize(
    ("asked", "languages"),
    [
        ("ts", {"typescript", "tsx"}),
        ("typescript", {"typescript", "tsx"}),
        ("js", {"javascript"}),
        ("py", {"python"}),
        (".py", {"python"}),
        ("golang", {"go"}),
        ("sh", {"bash"}),
        ("yml", {"yaml"}),
        ("C++", {"cpp"}),
        ("c#", {"csharp"}),
        ("PYTHON", {"python"}),
        ("python,go", {"python", "go"}),
        ("Klingon", {"klingon"}),
    ],
)
def test_a_language_is_known_by_its_usual_names(asked: str, languages: set[str]) -> None:
    assert set(languages_of(asked)) == languages


def test_headers_may_be_of_either_language() -> None:
    assert Filters(language="cpp").where()[1]["alike_extensions"] == [".h"]


def test_a_symbol_s_signs_are_no_pattern() -> None:
    assert Filters(symbol="get_%a\\").where()[1]["symbol_ends"] == [r"%.get\_\%a"]
