"""Which files are listed: on real trees, with the real git."""

import hashlib
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from cocosearch.errors import ConfigurationError, IndexingError
from cocosearch.indexing.sources.listing import Listing, SkipReason, list_files
from cocosearch.projects import load_known_project, load_project
from cocosearch.settings import Settings

SETTINGS = Settings(max_file_bytes=2048)


def git(directory: Path, *arguments: str, stdin: bytes | None = None) -> bytes:
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    environment = {**os.environ, **identity, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(["git", "-C", str(directory), *arguments], capture_output=True, check=True, env=environment, input=stdin)
    return done.stdout


def write(root: Path, *paths: str, text: str = "text\n") -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def listing(root: Path, settings: Settings = SETTINGS) -> Listing:
    return list_files(load_project(root), settings)


def paths(root: Path) -> list[str]:
    return [file.path for file in listing(root).files]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q")
    return root


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


def test_a_submodule_and_a_repository_within_are_listed_file_by_file(repository: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "-q")
    write(library, "lib.py", "ignored.log")
    write(library, ".gitignore", text="*.log\n")
    git(library, "add", "lib.py", ".gitignore")
    git(library, "commit", "-qm", "x")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "vendor/library")
    write(repository, "main.py", "nested/inside.py", "nested/deeper/x.py", "vendor/library/new.log", "vendor/library/new.py")
    git(repository / "nested", "init", "-q")
    assert paths(repository) == sorted(
        [".gitmodules", "main.py", "nested/inside.py", "nested/deeper/x.py"]
        + [f"vendor/library/{name}" for name in (".gitignore", "lib.py", "new.py")]
    )


def test_a_submodule_that_was_not_fetched_is_no_file(repository: Path) -> None:
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},library")
    write(repository, "a.py")
    (repository / "library").mkdir()
    found = listing(repository)
    assert [file.path for file in found.files] == ["a.py"]
    assert found.skipped == {SkipReason.NOT_A_FILE: 1}


def test_a_link_in_the_place_of_a_submodule_leads_nowhere(repository: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    git(outside, "init", "-q")
    write(outside, "secret.py")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},library")
    (repository / "library").symlink_to(outside)
    assert paths(repository) == []


@pytest.mark.parametrize("option", ["core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "diff.external"])
def test_no_program_of_a_hostile_configuration_is_run(repository: Path, tmp_path: Path, option: str) -> None:
    witness = tmp_path / "it ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch '{witness}'\n")
    program.chmod(0o755)
    write(repository, "a.py")
    git(repository, "add", "a.py")
    git(repository, "config", option, str(program))
    assert paths(repository) == ["a.py"]
    assert not witness.exists()
    if option == "core.fsmonitor":
        git(repository, "ls-files", "-co")
        assert witness.exists(), "plain git does run it, so this test would see it"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_of_a_repository_does_not_matter(repository: Path) -> None:
    write(repository, "a.py", "b.log")
    (repository / ".git/info/exclude").write_text("*.log\n")
    for path in (repository, *repository.rglob("*")):
        os.lchown(path, 65534, 65534)
    with pytest.raises(subprocess.CalledProcessError):
        git(repository, "ls-files")
    assert paths(repository) == ["a.py"]


def test_variables_of_a_git_hook_do_not_lead_to_another_repository(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(repository, "a.py", "b.log")
    write(repository, ".gitignore", text="*.log\n")
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / "index"))
    assert paths(repository) == [".gitignore", "a.py"]


def forge_index(repository: Path, name: str, forged: str) -> None:
    """Put a name into the index that git itself would refuse to put there."""
    assert len(name) == len(forged)
    index = repository / ".git/index"
    body = index.read_bytes()[:-20].replace(name.encode(), forged.encode())
    index.write_bytes(body + hashlib.sha1(body, usedforsecurity=False).digest())


@pytest.mark.parametrize("forged", ["{outside}", "../outside.py", ".git/config", "src/../../outside.py"])
def test_a_forged_index_names_no_file_outside(repository: Path, tmp_path: Path, forged: str) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("secret\n")
    (repository / "src").mkdir()
    forged = forged.format(outside=outside)
    name = "n" * len(forged) if len(forged) < 200 else "/".join(["n" * 99] * (len(forged) // 100)) + "n" * (len(forged) % 100)
    write(repository, name)
    git(repository, "add", name)
    (repository / name).unlink()
    forge_index(repository, name, forged)
    assert paths(repository) == []


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


def test_a_tracked_file_that_was_deleted_is_left_out(repository: Path) -> None:
    write(repository, "a.py", "gone.py", "directory/gone.py")
    git(repository, "add", ".")
    (repository / "gone.py").unlink()
    shutil.rmtree(repository / "directory")
    write(repository, "directory")
    found = listing(repository)
    assert [file.path for file in found.files] == ["a.py", "directory"]
    assert found.skipped == {}


def test_a_tracked_file_below_a_directory_that_became_a_link_is_not_read_through_it(repository: Path, tmp_path: Path) -> None:
    write(repository, "directory/a.py")
    git(repository, "add", ".")
    shutil.rmtree(repository / "directory")
    write(tmp_path, "outside/a.py")
    (repository / "directory").symlink_to(tmp_path / "outside")
    assert paths(repository) == []


def test_a_broken_repository_is_walked(repository: Path) -> None:
    write(repository, "a.py", "b.log")
    write(repository, ".gitignore", text="*.log\n")
    (repository / ".git/HEAD").unlink()
    assert paths(repository) == [".gitignore", "a.py"]


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
