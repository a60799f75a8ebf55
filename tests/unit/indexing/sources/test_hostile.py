"""Trees that want to do harm: listing them ends with a listing or a sentence, and names nothing but files of the project.

FUZZ_ROUNDS=5000 FUZZ_SEED=1 makes a long run of it.
"""

import os
import random
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.indexing.sources.trees import TreeMaker, git

from cocosearch.errors import CocosearchError, IndexingError
from cocosearch.indexing.sources import walk
from cocosearch.indexing.sources.content import read_text
from cocosearch.indexing.sources.listing import Listing, SkipReason, list_files
from cocosearch.projects import load_project
from cocosearch.settings import Settings

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "60"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
OUTSIDE = "word_from_outside"


class Spoiler:
    """Does something odd to a tree, by a seed."""

    def __init__(self, chance: random.Random, root: Path, outside: Path) -> None:
        self.chance = chance
        self.root = root
        self.outside = outside

    def spoil(self) -> None:
        deeds: tuple[Callable[[], None], ...] = (
            *(self.change_bytes, self.replace_something, self.write_git_file, self.write_noise, self.write_configuration),
            *(self.dig, self.use_odd_names, self.look_bare, self.add_links, self.nest),
        )
        for _ in range(self.chance.randint(1, 6)):
            self.chance.choice(deeds)()

    def _directory(self) -> Path:
        found = [Path(above) for above, _, _ in os.walk(self.root) if len(above) < 3000]
        return self.chance.choice(found)

    def change_bytes(self) -> None:
        """Of the index, HEAD, or whatever else git has."""
        within = ((above, name) for above, _, names in os.walk(self.root / ".git") if len(above) < 3000 for name in names)
        files = [path for path in (Path(above, name) for above, name in within) if path.is_file() and not path.is_symlink()]
        if not files:
            return
        path = self.chance.choice([*files, *[path for path in files if path.name == "index"] * 20])
        data = bytearray(path.read_bytes()) or bytearray(1)
        for _ in range(self.chance.randint(1, 20)):
            data[self.chance.randrange(len(data))] = self.chance.choice((0, 1, 0x2F, 0x80, 0xFF, self.chance.randrange(256)))
        path.chmod(0o644)
        path.write_bytes(data[: self.chance.randint(0, len(data))] if self.chance.random() < 0.3 else data)

    def replace_something(self) -> None:
        """By a thing of another kind."""
        paths = [self.root / name for name in (".git", ".git/index", ".git/info", ".git/info/exclude", ".git/HEAD", ".gitignore")]
        path = self.chance.choice([*paths, self._directory() / ".gitignore", self._directory() / "a", self.root / "cocosearch.yaml"])
        if not path.parent.is_dir():
            return
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        kind = self.chance.randrange(6)
        if kind == 0:
            os.mkfifo(path)
        elif kind == 1:
            path.mkdir()
        elif kind == 2:
            path.symlink_to(self.chance.choice((self.outside, self.outside / "f.py", "/", "/dev/zero", path.name, "..", "a")))
        elif kind == 3 and len(str(path)) < 100:
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(str(path))
        elif kind == 4:
            with path.open("wb") as stream:
                stream.truncate(self.chance.choice((1 << 20, 1 << 29)))

    def write_git_file(self) -> None:
        path = self._directory() / ".git"
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        targets = (
            *(".", "..", "/", "/etc", "nowhere", "x" * 5000, "a/" * 3000, "\n", "\0", str(self.outside), f"{self.outside}/.git", "../.git"),
            *(f"{self.outside}/.git/worktrees/w", f"{self.outside}/.git/modules/m", f"{self.root}/.git", f"{self.root}/.git/modules/a"),
        )
        path.write_text(self.chance.choice(("gitdir: ", "gitdir: ", "gitdir:", "")) + self.chance.choice(targets) + "\n")

    def write_noise(self) -> None:
        path = self.chance.choice((self._directory() / ".gitignore", self.root / ".git/info/exclude"))
        if path.parent.is_dir() and (path.is_file() or not os.path.lexists(path)):
            lines = (self.chance.randbytes(self.chance.choice((0, 3, 30, 3000))) for _ in range(self.chance.choice((1, 30))))
            path.write_bytes(b"\n".join(lines))

    def write_configuration(self) -> None:
        path = self.root / "cocosearch.yaml"
        if path.is_file() or not os.path.lexists(path):
            patterns = [TreeMaker(self.chance.randrange(1 << 30)).pattern() for _ in range(self.chance.randint(0, 3))]
            key = self.chance.choice(("include", "exclude", "name", "chunk_size"))
            path.write_text(f"{key}: {patterns}\n", errors="replace")

    def dig(self) -> None:
        """Directories in directories, until no program could name what is in them."""
        at = os.open(self._directory(), os.O_RDONLY)
        for _ in range(self.chance.choice((20, 400))):
            try:
                os.mkdir("d" * 12, dir_fd=at)
            except FileExistsError:
                break
            below = os.open("d" * 12, os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
        os.close(os.open("leaf", os.O_CREAT | os.O_WRONLY, dir_fd=at))
        os.close(at)

    def use_odd_names(self) -> None:
        directory = self._directory()
        names = (
            b"\xff\xfe",
            b"n" * 255,
            "é".encode() * 127,
            b"\n",
            b"\x1b[2J",
            b"a\\",
            b" ",
            b"-rf",
            b".GIT",
            b".Git",
            b"...",
            b"\xc0\xaf",
            b"*",
        )
        for name in self.chance.sample(names, 4):
            path = os.path.join(os.fsencode(directory), name)  # noqa: PTH118 - bytes
            if not os.path.lexists(path) and len(path) < 3000:
                if self.chance.random() < 0.5:
                    os.mkdir(path)  # noqa: PTH102
                    path += b"/config"
                with open(path, "wb") as stream:  # noqa: PTH123
                    stream.write(b"text\n")

    def look_bare(self) -> None:
        directory = self._directory()
        for name in ("objects", "refs"):
            (directory / name).mkdir(exist_ok=True) if not os.path.lexists(directory / name) else None
        for name in ("HEAD", "config", "commondir"):
            if not os.path.lexists(directory / name):
                (directory / name).write_text("ref: refs/heads/main\n")

    def add_links(self) -> None:
        directory = self._directory()
        for name, target in {"out": self.outside, "etc": Path("/etc"), "root": self.root, "up": Path("..")}.items():
            if not os.path.lexists(directory / name):
                (directory / name).symlink_to(target)

    def nest(self) -> None:
        inside = self._directory() / "nest"
        if ".git" not in inside.parts and len(str(inside)) < 1000 and not os.path.lexists(inside):
            TreeMaker(self.chance.randrange(1 << 30)).make(inside)


def check(root: Path, listing: Listing) -> None:
    assert set(listing.skipped) <= set(SkipReason)
    assert len(listing.notes) <= 6
    listing.digest()
    for file in listing.files:
        parts = file.path.split("/")
        assert not {"", ".", ".."} & set(parts)
        assert ".git" not in {part.lower() for part in parts}
        for number in range(1, len(parts)):
            assert stat.S_ISDIR(os.lstat(root / "/".join(parts[:number])).st_mode)
        assert stat.S_ISREG(os.lstat(root / file.path).st_mode)
        assert OUTSIDE not in read_text(root, file.path, 10_000)


def remove(directory: Path) -> None:
    """Also what is deeper than Python's own removal can go."""
    subprocess.run(["rm", "-rf", "--", str(directory)], check=True)


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_a_hostile_tree_ends_in_a_listing_or_a_sentence(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - trees that can be made again
    outside = tmp_path / "outside"
    (outside / "sub").mkdir(parents=True)
    git(outside, "init", "-q")
    for path in ("f.py", "sub/a"):
        (outside / path).write_text(f"{OUTSIDE}\n")
    root = tmp_path / "root"
    TreeMaker(seed).make(root)
    Spoiler(chance, root, outside).spoil()
    sentences: list[str] = []
    try:
        for _ in range(2):
            try:
                check(root, list_files(load_project(root), Settings()))
            except CocosearchError as error:
                sentences.append(str(error))
    finally:
        remove(tmp_path)
    assert all(len(sentence) > 20 for sentence in sentences)


def test_a_listing_that_takes_too_long_ends_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2000):
        (tmp_path / f"{number}.log").write_text("x")
    (tmp_path / ".gitignore").write_text("*.log\n")
    monkeypatch.setattr(walk, "MAX_SECONDS", 0.01)
    slow = os.scandir

    def slow_scandir(descriptor: int) -> object:
        time.sleep(0.02)
        return slow(descriptor)

    monkeypatch.setattr(os, "scandir", slow_scandir)
    with pytest.raises(IndexingError, match=r"was ended after 0\.01 s.*The existing index is kept"):
        list_files(load_project(tmp_path), Settings())


def test_a_project_of_too_many_files_is_not_walked_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3000):
        (tmp_path / f"{number}.py").write_text("x")
    seen: list[str] = []

    class Entries:
        def __init__(self, descriptor: int) -> None:
            self.entries = scandir(descriptor)

        def __enter__(self) -> "Entries":
            return self

        def __exit__(self, *_: object) -> None:
            self.entries.close()

        def __iter__(self) -> object:
            for entry in self.entries:
                seen.append(entry.name)
                yield entry

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", Entries)
    with pytest.raises(IndexingError, match="more than 100 files"):
        list_files(load_project(tmp_path), Settings(max_project_files=100))
    assert len(seen) == 101


def test_directories_deeper_than_any_path_are_counted(tmp_path: Path) -> None:
    at = os.open(tmp_path, os.O_RDONLY)
    for _ in range(5000):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    (tmp_path / "a.py").write_text("x")
    try:
        found = list_files(load_project(tmp_path), Settings())
        assert [file.path for file in found.files] == ["a.py"]
        assert found.skipped == {SkipReason.PATH_TOO_LONG: 1}
    finally:
        remove(tmp_path)


def test_very_many_ignore_rules_are_bounded_and_noted(tmp_path: Path) -> None:
    place = tmp_path
    for depth in range(4):
        place = place / f"d{depth}"
        place.mkdir()
        (place / ".gitignore").write_text("".join(f"*{number}x{depth}\n" for number in range(9000)))
        (place / "a.py").write_text("x")
        (place / f"11x{depth}").write_text("x")
    found = list_files(load_project(tmp_path), Settings())
    assert [file.path for file in found.files if not file.path.endswith((".py", ".gitignore"))] == ["d0/d1/d2/11x2", "d0/d1/d2/d3/11x3"]
    assert len(found.notes) == 2
    assert "more than 20000 patterns" in found.notes[0]
