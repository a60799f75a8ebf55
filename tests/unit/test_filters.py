"""Path globs as the regular expressions that PostgreSQL and Python read alike."""

import re

import pytest

from cocosearch.errors import CocosearchError
from cocosearch.search.filters import Filters, glob_to_regex


@pytest.mark.parametrize(
    ("glob", "matches", "misses"),
    [
        ("*.py", ["a.py", "src/a.py", "a/b/c.py", ".py"], ["a.pyc", "a.py/b", "apy", "a.py.txt"]),
        ("/*.py", ["a.py"], ["src/a.py"]),
        ("src/*.py", ["src/a.py"], ["src/b/a.py", "x/src/a.py", "srcs/a.py"]),
        ("src/**", ["src/a", "src/a/b.c"], ["src", "x/src/a", "srcs/a"]),
        ("src/**/*.py", ["src/a.py", "src/a/b.py", "src/a/b/c.py"], ["a.py", "src/a.pyc", "x/src/a.py"]),
        ("**/test_*.py", ["test_a.py", "a/test_b.py", "a/b/test_.py"], ["a/tests.py", "a/test_b.py/c"]),
        ("**/tests/**", ["tests/a", "a/tests/b/c"], ["a/tests", "a/mytests/b"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb", "a/b/c"]),
        ("**", ["a", "a/b"], []),
        ("a?c", ["abc", "x/a-c"], ["ac", "a/c", "abbc"]),
        ("[ab].c", ["a.c", "x/b.c"], ["c.c", "ab.c", "a,c"]),
        ("[!a].c", ["b.c", "x/-.c"], ["a.c", ".c", "/.c"]),
        ("[^a].c", ["b.c"], ["a.c"]),
        ("x[!a]y", ["xby"], ["x/y", "xay"]),
        ("x[.-0]y", ["x.y", "x0y"], ["x/y", "x1y"]),
        ("[a-c]1", ["a1", "b1", "c1"], ["d1", "-1"]),
        ("[a-]", ["a", "-"], ["b"]),
        ("[-a]", ["a", "-"], ["b"]),
        ("[]a]", ["]", "a"], ["b", "[]a]"]),
        ("[!]a]", ["b"], ["]", "a"]),
        ("[[a]", ["[", "a"], ["b"]),
        ("[[:alpha:]", [":", "a", "[", "l"], ["b"]),
        ("[\\d]", ["\\", "d"], ["1"]),
        ("[.]", ["."], ["a"]),
        ("a.b", ["a.b", "x/a.b"], ["axb"]),
        ("(a|b)+$^{1}", ["(a|b)+$^{1}"], ["a", "aa"]),
        ("a b#c&d~e-f", ["a b#c&d~e-f"], ["abcdef"]),
        ("\\d", ["\\d"], ["1", "d"]),
        ("***", ["a", "a/b"], []),
        ("src/", ["src/a", "x/src/a/b"], ["src", "srcs/a"]),
        ("/src/", ["src/a"], ["x/src/a"]),
        ("日本/*", ["日本/a"], ["日/a"]),
        ("]", ["]"], ["["]),
    ],
)
def test_a_glob_means_what_it_means_in_gitignore(glob: str, matches: list[str], misses: list[str]) -> None:
    regex = re.compile(glob_to_regex(glob))
    assert [path for path in matches if not regex.search(path)] == []
    assert [path for path in misses if regex.search(path)] == []


@pytest.mark.parametrize("glob", ["[", "a[", "[a", "[]", "[!]", "[!", "x/[ab", "[^]"])
def test_a_bracket_that_is_never_closed_is_refused(glob: str) -> None:
    with pytest.raises(CocosearchError, match="without its"):
        glob_to_regex(glob)


@pytest.mark.parametrize("glob", ["[z-a]", "[a-Z]", "[!b-a]"])
def test_a_range_that_ends_before_it_begins_is_refused(glob: str) -> None:
    with pytest.raises(CocosearchError, match="ends before it begins"):
        glob_to_regex(glob)


def test_only_given_filters_are_conditions() -> None:
    assert not Filters()
    assert Filters().where()[1] == {}
    filters = Filters(project_id=0, language="Python", path_glob="*.py", symbol="Client::Retry", kind="method")
    assert filters
    condition, parameters = filters.where()
    path = glob_to_regex("*.py")
    assert parameters == {"project_id": 0, "language": "python", "path": path, "symbol": "Client.Retry", "kind": "method"}
    assert [f"%({name})s" in condition.as_string() for name in parameters] == [True] * 5


@pytest.mark.parametrize("given", [{"symbol": "run"}, {"kind": "class"}])
def test_one_of_symbol_and_kind_asks_for_the_definitions(given: dict[str, str]) -> None:
    condition, parameters = Filters(**given).where()  # type: ignore[arg-type]
    assert Filters(**given)  # type: ignore[arg-type]
    assert "definitions" in condition.as_string()
    assert {name: value for name, value in parameters.items() if value} == given


@pytest.mark.parametrize("written", ["Client.retry", "Client::retry", "Client#retry", "Client->retry", "Client.retry()"])
def test_a_qualified_name_is_taken_as_each_language_writes_it(written: str) -> None:
    assert Filters(symbol=written).where()[1]["symbol"] == "Client.retry"
