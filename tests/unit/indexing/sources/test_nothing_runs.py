"""Nothing that a repository's author wrote makes a program run: each road by which git lets content become action, with a canary."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.unit.indexing.sources.trees import git

from cocosearch.errors import ConfigurationError
from cocosearch.indexing.sources.content import read_text
from cocosearch.indexing.sources.listing import list_files
from cocosearch.projects import load_project
from cocosearch.settings import Settings

PROGRAMS = frozenset({"subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.fork", "os.forkpty", "pty.spawn"})
started: list[str] = []


@pytest.fixture(scope="module", autouse=True)
def record_programs() -> None:
    """Record every program that this process starts; a hook can never be taken away again, so there is one for all tests."""
    sys.addaudithook(lambda event, _: started.append(event) if event in PROGRAMS else None)


@dataclass(frozen=True)
class Canary:
    """A program that leaves a trace when it runs."""

    program: Path
    trace: Path

    @property
    def sang(self) -> bool:
        return self.trace.exists()


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    program = tmp_path / "canary"
    trace = tmp_path / "it ran"
    program.write_text(f"#!/bin/sh\ntouch '{trace}'\nexit 1\n")
    program.chmod(0o755)
    return Canary(program, trace)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """With a tracked file, one that was changed, and one that is not tracked."""
    root = tmp_path / "repository"
    (root / "d").mkdir(parents=True)
    git(root, "init", "-q")
    (root / "d/.gitignore").write_text("*.o\n")
    (root / "d/tracked.py").write_text("x = 1\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "x")
    (root / "d/tracked.py").write_text("x = 2\n")
    (root / "d/new.py").write_text("y = 2\n")
    (root / "d/no.o").write_text("z\n")
    return root


def paths_of(root: Path) -> list[str]:
    """Paths of the project's files, listed and read by this process, which starts no program."""
    started.clear()
    try:
        project = load_project(root)
        for _ in range(2):  # the second time from what was kept of the first
            files = list_files(project, Settings()).files
        for file in files:
            read_text(project.root, file.path, 10_000)
    finally:
        during = list(started)
        subprocess.run(["true"], check=True)
        assert len(started) > len(during), "a program that is started is seen"
        assert during == []
    return [file.path for file in files]


def promise_objects(root: Path, canary: Canary, work_tree: str = ".") -> None:
    """A missing object is fetched from a "promisor" by a program of the repository's choice."""
    (root / "config").write_text(
        f"[core]\n\trepositoryformatversion = 1\n\tbare = false\n\tworktree = {work_tree}\n"
        "[extensions]\n\tpartialClone = origin\n"
        f'[remote "origin"]\n\tpromisor = true\n\tpartialclonefilter = blob:none\n\turl = /nowhere\n'
        f'\tuploadpack = "{canary.program}; false"\n'
    )


def forget_ignore_file(repository: Path) -> None:
    """Take the ignore file from the disk and from the objects; only the index knows that there was one."""
    git(repository, "update-index", "--skip-worktree", "d/.gitignore")
    blob = git(repository, "rev-parse", ":d/.gitignore").decode().strip()
    (repository / "d/.gitignore").unlink()
    (repository / f".git/objects/{blob[:2]}/{blob[2:]}").unlink()


def test_a_missing_ignore_file_is_not_fetched(repository: Path, canary: Canary) -> None:
    forget_ignore_file(repository)
    promise_objects(repository / ".git", canary, "..")
    git(repository, "ls-files", "-o", "--exclude-standard", check=False)
    assert canary.sang, "git does run it, so that this test would see it"
    canary.trace.unlink()
    assert paths_of(repository) == ["d/new.py", "d/no.o", "d/tracked.py"]
    assert not canary.sang


def test_nor_in_a_repository_inside(repository: Path, tmp_path: Path, canary: Canary) -> None:
    forget_ignore_file(repository)
    promise_objects(repository / ".git", canary, "..")
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    repository.rename(outer / "inner")
    assert paths_of(outer) == ["inner/d/new.py", "inner/d/no.o", "inner/d/tracked.py"]
    assert not canary.sang


def test_a_tracked_directory_that_looks_like_a_bare_repository_is_neither_obeyed_nor_hidden(
    repository: Path, tmp_path: Path, canary: Canary
) -> None:
    forget_ignore_file(repository)
    clone = tmp_path / "clone"
    for place in ("d", "objects/info", "refs/heads"):
        (clone / "lib" / place).mkdir(parents=True)
    (clone / "lib/index").write_bytes((repository / ".git/index").read_bytes())
    (clone / "lib/HEAD").write_text("ref: refs/heads/main\n")
    for name in ("objects/info/keep", "refs/heads/keep", "d/tracked.py", "d/new.py", "main.py"):
        (clone / "lib" / name).write_text("x = 1\n")
    promise_objects(clone / "lib", canary)
    git(clone, "init", "-q")
    git(clone, "add", "-A", "-f")
    git(clone / "lib", "-c", "safe.bareRepository=all", "ls-files", "-o", "--exclude-standard", check=False)
    assert canary.sang, "git does run it, so that this test would see it"
    canary.trace.unlink()
    assert paths_of(clone) == ["lib/d/new.py", "lib/d/tracked.py", "lib/main.py"]
    assert paths_of(clone / "lib/d") == ["new.py", "tracked.py"]
    with pytest.raises(ConfigurationError, match="is a bare git repository"):
        paths_of(clone / "lib")
    assert not canary.sang


