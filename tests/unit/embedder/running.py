"""The real server as a process on a free port of loopback, started the way systemd starts it."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

START_SECONDS = 120
STOP_SECONDS = 30
COMMAND = [sys.executable, "-m", "cocosearch.embedder"]


@dataclass(frozen=True)
class Running:
    process: subprocess.Popen[str]
    client: httpx.Client
    announcement: str
    port: int

    def embed(self, text: str | list[str], **fields: object) -> httpx.Response:
        return self.client.post("/api/embed", json={"model": "all-minilm", "input": text, **fields})

    def vector(self, text: str) -> list[float]:
        answer = self.embed(text)
        assert answer.status_code == 200, answer.text
        (vector,) = answer.json()["embeddings"]
        assert isinstance(vector, list)
        return vector

    def stop(self) -> tuple[int, str]:
        """End the process; return its exit code and what it wrote to stdout."""
        self.process.send_signal(signal.SIGTERM)
        stdout, _ = self.process.communicate(timeout=STOP_SECONDS)
        return self.process.returncode, stdout


@contextmanager
def run_server(cache: Path, *arguments: str) -> Iterator[Running]:
    """Start the server and yield it once it has said READY=1; no request is ever repeated, so READY has to be true."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        address = f"{folder}/notify"
        notified.bind(address)
        notified.settimeout(START_SECONDS)
        command = [*COMMAND, "--port", "0", "--cache-dir", str(cache), *arguments]
        environment = {**os.environ, "NOTIFY_SOCKET": address}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment) as process:
            try:
                message = notified.recv(4096).decode()
                found = re.fullmatch(r"READY=1\nSTATUS=(.* at (http://127\.0\.0\.1:(\d+)))", message)
                assert found is not None, message
                with httpx.Client(base_url=found[2], timeout=120, trust_env=False) as client:
                    yield Running(process=process, client=client, announcement=found[1], port=int(found[3]))
            finally:
                process.terminate()
                process.wait(STOP_SECONDS)
