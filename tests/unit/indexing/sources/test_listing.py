"""Which files are listed: on real trees, with the real git."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.unit.indexing.sources.listings import SETTINGS, git, listing, paths, write

from cocosearch.errors import ConfigurationError, IndexingError
from cocosearch.indexing.sources.listing import SkipReason, list_files
from cocosearch.projects import load_known_project, load_project
from cocosearch.settings import Settings

IGNORING_TREE = {
    ".gitignore": "*.log\n!keep.log\nbuild/\n/anchored\ndocs/*.html\n**/deep/*.tmp\n\\#hash\ntrailing \n[ab].x\n*.o\r\nfoo/**/bar\n!a/\n",
    "sub/.gitignore": "!debug.log\n*.py\n!/keep.py\n",
    "sub/inner/.gitignore": "!*.py\n*\n!.gitignore\n!seen.txt\n",
    "bom/.gitignore": "\ufeffhidden\n",
    "bad/.gitignore": "[z-a]\n!\ngone\\\n*.gone\n",
    "reopened/.gitignore": "*\n!*/\n!*.md\n",
    "above/.gitignore": "in/**\n!in/keep\nout\n!out/\n",
    "feed/.gitignore": "a\x0cb\nc\u2028d\n",
}
IGNORING_PATHS = """
    a.log keep.log main.py build/out.txt src/build/out.txt src/build.txt anchored src/anchored docs/a.html docs/b/a.html deep/a.tmp
    x/deep/b.tmp #hash trailing a.x c.x m.o foo/bar foo/1/2/bar foo/bars a/b.log a/b.txt sub/debug.log sub/other.log sub/a.py sub/keep.py
    sub/x/keep.py sub/inner/a.py sub/inner/seen.txt sub/inner/no.txt bom/hidden bom/shown bad/x.gone bad/q bad/gone reopened/a.md
    reopened/x/y/b.md reopened/x/c.txt feed/b feed/d feed/a above/in/keep above/in/gone above/out/x above/in/out
