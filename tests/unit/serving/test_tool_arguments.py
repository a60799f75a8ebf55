"""Arguments as models give them: filled with nothing, in other types, out of bounds."""

from itertools import product

import pytest
from fastmcp.exceptions import ToolError
from tests.unit.serving.tools_client import client

from cocosearch.serving.mcp import DEFAULT_TOKENS

NOTHING_GIVEN = "10 None None None None None"
OPTIONAL = ["limit", "project", "language", "path_glob", "symbol", "kind", "whole_definitions", "max_tokens", "explain"]
LEFT_OUT = ["", " ", "null", "None", "undefined", None, [], [""], [None]]


async def test_what_is_optional_may_be_filled_with_nothing() -> None:
    async with client() as connected:
        for name, value in product(OPTIONAL, LEFT_OUT):
            hit = (await connected.call_tool("search_code", {"query": "x", name: value})).data.hits[0]
            assert (name, value, hit.symbol, hit.enclosing) == (name, value, NOTHING_GIVEN, f"False {DEFAULT_TOKENS}")


@pytest.mark.parametrize(
    ("arguments", "understood"),
    [
        ({"limit": "10"}, NOTHING_GIVEN),
        ({"limit": 10.0}, NOTHING_GIVEN),
        ({"limit": " 7 "}, "7 None None None None None"),
        ({"limit": "7.0"}, "7 None None None None None"),
        ({"limit": [7]}, "7 None None None None None"),
        ({"max_tokens": 0}, NOTHING_GIVEN),
        ({"kind": "Function"}, "10 None None None None function"),
        ({"kind": ["methods"]}, "10 None None None None method"),
        ({"project": " 'demo' "}, "10 demo None None None None"),
        ({"project": 7}, "10 7 None None None None"),
        ({"language": ["python"]}, "10 None python None None None"),
        ({"language": ["python", "go"]}, "10 None python,go None None None"),
        ({"path_glob": '"src/**"'}, "10 None None src/** None None"),
        ({"path_glob": ["*.py", "*.ts"]}, "10 None None *.py,*.ts None None"),
        ({"symbol": "`retry`"}, "10 None None None retry None"),
        ({"symbol": "re\u0301try"}, "10 None None None rétry None"),
    ],
)
async def test_arguments_are_taken_as_models_fill_them(arguments: dict[str, object], understood: str) -> None:
    async with client() as connected:
        assert (await connected.call_tool("search_code", {"query": "x", **arguments})).data.hits[0].symbol == understood


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (["a", "b"], "a b"),
        (7, "7"),
        (" x\n", "x"),
        ('"quoted"', '"quoted"'),
        ("null", "null"),
        ("e\u0301", "é"),
        ("x" * 100_000, "x" * 100_000),
    ],
)
async def test_a_query_is_text_as_it_stands(query: object, text: str) -> None:
    async with client() as connected:
        assert (await connected.call_tool("search_code", {"query": query})).data.hits[0].text == text


@pytest.mark.parametrize("value", [True, "true", "True", "yes", 1, "1", [True]])
async def test_a_switch_is_turned_on_in_any_usual_way(value: object) -> None:
    async with client() as connected:
        found = await connected.call_tool("search_code", {"query": "x", "whole_definitions": value})
    assert found.data.hits[0].enclosing == f"True {DEFAULT_TOKENS}"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "query is missing; this tool needs it"),
        ({"query": ""}, "query: the text is empty; say what to look for"),
        ({"query": " \n"}, "query: the text is empty"),
        ({"query": None}, "query: the text is empty"),
        ({"query": []}, "query: the text is empty"),
        ({"query": {"text": "x"}}, "query: an object is no text"),
        ({"query": True}, "query: true is no text"),
        ({"query": "a\x00b"}, "query: the text holds a NUL"),
        ({"query": "x" * 1_000_001}, "query: it has 1000001 characters; at most 1000000 are taken"),
        ({"query": "a", "limit": 0}, "limit: 0 is out of bounds; it must be between 1 and 50"),
        ({"query": "a", "limit": 51}, "limit: 51 is out of bounds; it must be between 1 and 50"),
        ({"query": "a", "limit": 10**300}, "limit: a number of more than 40 digits is out of bounds"),
        ({"query": "a", "limit": 1.5}, "limit: 1.5 is no whole number"),
        ({"query": "a", "limit": "NaN"}, "limit: 'NaN' is no whole number"),
        ({"query": "a", "limit": "Infinity"}, "limit: 'Infinity' is no whole number"),
        ({"query": "a", "limit": True}, "limit: true is no number; give a whole one, such as 10"),
        ({"query": "a", "limit": "ten"}, "limit: 'ten' is no number"),
        ({"query": "a", "limit": [1, 2]}, "limit: a list of 2 is no number"),
        ({"query": "a", "limit": {}}, "limit: an object is no number"),
        ({"query": "a", "path_glob": "\x00"}, "path_glob: .*NUL"),
        ({"query": "a", "path_glob": "x" * 1001}, "path_glob: it has 1001 characters; at most 1000 are taken"),
        ({"query": "a", "project": ["a", "b"]}, "project: one is taken, and not 2"),
        ({"query": "a", "symbol": "\x00"}, "symbol: .*NUL"),
        ({"query": "a", "symbol": {"name": "x"}}, "symbol: an object is no text"),
        ({"query": "a", "kind": "klass"}, r"kind: 'klass' is no kind of definition\. Did you mean 'class'\? There are function, method"),
        ({"query": "a", "max_tokens": 1}, "max_tokens: 1 is out of bounds; it must be between 100 and 200000"),
        ({"query": "a", "max_tokens": 10**9}, "max_tokens: 1000000000 is out of bounds"),
        ({"query": "a", "max_tokens": -1}, "max_tokens: -1 is out of bounds"),
        ({"query": "a", "explain": "perhaps"}, "explain: 'perhaps' is neither true nor false"),
        ({"query": "a", "explain": 2}, "explain: 2 is neither true nor false"),
        ({"query": "a", "directory": "/"}, r"'directory' is no argument of this tool\. It takes query, limit"),
        ({"query": "a", "pathGlob": "/"}, r"'pathGlob' is no argument of this tool\. Did you mean 'path_glob'\?"),
        ({"query": "a", "path": "/"}, r"'path' is no argument of this tool\. Did you mean 'path_glob'\?"),
        ({"query": "a", "\x1b[2J": "/"}, r"'\\x1b\[2J' is no argument"),
    ],
)
async def test_arguments_have_bounds(arguments: dict[str, object], says: str) -> None:
    async with client() as connected:
        with pytest.raises(ToolError, match=says) as caught:
            await connected.call_tool("search_code", arguments)
    assert "pydantic" not in str(caught.value)
    assert str(caught.value).startswith("Not valid: ")
    assert "\x1b" not in str(caught.value)
