"""Patterns of gitignore: as git matches them, and never for long.

FUZZ_ROUNDS=5000 FUZZ_SEED=1 makes a long run of the comparison with git.
"""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.indexing.sources.trees import PATTERN_PARTS, git

from cocosearch.errors import ConfigurationError
from cocosearch.files.ignore_patterns import DIRECTORY_MARK, MAX_PATTERN_BYTES, Rules, parse_rule, read_lines
from cocosearch.indexing.sources.listing import SkipReason, list_files
from cocosearch.projects import load_project
from cocosearch.settings import Settings

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "60"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
NAME_PARTS = ("a", "b", "c", "ab", "é", "-", "]", "*", "\\", " ", "[", "!", "#", ".a", "b.", "\r", "\t", "\x7f", "\xa0")
# Each keeps a matcher busy that tries alternatives in turn.
ENDLESS = (
    *("*a" * 12 + "b", "**/" * 20 + "b", "*" * 300 + "b", "**/*a*a*a*a*a*a*a*a*a*a*b", "[ab]*" * 30 + "d", "?*" * 40 + "b"),
    *("/" + "*a*/" * 10 + "b", "a*" * 100 + "/b", "*[!b]*[!b]*[!b]*[!b]*[!b]*[!b]*[!b]*[!b]b"),
)


def rules_of(content: bytes) -> Rules:
    return Rules([rule for rule in map(parse_rule, read_lines(content)) if rule])


def is_ignored(rules: Rules, path: bytes) -> bool:
    """Whether a file is, or a directory above it."""
    parts = path.split(b"/")
    for number in range(1, len(parts) + 1):
        found = rules.last_match(b"/".join(parts[:number]) + (DIRECTORY_MARK if number < len(parts) else b""))
        if found >= 0 and rules.rules[found].ignores:
            return True
    return False


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    git(root, "init", "-q")
    return root


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_patterns_match_what_git_matches(repository: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - patterns that can be made again
    lines = ("".join(chance.choices(PATTERN_PARTS, k=chance.randint(1, 7))) for _ in range(chance.choice((1, 1, 2, 4, 100))))
    content = "\n".join(lines).encode()
    (repository / ".gitignore").write_bytes(content)
    names = {
        "/".join("".join(chance.choices(NAME_PARTS, k=chance.choice((1, 1, 2, 3)))) for _ in range(chance.randint(1, 4))) for _ in range(40)
    }
    asked = [name.encode() for name in sorted(names) if not {".", ".."} & set(name.split("/"))]
    answer = git(repository, "check-ignore", "-z", "--no-index", "--stdin", stdin=b"\0".join(asked) + b"\0", check=False)
    rules = rules_of(content)
    assert {name for name in asked if is_ignored(rules, name)} == set(answer.split(b"\0")[:-1]), content


@pytest.mark.parametrize(
    ("pattern", "matched", "not_matched"),
    [
        ("foo**/bar", ["foobar", "foo/x/bar"], ["fo/bar"]),
        ("a/***/b", ["a/b", "a/c/d/b"], ["ab"]),
        ("[a-]x", ["ax", "-x"], ["bx"]),
        ("[a\\-c]x", ["-x", "cx"], ["bx"]),
        ("[\\]]x", ["]x"], ["\\x"]),
        ("[[:digit:]]x", ["1x"], ["ax", ":x"]),
        ("/[!/]x", ["ax"], ["/x", "b/ax"]),
        ("?.txt", ["a.txt"], ["é.txt", ".txt"]),
        ("a\\ ", ["a "], ["a", "a\\"]),
        ("**", ["a", "a/b"], []),
        ("a/**", ["a/b", "a/b/c"], ["a"]),
    ],
)
def test_what_other_libraries_get_wrong(pattern: str, matched: list[str], not_matched: list[str]) -> None:
    rules = rules_of(pattern.encode())
    for path in (*matched, *not_matched):
        assert (rules.last_match(path.encode()) >= 0) is (path in matched), path


def test_the_last_of_many_patterns_decides() -> None:
    rules = rules_of(b"".join(b"*.x%d\n!keep.x%d\n" % (number, number) for number in range(500)) + b"*.x7\n")
    assert rules.last_match(b"a/other.x250") == 500
    assert rules.last_match(b"keep.x250") == 501
    assert rules.last_match(b"keep.x7") == 1000
    assert rules.last_match(b"keep.y") == -1


LIST = """
import sys
from pathlib import Path
from cocosearch.indexing.sources.listing import list_files
from cocosearch.projects import load_project
from cocosearch.settings import Settings
sys.stdout.write(str(len(list_files(load_project(Path(sys.argv[1])), Settings()).files)))
"""


@pytest.mark.parametrize(
    "place", ["cocosearch.yaml exclude", "cocosearch.yaml include", ".gitignore", ".git/info/exclude", "deep/.gitignore"]
)
def test_no_pattern_keeps_a_listing_busy(tmp_path: Path, place: str) -> None:
    """In a process of its own, which can be ended: a matcher that tries alternatives would take longer than anybody lives."""
    git(tmp_path, "init", "-q")
    name, _, key = place.partition(" ")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    for directory in (tmp_path, tmp_path / "deep"):
        directory.mkdir(exist_ok=True)
        (directory / ("a" * 200)).write_text("x")
        (directory / ("ab" * 100 + "c")).write_text("x")
    text = f"{key}: {list(ENDLESS)}\n" if key else "\n".join(ENDLESS) + "\n"
    (tmp_path / name).write_text(text)
    ran = subprocess.run([sys.executable, "-c", LIST, str(tmp_path)], capture_output=True, check=True, timeout=60)
    assert int(ran.stdout) == {"cocosearch.yaml include": 0, ".git/info/exclude": 4}.get(place, 5)


@pytest.mark.parametrize("pattern", ["x" * (MAX_PATTERN_BYTES + 1), "[[:nothing:]]", "#comment", "a\\", "[a", "[z-a]", "/", "!"])
def test_a_pattern_that_can_match_nothing_is_refused_in_a_configuration(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "cocosearch.yaml").write_text(f"exclude: ['{pattern}']\n")
    with pytest.raises(ConfigurationError, match="is not a pattern of gitignore"):
        load_project(tmp_path)


@pytest.mark.parametrize("part", [b"?", b"[!a]", b"*?", b"[bdfhjlnprtvxz]"])
def test_the_longest_patterns_can_be_compiled(part: bytes) -> None:
    count = MAX_PATTERN_BYTES // len(part)
    rules = rules_of(b"\n".join([part * count] * 100))
    assert rules.last_match(b"b" * count) == 99
    assert rules.last_match(b"/") == -1


def test_the_last_pattern_that_names_a_file_or_a_directory_above_it_decides(tmp_path: Path) -> None:
    for path in ("src/a.py", "src/gen/b.py", "src/gen/keep.py", "docs/a.md", "other.py", "src/x.txt"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    (tmp_path / "cocosearch.yaml").write_text("include: ['src/', '*.md', '!*.txt']\nexclude: ['gen/', '!keep.py']\n")
    found = list_files(load_project(tmp_path), Settings())
    assert [file.path for file in found.files] == ["docs/a.md", "src/a.py", "src/gen/keep.py"]
    assert found.skipped == {SkipReason.EXCLUDED: 4}
