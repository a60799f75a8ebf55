"""llama.cpp's own server with the model of the embedded one: the runner that Ollama starts for each model."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.integration import services
from tests.integration.embedding.gguf_model import write_gguf
from tests.ports import free_port

READY_SECONDS = 120.0
# Beside the Python of the development environment.
PROGRAM = Path(sys.executable).with_name("llama-server-vulkan")


@dataclass(frozen=True)
class Runner:
    """A running server of llama.cpp."""

    url: str

    def post(self, texts: list[str]) -> httpx.Response:
        """Ask for vectors, as Ollama does."""
        return httpx.post(f"{self.url}/embedding", json={"content": texts}, timeout=60)

    def vectors(self, texts: list[str]) -> list[list[float]]:
        """A vector for each text."""
        return [item["embedding"][0] for item in sorted(self.post(texts).raise_for_status().json(), key=lambda item: int(item["index"]))]


@pytest.fixture(scope="session", autouse=True)
def _program() -> None:
    if not PROGRAM.exists():
        pytest.skip("llama.cpp's server has no wheel for this machine's architecture")


@pytest.fixture(scope="session")
def gguf_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "all-minilm-l6-v2.gguf"
    write_gguf(path)
    return path


@contextmanager
def serve(model: Path) -> Iterator[Runner]:
    """A server for a model, until the block ends.

    Raises:
        RuntimeError: it ended before it listened.
    """
    port = free_port()
    runner = Runner(f"http://127.0.0.1:{port}")
    command = [str(PROGRAM), "--model", str(model), "--host", "127.0.0.1", "--port", str(port)]
    # All of a text at once, or it is refused; no card but the processor.
    for option, value in {"ctx-size": 512, "batch-size": 512, "ubatch-size": 512, "threads": 2, "n-gpu-layers": 0}.items():
        command += [f"--{option}", str(value)]
    command.append("--embedding")

    def ready() -> bool:
        try:
            return httpx.get(f"{runner.url}/health", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    with services.running(command, ready, READY_SECONDS, signal.SIGTERM):
        yield runner


@pytest.fixture(scope="session")
def runner(gguf_model: Path) -> Iterator[Runner]:
    with serve(gguf_model) as running:
        yield running
