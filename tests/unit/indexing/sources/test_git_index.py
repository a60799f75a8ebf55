"""The index file: every form that git writes, and forged ones."""

import contextlib
import hashlib
import os
import random
import struct
from pathlib import Path

import pytest
from tests.unit.indexing.sources.trees import git

from cocosearch.indexing.sources import git_index
from cocosearch.indexing.sources.git_index import Tracked, TrackedKind, UnreadableIndexError, read_tracked

LONG = "x" * 200
PATHS = ("a", f"{LONG}/b", f"{LONG}/c/d", f"{LONG}/c/e", f"{LONG}{'y' * 50}/z", "é/日本", "z\n", "zz")


def flat(tracked: Tracked, above: str = "") -> set[str]:
    found: set[str] = set()
    for name, inside in tracked.items():
        found |= flat(inside, f"{above}{name}/") if isinstance(inside, dict) else {above + name}
    return found


def no_shared(name: str) -> bytes:
    raise AssertionError(name)


def index_of(root: Path) -> set[str]:
    git_directory = root / ".git"
    return flat(read_tracked((git_directory / "index").read_bytes(), lambda name: (git_directory / f"sharedindex.{name}").read_bytes()))


def by_git(root: Path) -> set[str]:
    return {os.fsdecode(path) for path in git(root, "ls-files", "-z").split(b"\0")[:-1]}


def make(root: Path, *options: str) -> Path:
    root.mkdir()
    git(root, "init", "-q", *options)
    for path in PATHS:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    git(root, "add", "-A")
    return root


@pytest.mark.parametrize("options", [(), ("--object-format=sha256",)])
@pytest.mark.parametrize("version", ["2", "3", "4"])
@pytest.mark.parametrize("skip_hash", ["false", "true"])
@pytest.mark.parametrize("split", [False, True])
def test_every_form_is_read(tmp_path: Path, options: tuple[str, ...], version: str, skip_hash: str, split: bool) -> None:
    root = make(tmp_path / "root", *options)
    git(root, "config", "index.skipHash", skip_hash)
    git(root, "update-index", "--index-version", version)
    git(root, "update-index", "--skip-worktree", "a")
    if split:
        git(root, "update-index", "--split-index")
        git(root, "rm", "-q", "--cached", "zz", f"{LONG}/b")
        (root / "a").write_text("changed")
        (root / "new").write_text("new")
        git(root, "add", "new", f"{LONG}/c/e")
        (root / "é/日本").write_text("changed")
        git(root, "add", "é/日本")
        assert list((root / ".git").glob("sharedindex.*"))
    assert index_of(root) == by_git(root)
    assert "a" in index_of(root)


def test_a_conflict_is_one_path_and_a_submodule_is_told_apart(tmp_path: Path) -> None:
    root = make(tmp_path / "root")
    blob = git(root, "hash-object", "-w", "a").decode().strip()
    stages = "".join(f"100644 {blob} {stage}\tboth\n" for stage in (1, 2, 3))
    git(root, "update-index", "--index-info", stdin=f"0 {'0' * 40}\tboth\n{stages}160000 {'1' * 40}\tsub/module\n".encode())
    tracked = read_tracked((root / ".git/index").read_bytes(), no_shared)
    assert tracked["both"] is TrackedKind.FILE
    assert tracked["sub"] == {"module": TrackedKind.SUBMODULE}


def test_a_sparse_index_leaves_out_what_is_not_checked_out(tmp_path: Path) -> None:
    root = make(tmp_path / "root")
    git(root, "commit", "-qm", "x")
    git(root, "sparse-checkout", "init", "--cone", "--sparse-index")
    git(root, "sparse-checkout", "set", "é")
    assert index_of(root) == {"a", "é/日本", "z\n", "zz"}


def sealed(body: bytes) -> bytes:
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


def entry(path: bytes, dropped: bytes = b"") -> bytes:
    fixed = bytes(24) + struct.pack(">L", 0o100644) + bytes(12) + bytes(20) + struct.pack(">H", min(len(path), 0xFFF))
    if dropped:
        return fixed + dropped + path + b"\0"
    whole = fixed + path
    return whole + bytes(8 - len(whole) % 8)


