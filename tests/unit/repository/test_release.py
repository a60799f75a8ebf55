"""What the role installs as a release: the packages of the lock file, and a source archive named after its contents."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
ROLES = REPOSITORY / "roles"


@pytest.mark.parametrize(("name", "extra"), [("requirements.lock", []), ("requirements-embedded.lock", ["--extra=embedded"])])
def test_the_requirements_are_those_of_the_lock_file(name: str, extra: list[str]) -> None:
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "export", "--frozen", "--quiet", "--no-dev", "--no-emit-project", "--group=build", "--no-header", *extra]
    exported = subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPOSITORY).stdout
    assert (ROLES / "cocosearch" / "files" / name).read_text(encoding="utf-8") == exported, "out of date: run `make lock`"


def test_the_same_sources_are_the_same_archive(tmp_path: Path) -> None:
    """A release is named after its contents: times, modes and left-overs of a run must not make another one."""

    def pack(name: str, *, when: int, body: str = "x = 1\n") -> str:
        checkout = tmp_path / name
        (checkout / "src" / "cocosearch" / "__pycache__").mkdir(parents=True)
        for file in ("pyproject.toml", "README.md", "LICENSE", "src/cocosearch/b.py", "src/cocosearch/a.sql"):
            (checkout / file).write_text(body if file.endswith(".py") else file, encoding="utf-8")
            os.utime(checkout / file, (when, when))
        (checkout / "src" / "cocosearch" / "__pycache__" / "b.pyc").write_bytes(str(when).encode())
        (checkout / "src" / "cocosearch" / "b.py").chmod(0o600 if when else 0o644)
        packer = ROLES / "cocosearch" / "files" / "pack_source.py"
        command = [sys.executable, str(packer), str(checkout), str(tmp_path / f"{name}.tar")]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    first = pack("first", when=0)
    assert re.fullmatch(r"[0-9a-f]{64}\n", first)
    assert pack("second", when=1_000_000_000) == first
    assert pack("third", when=0, body="x = 2\n") != first
