"""Random trees for the tests of listing, and what git itself lists of them."""

import os
import random
import stat
import subprocess
from pathlib import Path

NAMES = (
    "a",
    "b",
    "c",
    "ab",
    "ba",
    "abc",
    "a.b",
    ".a",
    "b.c",
    "x y",
    "é",
    "[a]",
    "a*",
    "\\",
    "-",
    "!b",
    "#c",
    "a\n",
    "\t",
    ".GITIGNORE",
    "ac ",
)
RAW_NAMES = (b"\xff", b"a\xe9")
PATTERN_PARTS = (
    *("a", "b", "c", "ab", ".", "*", "**", "?", "/", "/", "*.b", "a*", "*c", "[ab]", "[!a]", "[^b]", "[a-c]", "[]a]", "[[:alpha:]]", "[a-"),
    *("[[:x:]]", "\\", "\\*", " ", "\\ ", "é", "[é]", "!", "#", "***", "**/", "/**", "-", "\r", "\0", "[\\]a]", "[[:]", "\ufeff", "\t"),
)


def git(directory: Path, *arguments: str, stdin: bytes | None = None, check: bool = True) -> bytes:
    """Run git without anybody's configuration."""
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    environment = {**os.environ, **identity, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_TEMPLATE_DIR": ""}
    done = subprocess.run(["git", "-C", str(directory), *arguments], capture_output=True, check=check, env=environment, input=stdin)
    return done.stdout


def listed_by_git(root: Path) -> set[str]:
    """Non-empty regular files that git lists, and those of the repositories that it names as one entry, seen from within each."""
    found: set[str] = set()
    for entry in git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split(b"\0"):
        path = os.fsdecode(entry).removesuffix("/")
        full = root / path
        if not path or _has_link_above(root, path):
            continue
        try:
            info = os.lstat(full)
        except (FileNotFoundError, NotADirectoryError):
            continue
        if stat.S_ISREG(info.st_mode) and info.st_size:
            found.add(path)
        elif stat.S_ISDIR(info.st_mode) and (full / ".git").exists():
            found.update(f"{path}/{inside}" for inside in listed_by_git(full))
    return {path for path in found if _is_utf8(path)}


def _has_link_above(root: Path, path: str) -> bool:
    parts = path.split("/")[:-1]
    return any((root / "/".join(parts[:number])).is_symlink() for number in range(1, len(parts) + 1))


def _is_utf8(path: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in path)


class TreeMaker:
    """Makes one work tree after another, from a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - trees that can be made again

    def make(self, root: Path, *, nested: bool = True) -> None:
        """A work tree with ignore files, tracked files in odd states, and other repositories in it."""
        chance = self.chance
        root.mkdir(parents=True, exist_ok=True)
        git(root, "init", "-q", *(["--object-format=sha256"] if chance.random() < 0.1 else []))
        self._fill(root, 0)
        (root / ".git/info").mkdir(exist_ok=True)
        if chance.random() < 0.5:
            (root / ".git/info/exclude").write_bytes(self.ignore_file())
        if nested and chance.random() < 0.5:
            self._add_repository(root)
        self._track(root)

    def _fill(self, directory: Path, depth: int) -> None:
        chance = self.chance
        for _ in range(chance.randint(1, 6)):
            name = os.fsdecode(chance.choice(RAW_NAMES)) if chance.random() < 0.03 else chance.choice(NAMES)
            path = directory / name
            if os.path.lexists(path):
                continue
            kind = chance.random()
            if kind < 0.35 and depth < 4:
                path.mkdir()
                self._fill(path, depth + 1)
            elif kind < 0.4:
                path.symlink_to(chance.choice(("a", "..", "/etc", "nowhere", "b")))
            elif kind < 0.42:
                os.mkfifo(path)
            else:
                path.write_text("text\n")
        if chance.random() < 0.5:
            (directory / ".gitignore").write_bytes(self.ignore_file())

    def ignore_file(self) -> bytes:
        """Lines that are patterns, or nearly."""
        lines = (self.pattern() for _ in range(self.chance.choice((0, 1, 2, 3, 5, 80))))
        ending = self.chance.choice(("\n", "\n", "\r\n"))
        return (self.chance.choice(("", "", "\ufeff")) + ending.join(lines) + self.chance.choice(("", "\n"))).encode()

    def pattern(self) -> str:
        """A pattern, or nearly."""
        chance = self.chance
        if chance.random() < 0.5:
            names = "/".join(chance.choice((*NAMES, "*", "**", "a*", "?")) for _ in range(chance.choice((1, 1, 2, 3))))
            return chance.choice(("", "", "!")) + chance.choice(("", "/")) + names + chance.choice(("", "", "/", "/**", " "))
        return "".join(chance.choices(PATTERN_PARTS, k=chance.randint(1, 6)))

    def _add_repository(self, root: Path) -> None:
        """A repository inside, a broken one, or one that is an entry of the index around."""
        chance = self.chance
        directories = [path for path in root.rglob("*") if path.is_dir() and not path.is_symlink() and ".git" not in path.parts]
        if not directories:
            return
        inside = chance.choice(directories)
        kind = chance.random()
        if kind < 0.2:
            (inside / ".git").mkdir()
        elif kind < 0.3:
            (inside / ".git").write_text(chance.choice(("", "gitdir: nowhere\n", "gitdir: .\n", "x")))
        elif kind < 0.4:
            git(inside, "init", "-q")
            (inside / ".git/HEAD").write_text(chance.choice(("", "nothing\n", "ref: elsewhere\n")))
        else:
            TreeMaker(chance.randrange(1 << 30)).make(inside, nested=False)
            if kind < 0.6:
                git(inside, "commit", "-q", "--allow-empty", "-m", "x")
                git(root, "add", "-f", "--", os.fspath(inside.relative_to(root)), check=False)

    def _track(self, root: Path) -> None:
        chance = self.chance
        version = chance.choice(("2", "2", "3", "4", "4"))
        git(root, "-c", f"index.version={version}", "read-tree", "--empty", check=False) if chance.random() < 0.2 else None
        others = [path for path in git(root, "ls-files", "-z", "--others").split(b"\0") if path and not path.endswith(b"/")]
        tracked = [path for path in others if chance.random() < 0.4]
        git(
            root,
            "--literal-pathspecs",
            "add",
            "-f",
            "--pathspec-from-file=-",
            "--pathspec-file-nul",
            stdin=b"\0".join(tracked),
            check=False,
        )
        git(root, "update-index", "--index-version", version, check=False)
        if tracked and chance.random() < 0.3:
            gone = root / os.fsdecode(chance.choice(tracked))
            gone.unlink(missing_ok=True)
            if chance.random() < 0.3:
                gone.mkdir()
                (gone / "a").write_text("text\n")
        if tracked and chance.random() < 0.2:
            git(root, "update-index", "-z", "--skip-worktree", "--stdin", stdin=chance.choice(tracked), check=False)
        if chance.random() < 0.2:
            git(root, "update-index", "--split-index", check=False)
            later = [path for path in others if chance.random() < 0.2]
            git(root, "update-index", "-z", "--add", "--stdin", stdin=b"\0".join(later), check=False)
            removed = [path for path in tracked if chance.random() < 0.3]
            git(root, "update-index", "-z", "--force-remove", "--stdin", stdin=b"\0".join(removed), check=False)