def index(version: int, *entries: bytes, extensions: bytes = b"") -> bytes:
    return sealed(b"DIRC" + struct.pack(">LL", version, len(entries)) + b"".join(entries) + extensions)


@pytest.mark.parametrize("path", [b"../x", b"/etc/passwd", b"a/../b", b".git/config", b"a/.GIT/x", b"a//b", b"a/", b".", b"", b"./a"])
def test_names_that_no_honest_index_holds_are_left_out(path: bytes) -> None:
    assert flat(read_tracked(index(2, entry(path), entry(b"fine")), no_shared)) == {"fine"}


def test_a_path_below_a_tracked_file_is_left_out() -> None:
    assert flat(read_tracked(index(2, entry(b"a"), entry(b"a/b"), entry(b"a/b/c")), no_shared)) == {"a"}


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"DIRC", b"DIRC" + struct.pack(">LL", 2, 1)),
        *(sealed(b"DIRX" + bytes(8)), index(1), index(5), index(2, entry(b"a"))[:-30], sealed(index(2, entry(b"a"))[:40])),
        sealed(b"DIRC" + struct.pack(">LL", 2, 2**32 - 1)),
        sealed(b"DIRC" + struct.pack(">LL", 4, 2**32 - 1) + entry(b"x" * 4000, b"\0") * 50),
        index(4, entry(b"a", b"\x05")),
        index(4, entry(b"a", b"\xff" * 30)),
        index(2, entry(b"a" * 5000)),
        index(2, entry(b"a"), extensions=b"link" + struct.pack(">L", 3) + b"abc"),
        index(2, entry(b"a"), extensions=b"newx" + struct.pack(">L", 0)),
        index(2, entry(b"a"), extensions=b"TREE" + struct.pack(">L", 2**31)),
    ],
)
def test_a_damaged_index_is_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(UnreadableIndexError, match=r"^it"):
        read_tracked(data, no_shared)


def test_paths_that_grow_with_every_entry_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """In version 4 an entry adds to the path before it: few bytes, long paths."""
    monkeypatch.setattr(git_index, "MAX_TRACKED_BYTES", 100_000)
    with pytest.raises(UnreadableIndexError, match="too long"):
        read_tracked(index(4, *(entry(b"x", b"\0") for _ in range(1000))), no_shared)


def test_a_forged_bitmap_of_a_split_index_costs_nothing() -> None:
    bitmap = struct.pack(">LLQL", 2**32 - 1, 1, 1 | (2**32 - 1) << 1, 0)
    link = bytes(20) + bitmap + struct.pack(">LLL", 0, 0, 0)
    data = index(2, entry(b"a"), extensions=b"link" + struct.pack(">L", len(link)) + link)
    with pytest.raises(UnreadableIndexError, match="shared index is damaged"):
        read_tracked(data, lambda _: index(2, entry(b"b")))


@pytest.mark.parametrize("seed", range(300))
def test_changed_bytes_never_raise_anything_else(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - bytes that can be made again
    link = bytes(20) + struct.pack(">LLQQL", 2, 2, 2 << 33, 1, 0) * 2
    extension = b"link" + struct.pack(">L", len(link)) + link if chance.random() < 0.5 else b""
    version = chance.choice((2, 3, 4))
    entries = [entry(f"d/{number}".encode(), b"\0" if version > 3 else b"") for number in range(5)]
    data = bytearray(index(version, *entries, extensions=extension)[:-20])
    for _ in range(chance.randint(1, 6)):
        data[chance.randrange(len(data))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    cut = bytes(data[: chance.randint(len(data) // 2, len(data))] if chance.random() < 0.3 else data)
    with contextlib.suppress(UnreadableIndexError):
        read_tracked(sealed(cut), lambda _: index(2, entry(b"s")))


def test_an_index_of_nothing_but_directories_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_index, "MAX_DIRECTORIES", 1000)
    data = index(2, *(entry(b"%d/" % number + b"d/" * 50 + b"x") for number in range(30)))
    with pytest.raises(UnreadableIndexError, match="more than 1000 directories"):
        read_tracked(data, no_shared)