def set_up_filter(root: Path, program: str) -> None:
    (root / ".gitattributes").write_text("* filter=f diff=f merge=f text eol=crlf working-tree-encoding=UTF-16\n")
    for key in ("filter.f.clean", "filter.f.smudge", "filter.f.process", "diff.f.textconv", "diff.f.command", "merge.f.driver"):
        git(root, "config", key, program)


def set_up_hooks(root: Path, program: str) -> None:
    (root / ".git/hooks").mkdir(exist_ok=True)
    for name in ("fsmonitor-watchman", "post-index-change", "post-checkout", "pre-commit", "reference-transaction", "query-watchman"):
        (root / ".git/hooks" / name).symlink_to(program)
    git(root, "config", "core.hooksPath", str(root / ".git/hooks"))


def set_up_submodule(root: Path, program: str) -> None:
    (root / ".gitmodules").write_text(f'[submodule "s"]\n\tpath = s\n\turl = ext::{program}\n\tupdate = !{program}\n')
    git(root, "config", "submodule.s.update", f"!{program}")
    git(root, "config", "submodule.s.url", f"ext::{program}")
    git(root, "config", "protocol.ext.allow", "always")
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},s")
    (root / "s").mkdir()


def set_up_include(root: Path, program: str) -> None:
    (root / "included").write_text(f"[core]\n\tfsmonitor = {program}\n")
    git(root, "config", "include.path", str(root / "included"))
    git(root, "config", f"includeIf.gitdir:{root}/.path", str(root / "included"))


def set_up_alternates(root: Path, program: str) -> None:
    (root / ".git/objects/info").mkdir(exist_ok=True)
    (root / ".git/objects/info/alternates").write_text("/nowhere/objects\n../../../outside\n")
    git(root, "config", "core.alternateRefsCommand", program)


def set_up_option(name: str) -> Callable[[Path, str], None]:
    def set_up(root: Path, program: str) -> None:
        git(root, "config", name, program)

    return set_up


ROADS: dict[str, Callable[[Path, str], None]] = {
    "filters and textconv by attributes": set_up_filter,
    "hooks": set_up_hooks,
    "submodule": set_up_submodule,
    "include": set_up_include,
    "alternates": set_up_alternates,
    **{
        option: set_up_option(option)
        for option in (
            *(
                "core.fsmonitor",
                "core.sshCommand",
                "core.pager",
                "core.editor",
                "core.askPass",
                "core.gitProxy",
                "core.alternateRefsCommand",
            ),
            *("credential.helper", "diff.external", "gpg.program", "alias.ls-files", "sequence.editor", "uploadpack.packObjectsHook"),
            *(
                "pager.ls-files",
                "interactive.diffFilter",
                "remote.origin.vcs",
                "trailer.x.command",
                "core.excludesFile",
                "core.attributesFile",
            ),
        )
    },
}
GIT_OBEYS = {"include", "core.fsmonitor"}


@pytest.mark.parametrize("road", ROADS)
def test_no_configuration_makes_a_program_run(repository: Path, canary: Canary, road: str) -> None:
    ROADS[road](repository, str(canary.program))
    if road in GIT_OBEYS:
        git(repository, "ls-files", "-o", check=False)
        assert canary.sang, "git does run it, so that this test would see it"
        canary.trace.unlink()
    expected = {"d/.gitignore", "d/new.py", "d/tracked.py"}
    assert expected <= set(paths_of(repository)) <= expected | {".gitattributes", ".gitmodules", "included"}
    assert not canary.sang


def test_no_variable_makes_a_program_run_or_leads_elsewhere(
    repository: Path, tmp_path: Path, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    for name in ("EXTERNAL_DIFF", "SSH_COMMAND", "SSH", "ASKPASS", "PAGER", "EDITOR", "SEQUENCE_EDITOR", "PROXY_COMMAND"):
        monkeypatch.setenv(f"GIT_{name}", str(canary.program))
    for name in ("DIR", "WORK_TREE", "INDEX_FILE", "OBJECT_DIRECTORY", "COMMON_DIR", "ALTERNATE_OBJECT_DIRECTORIES", "EXEC_PATH"):
        monkeypatch.setenv(f"GIT_{name}", str(other / ".git"))
    for name in ("CONFIG_GLOBAL", "CONFIG_SYSTEM"):
        monkeypatch.setenv(f"GIT_{name}", str(tmp_path / "config"))
    for name, value in {"COUNT": "1", "KEY_0": "core.fsmonitor", "VALUE_0": str(canary.program)}.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    program = canary.program
    (tmp_path / "config").write_text(f"[core]\n\tfsmonitor = {program}\n\texcludesFile = {tmp_path}/ignore-all\n")
    (tmp_path / "ignore-all").write_text("*\n")
    assert paths_of(repository) == ["d/.gitignore", "d/new.py", "d/tracked.py"]
    assert not canary.sang


def test_a_program_called_git_in_the_project_or_on_the_path_is_not_run(
    repository: Path, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "git").symlink_to(canary.program)
    monkeypatch.setenv("PATH", f"{repository}:{os.environ['PATH']}")
    assert paths_of(repository) == ["d/.gitignore", "d/new.py", "d/tracked.py"]
    assert not canary.sang
