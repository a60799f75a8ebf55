"""However a script of a user ends, the last that it says is a sentence, and the exit status tells the kind."""

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
HOST = REPOSITORY / "tools" / "host.sh"
# A program of ours as other files name it: from the root, or below a variable that holds the root.
PROGRAM = re.compile(r"(?:(?<![\w/.-])|\}\}/|\$repository/|\}/)((?:scripts|tools)/[a-z][\w.-]*\w)")
# What MCP calls its own methods.
MCP_METHODS = {"tools/call", "tools/list"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The scripts in a directory of their own: they make their cache beside themselves."""
    (tmp_path / "checkout").mkdir()
    for name in ("scripts", "tools"):
        (tmp_path / "checkout" / name).symlink_to(REPOSITORY / name)
    return tmp_path / "checkout"


def script(tmp_path: Path, body: str) -> Path:
    file = tmp_path / "scripts" / "sample"
    file.parent.mkdir()
    (file.parent / "host.sh").write_text(HOST.read_text())
    file.write_text(f'#!/usr/bin/env bash\nset -euo pipefail\nsource "$(dirname "${{BASH_SOURCE[0]}}")/host.sh"\n{body}\n')
    file.chmod(0o755)
    return file


def program(directory: Path, name: str, body: str) -> None:
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"#!/bin/sh\n{body}\n")
    (directory / name).chmod(0o755)


def run(file: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([file, *arguments], capture_output=True, text=True, check=False, timeout=120, env={**os.environ, **environment})


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ("false", 1, "error: sample ended with exit status 1; the reason stands above."),
        ("work() { ls /nowhere/at/all; }; main() { work; }; main", 2, "error: sample ended with exit status 2; the reason stands above."),
        ('stop "there is no cheese."', 1, "error: there is no cheese."),
        ('found=$(stop "there is no cheese."); echo "$found"', 1, "error: sample ended with exit status 1; the reason stands above."),
        (
            'need_space /var/tmp/nothing/here 9000000 "a very large thing"',
            1,
            "error: a very large thing needs 9000000 GiB below /var/tmp, ",
        ),
        ("echo fine", 0, ""),
    ],
)
def test_every_end_is_a_sentence(tmp_path: Path, body: str, status: int, sentence: str) -> None:
    done = run(script(tmp_path, body))
    assert done.returncode == status
    last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else ""
    assert last.startswith(sentence)
    assert bool(last) is bool(sentence)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_is_said(tmp_path: Path, number: signal.Signals, status: int) -> None:
    file = script(tmp_path, "echo started; sleep 60")
    # A session of its own, as a terminal has: Ctrl-C reaches the script and what it runs.
    with subprocess.Popen([file], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        time.sleep(0.2)  # the child that is signalled too
        os.killpg(process.pid, number)
        _, error = process.communicate(timeout=60)
    assert process.returncode == status
    assert "error: sample was interrupted." in error


def test_try_says_that_the_port_is_taken(checkout: Path, tmp_path: Path) -> None:
    engine = tmp_path / "bin"
    program(engine, "podman", f'[ "$1" != info ] || echo {tmp_path}')
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        path = f"{engine}:{os.environ['PATH']}"
        done = run(checkout / "scripts" / "try", "start", TRY_PORT=port, PATH=path, CONTAINER_ENGINE="podman")
    assert done.returncode == 1
    assert f"error: port {port} on 127.0.0.1 is taken: set TRY_PORT to another one." in done.stderr


def test_try_says_that_the_engine_does_not_work(checkout: Path, tmp_path: Path) -> None:
    program(tmp_path / "bin", "podman", "echo 'cannot reach the service' >&2; exit 125")
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    done = run(checkout / "scripts" / "try", "start", PATH=path, CONTAINER_ENGINE="podman")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == "error: podman does not work here (its message stands above)."


def test_a_machine_that_does_not_start_is_said(checkout: Path, tmp_path: Path) -> None:
    program(tmp_path / "bin", "podman", '[ "$1" != run ] || { echo "address already in use" >&2; exit 126; }; [ "$1" != container ]')
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    done = run(checkout / "tools" / "machine", "boot", "localhost/image", "sample", PATH=path, CONTAINER_ENGINE="podman")
    assert done.returncode == 1
    assert "address already in use" in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("error: podman could not start the container sample")


def test_an_unknown_word_is_said(checkout: Path) -> None:
    for name in ("scripts/try", "scripts/image", "tools/machine"):
        done = run(checkout / name, "dance", "x")
        assert done.returncode == 1
        assert done.stderr.startswith("error: ")


@pytest.mark.parametrize("directory", ["scripts", "tools"])
def test_the_index_names_each_program_once(directory: str) -> None:
    rows = re.findall(r"^\| \[(\S+)\]\((\S+)\) \| ", (REPOSITORY / directory / "README.md").read_text(), flags=re.MULTILINE)
    programs = {file.name for file in (REPOSITORY / directory).iterdir() if file.is_file()} - {"README.md"}
    assert [name for name, _ in rows] == sorted(programs)
    assert all(name == target for name, target in rows)


def test_each_program_that_a_file_names_is_there() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    missing = []
    for name in filter(None, listed.split("\0")):
        file = REPOSITORY / name
        if not file.is_file() or file.suffix in {".lock", ".json", ".svg"}:
            continue
        named = set(PROGRAM.findall(file.read_text(encoding="utf-8", errors="replace")))
        missing += [f"{name}: {each}" for each in sorted(named - MCP_METHODS) if not (REPOSITORY / each).exists()]
    assert missing == []


def test_the_index_of_benchmarks_names_each_file() -> None:
    text = (REPOSITORY / "benchmarks" / "README.md").read_text()
    files = {file.name for file in (REPOSITORY / "benchmarks").iterdir() if file.is_file()} - {"README.md"}
    assert set(re.findall(r"\]\(([\w.]+)\)", text)) == files