""".split()  # noqa: SIM905 - a list of paths reads as paths


def write_ignoring_tree(root: Path) -> None:
    write(root, *IGNORING_PATHS)
    for path, text in IGNORING_TREE.items():
        (root / path).write_bytes(text.encode())


def test_the_listing_is_what_git_lists(repository: Path) -> None:
    write_ignoring_tree(repository)
    (repository / ".git/info/exclude").write_text("c.x\nsub/x\n")
    git(repository, "add", "-f", "main.py", "a.log")
    expected = git(repository, "ls-files", "-co", "--exclude-standard", "-z").decode().split("\0")[:-1]
    assert paths(repository) == sorted(expected)
    assert "a.log" in expected
    assert "c.x" not in expected


def test_the_walk_without_a_repository_gives_the_same(repository: Path) -> None:
    write_ignoring_tree(repository)
    by_git = paths(repository)
    shutil.rmtree(repository / ".git")
    assert paths(repository) == by_git
    assert "keep.log" in by_git


def test_the_walk_serves_where_git_is_not_installed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_ignoring_tree(repository)
    by_git = paths(repository)
    monkeypatch.setenv("PATH", str(repository / "nothing here"))
    assert paths(repository) == by_git


@pytest.mark.parametrize("seed", range(20))
def test_the_walk_agrees_with_git_on_random_rules(repository: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test that can be repeated
    parts = ["a", "b", "*", "**", "a*", "?", "[ab]", "*b", "[!a]", "c"]
    for directory in ("", "a/", "a/b/", "c/"):
        write(repository, *(f"{directory}{name}" for name in ("x", "ab", "ba", "d/a", "d/b/c", "b/c/a", "bb/ab/x")))
        rules = []
        for _ in range(chance.randint(0, 6)):
            body = "/".join(chance.choices(parts, k=chance.choice((1, 1, 1, 2, 2, 3))))
            rules.append(chance.choice(("", "", "!")) + chance.choice(("", "", "/")) + body + chance.choice(("", "", "/", " ")))
        (repository / directory / ".gitignore").write_text("\n".join(rules))
    by_git = paths(repository)
    shutil.rmtree(repository / ".git")
    assert paths(repository) == by_git


def test_a_directory_in_a_repository_is_listed_alone(repository: Path) -> None:
    write_ignoring_tree(repository)
    whole = paths(repository)
    assert paths(repository / "sub") == [path.removeprefix("sub/") for path in whole if path.startswith("sub/")]


def test_the_walk_leaves_out_what_never_belongs_to_a_project(tmp_path: Path) -> None:
    write(tmp_path, "a.py", ".hg/store", "node_modules/x/index.js", "pkg/__pycache__/a.txt", ".venv/lib/x.py", "src/node_modules.txt")
    assert paths(tmp_path) == ["a.py", "src/node_modules.txt"]


def test_a_very_deep_tree_is_walked(tmp_path: Path) -> None:
    deep = "d/" * 1100
    descriptor = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(os.open("leaf", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.write(written := os.open("leaf", os.O_WRONLY, dir_fd=descriptor), b"x")
    os.close(written)
    os.close(descriptor)
    try:
        assert paths(tmp_path) == [deep + "leaf"]
    finally:
        subprocess.run(["rm", "-r", "d"], cwd=tmp_path, check=True)  # deeper than Python's own removal can go


def test_links_are_never_followed(tmp_path: Path) -> None:
    write(tmp_path, "outside/secret.py", "root/real.py", "root/real/a.py")
    root = tmp_path / "root"
    (root / "file-out").symlink_to("../outside/secret.py")
    (root / "file-in").symlink_to("real.py")
    (root / "directory-out").symlink_to("../outside")
    (root / "directory-in").symlink_to("real")
    (root / "broken").symlink_to("nothing")
    (root / "loop").symlink_to("loop")
    for _ in range(2):
        found = listing(root)
        assert [file.path for file in found.files] == ["real.py", "real/a.py"]
        assert found.skipped == {SkipReason.SYMLINK: 6}
        git(root, "init", "-q")  # the second time git lists


def test_each_reason_is_counted_and_nothing_else(repository: Path) -> None:
    write(repository, "ok.py", "also/ok.py", ".env", "certificates/server.PEM", "vendor/lib.js", "left.out")
    write(repository, "empty.py", "other_empty.py", text="")
    write(repository, "edge.txt", text="x" * 2048)
    write(repository, "large.txt", text="x" * 2049)
    write(repository, "ignored.txt")
    write(repository, ".gitignore", text="ignored.txt\n*.fifo\n")
    write(repository, "cocosearch.yaml", text="exclude: ['vendor/', '*.out']\n")
    (repository / "link").symlink_to("ok.py")
    (repository / os.fsdecode(b"caf\xe9.py")).write_text("x")
    found = listing(repository)
    assert [file.path for file in found.files] == [".gitignore", "also/ok.py", "cocosearch.yaml", "edge.txt", "ok.py"]
    assert found.skipped == {
        SkipReason.SECRET: 2,
        SkipReason.EXCLUDED: 2,
        SkipReason.EMPTY: 2,
        SkipReason.TOO_LARGE: 1,
        SkipReason.SYMLINK: 1,
        SkipReason.BAD_NAME: 1,
    }


def test_a_pipe_is_not_a_file(tmp_path: Path) -> None:
    write(tmp_path, "a.py")
    os.mkfifo(tmp_path / "pipe.py")
    assert listing(tmp_path).skipped == {SkipReason.NOT_A_FILE: 1}


def test_names_that_are_not_utf8_are_counted_by_the_walk_too(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9")).mkdir()
    (tmp_path / os.fsdecode(b"caf\xe9/a.py")).write_text("x")
    (tmp_path / "café.py").write_text("x")
    found = listing(tmp_path)
    assert [file.path for file in found.files] == ["café.py"]
    assert found.skipped == {SkipReason.BAD_NAME: 1}


@pytest.mark.parametrize("include", ["'*'", "'.env'", "'/.env', '!x'", "'id_rsa', '.env', '.aws/'"])
def test_secrets_stay_out_whatever_the_configuration_asks_for(tmp_path: Path, include: str) -> None:
    write(tmp_path, ".env", "id_rsa", ".aws/credentials")
    write(tmp_path, "cocosearch.yaml", text=f"include: [{include}]\n")
    found = listing(tmp_path)
    assert {file.path for file in found.files} <= {"cocosearch.yaml"}
    assert found.skipped[SkipReason.SECRET] == 3


def test_include_and_exclude_are_relative_to_the_configuration(repository: Path) -> None:
    write(repository, "src/a.py", "src/b.py", "src/gen/c.py", "other/a.py")
    write(repository, "cocosearch.yaml", text="include: ['/src/**/*.py']\nexclude: ['src/gen/', 'src/b.py']\n")
    assert paths(repository) == ["src/a.py"]
    assert paths(repository / "src") == ["a.py"]


def test_a_missing_root_is_an_error(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root, "a.py")
    project = load_project(root)
    shutil.rmtree(root)
    with pytest.raises(IndexingError, match="is missing or cannot be read"):
        list_files(project, SETTINGS)


@pytest.mark.parametrize("level", ["root", "."])
def test_a_root_that_became_a_link_is_an_error(tmp_path: Path, level: str) -> None:
    above = tmp_path / "above"
    write(above, "root/a.py")
    project = load_project(above / "root")
    moved = above / level
    moved.rename(tmp_path / "moved")
    moved.symlink_to(tmp_path / "moved")
    with pytest.raises(IndexingError, match="symbolic link"):
        list_files(project, SETTINGS)


@pytest.mark.parametrize("level", ["root", "."])
def test_a_known_root_that_became_a_link_is_not_followed_to_another(tmp_path: Path, level: str) -> None:
    """As the indexer loads it at each look: by the path in the database, which may have been swapped for a link meanwhile."""
    above = tmp_path / "above"
    write(above, "root/a.py")
    write(tmp_path, "outside/root/secret.py", "outside/secret.py")
    assert load_known_project(above / "root", "x").root == above / "root"
    (above / level).rename(tmp_path / "moved")
    (above / level).symlink_to(tmp_path / "outside")
    with pytest.raises(ConfigurationError, match=r"has become a symbolic link.*The existing index is kept"):
        load_known_project(above / "root", "x")


def test_too_many_files_are_an_error(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "b.py", "c.py")
    assert len(listing(tmp_path, Settings(max_project_files=3)).files) == 3
    with pytest.raises(IndexingError, match=r"more than 2 files.*COCOSEARCH_MAX_PROJECT_FILES"):
        listing(tmp_path, Settings(max_project_files=2))


def test_the_digest_changes_with_the_files_and_not_otherwise(repository: Path) -> None:
    write(repository, "a.py", "b.py")
    first = listing(repository).digest()
    assert listing(repository).digest() == first
    git(repository, "add", "a.py")
    assert listing(repository).digest() == first
    seen = {first}
    os.utime(repository / "a.py", ns=(1, 1))
    seen.add(listing(repository).digest())
    write(repository, "a.py", text="more text\n")
    seen.add(listing(repository).digest())
    (repository / "b.py").rename(repository / "c.py")
    seen.add(listing(repository).digest())
    (repository / "c.py").unlink()
    seen.add(listing(repository).digest())
    write(repository, "c.py")
    times = (repository / "a.py").stat()
    (repository / "a.py").write_text("MORE text\n")
    os.utime(repository / "a.py", ns=(times.st_atime_ns, times.st_mtime_ns))
    seen.add(listing(repository).digest())
    assert len(seen) == 6
