"""Repositories that mean harm, made on this machine and unpacked on the appliance's."""

import base64
import io
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

from testinfra.host import Host

# Where the services may write: a program that ran would leave its mark here.
CANARY = "/var/lib/cocosearch/state/ran"
WORD = "def innocent_neighbour_of_{}():\n    return 1\n"


def _git(directory: Path, *arguments: str) -> None:
    identity = ("-c", "user.email=a@example.org", "-c", "user.name=a")
    subprocess.run(["git", "-C", str(directory), *identity, *arguments], check=True, capture_output=True)


def _promisor(worktree: str, program: str) -> str:
    return (
        f"[core]\n\trepositoryformatversion = 1\n\tbare = false\n\tworktree = {worktree}\n"
        "[extensions]\n\tpartialClone = origin\n"
        '[remote "origin"]\n\tpromisor = true\n\tpartialclonefilter = blob:none\n\turl = /nowhere\n'
        f'\tuploadpack = "{program}"\n'
    )


def _tree_with_ignore_file(root: Path) -> None:
    (root / "d").mkdir()
    (root / "d/.gitignore").write_text("*.o\n")
    (root / "d/a.py").write_text("x = 1\n")
    _git(root, "init", "--quiet", ".")
    _git(root, "add", "--all", "--force")


def _lazy_fetch(root: Path) -> None:
    """A blob that is missing has git fetch it from a "remote" whose program is the author's."""
    _tree_with_ignore_file(root)
    _git(root, "commit", "--quiet", "--message", "x")
    _git(root, "update-index", "--skip-worktree", "d/.gitignore")
    blob = subprocess.run(["git", "-C", str(root), "rev-parse", ":d/.gitignore"], check=True, capture_output=True, text=True).stdout.strip()
    (root / "d/.gitignore").unlink()
    (root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    (root / "d/new.py").write_text("y = 2\n")
    (root / ".git/config").write_text(_promisor("..", f"touch {CANARY}; false"))


def _looks_bare(root: Path) -> None:
    """A tracked directory that git takes for a bare repository."""
    made_elsewhere = root / "made"
    made_elsewhere.mkdir()
    _tree_with_ignore_file(made_elsewhere)
    _git(made_elsewhere, "update-index", "--skip-worktree", "d/.gitignore")
    lib = root / "lib"
    for directory in ("d", "objects/info", "refs/heads"):
        (lib / directory).mkdir(parents=True)
    (lib / "index").write_bytes((made_elsewhere / ".git/index").read_bytes())
    (lib / "HEAD").write_text("ref: refs/heads/main\n")
    for keep in ("objects/info/.keep", "refs/heads/.keep"):
        (lib / keep).touch()
    (lib / "d/new.py").write_text("y = 2\n")
    (lib / "config").write_text(_promisor(".", f"touch {CANARY}; false"))


def _hooks_and_filters(root: Path) -> None:
    """Every other configuration by which git runs a program."""
    (root / ".gitattributes").write_text("*.py filter=run diff=run merge=run\n")
    _git(root, "init", "--quiet", ".")
    program = f"touch {CANARY}; false"
    (root / ".git/config").write_text(
        f'[core]\n\tfsmonitor = "{program}"\n\tsshCommand = "{program}"\n\tpager = "{program}"\n\teditor = "{program}"\n'
        f'[filter "run"]\n\tclean = "{program}"\n\tsmudge = "{program}"\n\trequired = true\n[diff "run"]\n\ttextconv = "{program}"\n'
        f'[credential]\n\thelper = "!{program}"\n[include]\n\tpath = /etc/passwd\n'
    )
    for hook in ("post-index-change", "pre-commit", "post-checkout", "fsmonitor-watchman"):
        path = root / ".git/hooks" / hook
        path.write_text(f"#!/bin/sh\ntouch {CANARY}\n")
        path.chmod(0o755)


def _long_path(name: str) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        here = os.open(root, os.O_DIRECTORY)
        for _ in range(9):
            os.mkdir(name, dir_fd=here)
            here = os.open(name, os.O_DIRECTORY, dir_fd=here)
        with os.fdopen(os.open("g" * 55 + ".py", os.O_WRONLY | os.O_CREAT, dir_fd=here), "w") as stream:
            stream.write("x = 1\n")

    return make


def _endless_pattern(root: Path) -> None:
    (root / "cocosearch.yaml").write_text('exclude: ["*a*a*a*a*a*a*a*a*ab"]\n')
    (root / ".gitignore").write_text("*a*a*a*a*a*a*a*a*ab\n")
    (root / ("a" * 200)).write_text("x = 1\n")


def _deep(root: Path) -> None:
    (root / "a.rs").write_text("mod a{" * 40_000 + "}" * 40_000 + "\n")
    (root / "b.py").write_text("x = " + "(" * 200_000 + ")" * 200_000 + "\n")
    (root / "c.json").write_text("[" * 200_000 + "]" * 200_000 + "\n")


def _pipes(root: Path) -> None:
    _git(root, "init", "--quiet", ".")
    (root / ".git/info/exclude").unlink(missing_ok=True)
    for path in (".git/info/exclude", ".gitignore", "cocosearch.yaml", "data.py"):
        os.mkfifo(root / path)


def _leads_nowhere(root: Path) -> None:
    (root / ".git").write_text("gitdir: /nowhere\n")


def _links(root: Path) -> None:
    (root / "outside").symlink_to("/etc")
    (root / "passwd.py").symlink_to("/etc/passwd")
    (root / ".gitignore").symlink_to("/etc/passwd")


KINDS: dict[str, Callable[[Path], None]] = {
    "lazy-fetch": _lazy_fetch,
    "looks-bare": _looks_bare,
    "hooks-and-filters": _hooks_and_filters,
    "long-path": _long_path("d" * 50),
    "long-cjk-path": _long_path("深い場所にある目録" * 2),
    "endless-pattern": _endless_pattern,
    "deep": _deep,
    "pipes": _pipes,
    "leads-nowhere": _leads_nowhere,
    "links": _links,
}


def plant(host: Host, kind: str, here: Path, directory: str) -> None:
    """Make a hostile tree of a kind at `directory` on the appliance's machine; beside the harm there is an honest file."""
    (here / "ok.py").write_text(WORD.format(kind.replace("-", "_")))
    KINDS[kind](here)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(here, arcname=".", filter=_of_nobody)
    host.check_output("mkdir --parents %s", directory)
    host.check_output(
        "printf %%s %s | base64 --decode | tar --extract --gzip --directory %s", base64.b64encode(packed.getvalue()).decode(), directory
    )


def _of_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 65534
    member.mode |= 0o755 if member.isdir() else 0o644
    return member
