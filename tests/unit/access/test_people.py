"""Whose right to read decides, on real directories with real users: root alone can be somebody else for a moment."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cocosearch.access.people import MAX_DEPTH, Person, act_as, first_closed, open_directory

CALLER = Person("caller", 40_001, 40_001, (40_001, 40_100))
SERVICE = Person("service", 40_002, 40_002, (40_002,))
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as others")
pytestmark = needs_root


@pytest.fixture(autouse=True)
def groups() -> Iterator[None]:
    """This process's own groups are as before afterwards."""
    before = os.getgroups()
    yield
    os.setgroups(before)


@pytest.fixture
def tree() -> Iterator[Path]:
    """A directory that everybody can reach."""
    root = Path(tempfile.mkdtemp(prefix="cocosearch-people-"))
    root.chmod(0o755)
    yield root
    shutil.rmtree(root)


def make(path: Path, owner: Person, mode: int, *, group: int | None = None, content: str | None = None) -> Path:
    """A directory, or a file where there is content."""
    if content is None:
        path.mkdir()
    else:
        path.write_text(content)
    os.chown(path, owner.user_id, owner.group_id if group is None else group)
    path.chmod(mode)
    return path


def closed(root: Path) -> str | None:
    directory = open_directory(str(root), CALLER)
    try:
        return first_closed(directory, CALLER, SERVICE)
    finally:
        os.close(directory)
        assert (os.geteuid(), os.getegid(), os.getgroups()) == (0, 0, [])


def test_what_is_open_is_open(tree: Path) -> None:
    make(tree / "own", CALLER, 0o700)
    make(tree / "own" / "file", CALLER, 0o600, content="x")
    make(tree / "by-group", SERVICE, 0o750, group=40_100)
    make(tree / "by-group" / "file", SERVICE, 0o640, group=40_100, content="x")
    make(tree / "everybody", SERVICE, 0o755)
    assert closed(tree) is None


@pytest.mark.parametrize(
    ("mode", "content"),
    [(0o700, None), (0o711, None), (0o744, None), (0o600, "x")],
    ids=["closed", "may be entered", "may be listed", "file"],
)
def test_what_only_the_service_can_read_is_named(tree: Path, mode: int, content: str | None) -> None:
    make(tree / "a", CALLER, 0o755)
    entry = make(tree / "a" / "b", SERVICE, mode, content=content)
    if content is None:
        make(entry / "c", SERVICE, 0o644, content="x")
    assert closed(tree) == ("a/b/c" if mode == 0o744 else "a/b")


def test_what_neither_can_read_is_passed_over(tree: Path) -> None:
    stranger = Person("stranger", 40_003, 40_003, (40_003,))
    make(make(tree / "data", stranger, 0o700) / "file", stranger, 0o644, content="x")
    make(tree / "file", stranger, 0o600, content="x")
    assert closed(tree) is None


def test_links_pipes_and_sockets_are_not_opened(tree: Path) -> None:
    target = make(tree / "elsewhere", SERVICE, 0o755)
    make(target / "secret", SERVICE, 0o600, content="x")
    project = make(tree / "project", CALLER, 0o755)
    (project / "link").symlink_to(target)
    (project / "file").symlink_to(target / "secret")
    os.mkfifo(project / "pipe")
    assert closed(project) is None


def test_a_directory_that_is_closed_is_not_opened(tree: Path) -> None:
    make(tree / "closed", SERVICE, 0o700)
    (tree / "link").symlink_to("closed")
    for path in (tree / "closed", tree / "link", tree / "closed" / ".." / "closed"):
        with pytest.raises(PermissionError):
            open_directory(str(path), CALLER)
    assert os.geteuid() == 0


@pytest.mark.parametrize("name", ["-rf", "two\nlines", "\udcff", " "])
def test_names_may_be_anything(tree: Path, name: str) -> None:
    make(tree / name, SERVICE, 0o700)
    assert closed(tree) == name


def test_a_deep_tree_ends_in_a_sentence(tree: Path) -> None:
    directory = os.open(tree, os.O_RDONLY)
    for _ in range(MAX_DEPTH + 2):
        os.mkdir("d", dir_fd=directory)
        below = os.open("d", os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = below
    os.close(directory)
    code = f"""
import os, resource
from tests.unit.access.test_people import CALLER, SERVICE, first_closed, open_directory
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
first_closed(open_directory({str(tree)!r}, CALLER), CALLER, SERVICE)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == f"OSError: [Errno 36] directories are nested more than {MAX_DEPTH} deep"
    subprocess.run(["rm", "-rf", str(tree / "d")], check=True)


def test_the_person_can_neither_trace_nor_end_the_judge() -> None:
    """Whoever could would write the verdict."""
    code = """
import os, sys
from tests.unit.access.test_people import CALLER, act_as
act_as(CALLER)
print(os.getpid(), flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as judge:
        assert judge.stdout is not None
        number = judge.stdout.readline().strip()
        attack = f"kill -KILL {number} && echo ended; head -c1 /proc/{number}/mem && echo traced; cat /proc/{number}/environ && echo read"
        person = ["setpriv", f"--reuid={CALLER.user_id}", f"--regid={CALLER.group_id}", "--clear-groups", "sh", "-c", attack]
        done = subprocess.run(person, capture_output=True, text=True, check=False, cwd="/")
        assert done.stdout == ""
        assert judge.poll() is None
        judge.communicate("")
    assert judge.returncode == 0


def test_acting_ends_where_it_began() -> None:
    act_as(CALLER)
    act_as(SERVICE)
    act_as(None)
    assert (os.geteuid(), os.getegid()) == (0, 0)
