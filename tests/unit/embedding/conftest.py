"""Every test here has a script for its server, and no test waits."""

import pytest
from tests.unit.embedding.ollama_server import Script

from cocosearch.embedding import ollama as module
from cocosearch.embedding import pull


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_BACKOFF_SECONDS", "SERVER_POLL_SECONDS"):
        monkeypatch.setattr(module, name, 0.001)
    monkeypatch.setattr(pull, "PULL_FIRST_BACKOFF_SECONDS", 0.001)


@pytest.fixture
def script() -> Script:
    return Script()
