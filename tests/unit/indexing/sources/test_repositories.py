"""Repositories as the listing meets them: submodules, forged indexes, configurations that would run programs."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.unit.indexing.sources.listings import git, listing, paths, write

from cocosearch.indexing.sources.listing import SkipReason


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
