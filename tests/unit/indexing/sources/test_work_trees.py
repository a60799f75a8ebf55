"""Work trees as they are: linked ones, submodules, bare repositories, and what cannot be read of them."""

import os
import shutil
import socket
from pathlib import Path

import pytest
from tests.unit.indexing.sources.trees import git

from cocosearch.errors import ConfigurationError, IndexingError
from cocosearch.indexing.sources.listing import Listing, SkipReason, list_files
from cocosearch.projects import load_project
from cocosearch.settings import Settings


def write(root: Path, *paths: str, text: str = "text\n") -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def listing(root: Path) -> Listing:
    return list_files(load_project(root), Settings())


def paths(root: Path) -> list[str]:
    return [file.path for file in listing(root).files]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q")
    write(root, "a.py", "no.log", "tracked.tmp")
    write(root, ".gitignore", text="*.log\n*.tmp\n")
    git(root, "add", "-f", "a.py", ".gitignore", "tracked.tmp")
    git(root, "commit", "-qm", "x")
    (root / ".git/info").mkdir(exist_ok=True)
    (root / ".git/info/exclude").write_text("*.private\n")
    return root


def test_a_linked_worktree_is_a_project_with_the_rules_of_its_repository(repository: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "-q", str(linked))
    write(linked, "new.py", "new.log", "new.tmp", "new.private")
    found = listing(linked)
    assert [file.path for file in found.files] == [".gitignore", "a.py", "new.py", "tracked.tmp"]
    assert found.notes == ()


def test_a_linked_worktree_by_relative_paths_is_one_too(repository: Path, tmp_path: Path) -> None:
    """As git 2.48 writes them with worktree.useRelativePaths."""
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "-q", str(linked))
    (linked / ".git").write_text("gitdir: ../repository/.git/worktrees/linked\n")
    (repository / ".git/worktrees/linked/gitdir").write_text("../../../../linked/.git\n")
    write(linked, "new.private")
    found = listing(linked)
    assert [file.path for file in found.files] == [".gitignore", "a.py", "tracked.tmp"]
    assert found.notes == ()


def test_a_linked_worktree_inside_the_tree_is_no_copy_in_the_index(repository: Path) -> None:
    git(repository, "worktree", "add", "-q", ".worktrees/feature")
    git(repository, "worktree", "add", "-q", "plain")
    found = listing(repository)
    assert [file.path for file in found.files] == [".gitignore", "a.py", "tracked.tmp"]
    assert found.skipped == {SkipReason.LINKED_WORKTREE: 2}
    assert paths(repository / "plain") == [".gitignore", "a.py", "tracked.tmp"]
    shutil.rmtree(repository / ".git/worktrees")
    assert listing(repository).skipped == {SkipReason.LINKED_WORKTREE: 2}


def test_a_directory_of_nothing_but_linked_worktrees_says_so(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", str(tmp_path / "trees/one"))
    git(repository, "worktree", "add", "-q", str(tmp_path / "trees/two"))
    with pytest.raises(IndexingError, match="nothing but linked worktrees"):
        listing(tmp_path / "trees")


@pytest.mark.parametrize("gone", ["repository", "record", "back", "foreign"])
def test_a_worktree_without_its_repository_never_lists_the_file_git_and_says_what_is_missing(
    repository: Path, tmp_path: Path, gone: str
) -> None:
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "-q", str(linked))
    write(linked, "sub/new.py", "new.log", "new.private")
    if gone == "repository":
        shutil.rmtree(repository)
    elif gone == "record":
        shutil.rmtree(repository / ".git/worktrees/linked")
    elif gone == "back":
        (repository / ".git/worktrees/linked/gitdir").write_text(f"{tmp_path}/another/.git\n")
    else:  # somebody else's record
        linked.rename(tmp_path / "thief")
        linked = tmp_path / "thief"
    for root, prefix in ((linked, ""), (linked / "sub", "sub/")):
        found = listing(root)
        expected = [".gitignore", "a.py", "new.private", "sub/new.py"]
        assert [prefix + file.path for file in found.files] == [path for path in expected if path.startswith(prefix)]
        assert len(found.notes) == 1
        assert found.notes[0].startswith("Ignore rules are missing: ")


