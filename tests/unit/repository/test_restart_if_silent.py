"""The program that restarts an Ollama that hangs, and no other."""

import os
import socket
import subprocess
from pathlib import Path

import pytest
from tests.ports import free_port
from tests.unit.embedding.ollama_server import Script, ollama

PROGRAM = Path(__file__).parents[3] / "roles" / "ollama" / "files" / "restart-if-silent"


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """What systemctl was asked for."""
    program = tmp_path / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    program.chmod(0o755)
    return tmp_path / "asked"


def run(asked: Path, url: str) -> None:
    environment = {**os.environ, "PATH": f"{asked.parent}:{os.environ['PATH']}"}
    subprocess.run([PROGRAM, f"{url}/api/version", "0.3"], check=True, env=environment, timeout=30)


def test_one_that_answers_is_left_alone(asked: Path) -> None:
    with ollama(Script()) as url:
        run(asked, url)
    assert not asked.exists()


def test_one_that_is_being_started_is_left_alone(asked: Path) -> None:
    run(asked, f"http://127.0.0.1:{free_port()}")
    assert not asked.exists()


def test_one_that_takes_connections_and_says_nothing_is_restarted(asked: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        run(asked, f"http://127.0.0.1:{frozen.getsockname()[1]}")
    assert asked.read_text() == "try-restart ollama.service\n"
