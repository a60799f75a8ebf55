"""Path globs as the regular expressions that PostgreSQL and Python read alike."""

import re

import pytest

from cocosearch.errors import CocosearchError
from cocosearch.search.globs import check_globs, glob_to_regex, read_globs


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
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b", "a/b/c"], ["ab", "a/xb"]),
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
        ("src\\api\\*.py", ["src/api/a.py"], ["src/a.py", "x/src/api/a.py"]),
        ("***", ["a", "a/b"], []),
        ("src/", ["src/a", "x/src/a/b"], ["src", "srcs/a"]),
        ("/src/", ["src/a"], ["x/src/a"]),
        ("日本/*", ["日本/a"], ["日/a"]),
        ("]", ["]"], ["["]),
        ("src", ["src", "src/a", "x/src/a/b"], ["srcs/a", "a.src"]),
        ("src/api", ["src/api", "src/api/b/c"], ["x/src/api", "src/apis", "api"]),
        ("./src/**", ["src/a"], ["x/src/a"]),
        ("./src", ["src/a"], ["x/src/a"]),
        ("src//api/./*.py", ["src/api/a.py"], ["src/a.py"]),
        ("web/../src/*.py", ["src/a.py"], ["web/a.py"]),
        (".", ["a", "a/b"], []),
        ("./", ["a", "a/b"], []),
        ("/", ["a", "a/b"], []),
        ("*", ["a", "a/b"], []),
        ("**/*", ["a", "a/b"], []),
        ("*" * 299, ["a", "a/b"], []),
        ("**/**/**/a", ["a", "x/a", "x/y/a"], ["ba"]),
        ("**/*.{ts,tsx}", ["a.ts", "x/y.tsx"], ["a.tsz", "a.{ts,tsx}"]),
        ("{src,lib}/*.py", ["src/a.py", "lib/b.py"], ["x/a.py", "src/b/a.py"]),
        ("src/{a,b/c}", ["src/a", "src/b/c", "src/a/x"], ["src/b"]),
        ("a{b,c{d,e}}f", ["abf", "acdf", "acef"], ["acf"]),
        ("{{cookiecutter.name}}/a", ["{{cookiecutter.name}}/a"], ["cookiecutter.name/a"]),
        ("{a", ["{a"], ["a"]),
        ("a}", ["a}"], ["a"]),
        (" src/*.py ", ["src/a.py"], []),
    ],
)
def test_a_glob_means_what_it_means_in_gitignore(glob: str, matches: list[str], misses: list[str]) -> None:
    regex = re.compile(glob_to_regex(glob))
    assert [path for path in matches if not regex.search(path)] == []
    assert [path for path in misses if regex.search(path)] == []


@pytest.mark.parametrize(
    ("globs", "matches", "misses"),
    [
        ("*.py,*.ts", ["a.py", "x/b.ts"], ["a.go"]),
        ("*.py, *.ts", ["a.py", "x/b.ts"], ["a.go"]),
        ("a,b.txt", ["a", "b.txt", "a,b.txt"], ["b"]),
        ("!web/**", ["src/a", "web"], ["web/a", "web/b/c"]),
        ("!web", ["src/a"], ["web/a", "x/web/b"]),
        ("src/**,!src/gen/**", ["src/a"], ["src/gen/a", "b"]),
        ("*.{py,ts},*.go", ["a.py", "a.ts", "a.go"], ["a.js"]),
        ("[,].c", [",.c"], ["a.c"]),
    ],
)
def test_several_globs_are_alternatives_and_what_they_leave_out(globs: str, matches: list[str], misses: list[str]) -> None:
    pattern = read_globs(globs)

    def found(path: str) -> bool:
        wanted = pattern.wanted is None or re.search(pattern.wanted, path) is not None
        return wanted and (pattern.unwanted is None or not re.search(pattern.unwanted, path))

    assert [path for path in matches if not found(path)] == []
    assert [path for path in misses if found(path)] == []


def test_case_counts_unless_it_is_said_not_to() -> None:
    assert not re.search(read_globs("SRC/*.PY").wanted or "", "src/a.py")
    assert re.search(read_globs("SRC/*.PY", any_case=True).wanted or "", "src/a.py")


@pytest.mark.parametrize(
    ("glob", "says"), [("*a" * 41, "41 wildcards, 40 are allowed"), ("a," * 64, "65 alternatives, 64 are allowed"), ("[a", "without its")]
)
def test_a_pattern_that_would_take_long_is_refused(glob: str, says: str) -> None:
    with pytest.raises(CocosearchError, match=says):
        check_globs(glob)


@pytest.mark.parametrize("glob", ["[", "a[", "[a", "[]", "[!]", "[!", "x/[ab", "[^]"])
def test_a_bracket_that_is_never_closed_is_refused(glob: str) -> None:
    with pytest.raises(CocosearchError, match="without its"):
        glob_to_regex(glob)


@pytest.mark.parametrize("glob", ["[z-a]", "[a-Z]", "[!b-a]"])
def test_a_range_that_ends_before_it_begins_is_refused(glob: str) -> None:
    with pytest.raises(CocosearchError, match="ends before it begins"):
        glob_to_regex(glob)
