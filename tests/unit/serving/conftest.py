from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.unit.serving.fakes import serving

from cocosearch.access.tokens import create_token_file


@pytest.fixture(scope="session")
def server() -> Iterator[httpx.Client]:
    """A server without tokens, on loopback."""
    with serving(allowed_hosts="appliance.lan, code.example:8443") as client:
        yield client


@pytest.fixture(scope="session")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("credentials") / "token"
    create_token_file(path)
    return path


@pytest.fixture(scope="session")
def token(token_file: Path) -> str:
    return token_file.read_text().strip()


@pytest.fixture(scope="session")
def guarded(token_file: Path) -> Iterator[httpx.Client]:
    """A server that asks for a token, with the legacy SSE endpoint."""
    with serving(token_file=token_file, transport="sse") as client:
        yield client