def test_what_a_git_file_leads_to_outside_is_not_read(repository: Path, tmp_path: Path) -> None:
    """Neither another repository's directory, nor one made to look like a record of this work tree's, but reached by a link."""
    project = tmp_path / "project"
    write(project, "a.private", "a.py")
    (project / ".git").write_text(f"gitdir: {repository}/.git\n")
    assert paths(project) == ["a.private", "a.py"]
    record = tmp_path / "elsewhere/worktrees/x"
    write(record, "gitdir", text=f"{project}/.git\n")
    write(record, "commondir", text="../..\n")
    write(tmp_path / "elsewhere", "info/exclude", text="*.private\n")
    (tmp_path / "door").symlink_to("elsewhere")
    (project / ".git").write_text(f"gitdir: {tmp_path}/door/worktrees/x\n")
    assert paths(project) == ["a.private", "a.py"]
    (project / ".git").write_text(f"gitdir: {record}\n")
    assert paths(project) == ["a.py"]


def add_submodule(repository: Path, tmp_path: Path, place: str = "vendor/library") -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "-q")
    write(library, "lib.py")
    write(library, ".gitignore", text="*.out\n")
    git(library, "add", ".")
    git(library, "commit", "-qm", "x")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), place)


@pytest.mark.parametrize("place", ["vendor/library", "worktrees/library"])
def test_submodules_stay_and_are_projects_too(repository: Path, tmp_path: Path, place: str) -> None:
    add_submodule(repository, tmp_path, place)
    write(repository, f"{place}/x.out", f"{place}/x.log")
    expected = [".gitignore", "lib.py", "x.log"]
    assert paths(repository) == [*sorted([".gitignore", ".gitmodules", "a.py", "tracked.tmp", *(f"{place}/{name}" for name in expected)])]
    found = listing(repository / place)
    assert [file.path for file in found.files] == expected
    assert found.notes == ()


def test_submodules_of_a_linked_worktree_have_their_rules(repository: Path, tmp_path: Path) -> None:
    add_submodule(repository, tmp_path)
    git(repository, "commit", "-qm", "x")
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "-q", str(linked))
    git(linked, "-c", "protocol.file.allow=always", "submodule", "update", "--init", "-q")
    write(linked, "vendor/library/x.out")
    found = listing(linked)
    assert "vendor/library/lib.py" in [file.path for file in found.files]
    assert "vendor/library/x.out" not in [file.path for file in found.files]
    assert found.notes == ()


def test_a_worktree_of_a_submodule_is_a_copy(repository: Path, tmp_path: Path) -> None:
    add_submodule(repository, tmp_path)
    git(repository / "vendor/library", "worktree", "add", "-q", str(repository / "copy"))
    found = listing(repository)
    assert not any(file.path.startswith("copy/") for file in found.files)
    assert found.skipped == {SkipReason.LINKED_WORKTREE: 1}


@pytest.mark.parametrize("place", ["", "hooks", "objects/info", "refs"])
def test_a_bare_repository_is_refused_with_a_sentence(repository: Path, tmp_path: Path, place: str) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(bare))
    git(bare, "remote", "add", "mirror", "https://me:password@example.org/x.git")
    (bare / place).mkdir(parents=True, exist_ok=True)
    with pytest.raises(ConfigurationError, match=r"git repository|git's own directory.*index the clone"):
        load_project(bare / place)


@pytest.mark.parametrize("place", ["", "info", "objects", "hooks"])
def test_gits_own_directory_is_refused_with_a_sentence(repository: Path, place: str) -> None:
    (repository / ".git" / place).mkdir(exist_ok=True)
    with pytest.raises(ConfigurationError, match="index the clone"):
        load_project(repository / ".git" / place)


def test_a_project_that_becomes_a_bare_repository_is_refused_too(repository: Path) -> None:
    project = load_project(repository)
    (repository / ".git").rename(repository.parent / "own")
    shutil.rmtree(repository)
    (repository.parent / "own").rename(repository)
    with pytest.raises(IndexingError, match=r"is a bare git repository.*The existing index is kept"):
        list_files(project, Settings())


def test_nothing_of_gits_own_is_listed_wherever_it_lies(repository: Path, tmp_path: Path) -> None:
    for place in ("bare.git", "deep/er/mirror"):
        git(tmp_path, "clone", "-q", "--bare", str(repository), str(repository / place))
    git(tmp_path, "clone", "-q", str(repository), str(repository / "nested"))
    (repository / "nested/.git").rename(repository / "nested/.GIT")
    (repository / "other").mkdir()
    git(repository, "clone", "-q", "--separate-git-dir", str(repository / "other/own"), str(repository), str(repository / "clone"))
    found = listing(repository)
    assert [file.path for file in found.files] == [
        *(".gitignore", "a.py", "clone/.gitignore", "clone/a.py", "nested/.gitignore", "nested/a.py", "tracked.tmp"),
    ]
    assert len(found.notes) == 1, "that of the clone, whose own directory lies where nothing says that it is its"
    assert found.skipped == {SkipReason.GIT_OWN: 3}


@pytest.mark.parametrize("name", [".gitignore", ".git/info/exclude", ".git/index", "cocosearch.yaml", ".git", ".git/HEAD"])
@pytest.mark.parametrize("kind", ["fifo", "device", "socket", "directory", "link", "huge"])
def test_odd_things_in_the_place_of_what_is_read_neither_stall_nor_pass(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    monkeypatch.chdir(repository)
    path = repository / name
    if path.is_dir():
        path.rename(tmp_path / "moved")
    else:
        path.unlink(missing_ok=True)
    write(tmp_path, "outside", text="*.py\n")
    if kind == "device":
        if os.geteuid() != 0:
            pytest.skip("only root can make devices")
        os.mknod(path, 0o020644, os.makedev(1, 5))  # /dev/zero
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(name)
    elif kind == "directory":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(tmp_path / "outside")
    else:
        with path.open("wb") as stream:
            stream.write(b"*.py\n")
            stream.truncate(600 * 1024 * 1024)
    if name == "cocosearch.yaml" and kind in {"link", "huge"}:
        with pytest.raises(ConfigurationError, match=r"symbolic link|larger than"):
            listing(repository)
        return
    found = listing(repository)
    assert "a.py" in [file.path for file in found.files]
    assert not any(file.path.startswith(".git/") or file.path == ".git" for file in found.files)
    assert bool(found.notes) is (name != "cocosearch.yaml" and not (name == ".git/HEAD" and kind == "link")), found.notes


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to become another user")
def test_what_is_closed_to_the_user_is_counted_and_noted(repository: Path) -> None:
    write(repository, "closed/x.py", "closed_too/sub/.gitignore", "closed_too/sub/x.py", "blind/x.py")
    (repository / "closed").chmod(0)
    (repository / "closed_too/sub/.gitignore").chmod(0)
    (repository / "blind").chmod(0o444)
    (repository / ".git/index").chmod(0)
    for above in (repository, *repository.parents):
        if above.stat().st_uid == 0 and "pytest" in str(above):
            above.chmod(0o755)
    os.seteuid(65534)
    try:
        found = listing(repository)
    finally:
        os.seteuid(0)
    assert [file.path for file in found.files] == [".gitignore", "a.py", "closed_too/sub/.gitignore", "closed_too/sub/x.py"]
    assert found.skipped == {SkipReason.UNREADABLE: 2}
    assert len(found.notes) == 3, "of the index, and of the ignore files in both directories"


def test_a_directory_that_the_repository_around_ignores_says_so(repository: Path) -> None:
    write(repository, "out.log/a.py")
    with pytest.raises(IndexingError, match=r"is ignored by the git repository .*repository, and git tracks no file in it"):
        listing(repository / "out.log")
    git(repository, "add", "-f", "out.log/a.py")
    write(repository, "out.log/b.py")
    assert paths(repository / "out.log") == ["a.py"]


def test_notes_change_the_digest_and_are_bounded(repository: Path) -> None:
    before = listing(repository)
    for number in range(20):
        write(repository, f"{number}/x.py")
        (repository / f"{number}/.gitignore").symlink_to("nowhere")
    found = listing(repository)
    assert len(found.notes) == 6
    assert found.notes[-1] == "And 15 more notes of this kind."
    assert Listing(found.files, found.skipped, ()).digest() != found.digest() != before.digest()
