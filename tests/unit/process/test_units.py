"""Messages name the units that this machine has."""

from pathlib import Path

import psycopg
import pytest

from cocosearch.database.failures import explained, no_answer
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.errors import CocosearchError, EmbeddingUnavailableError
from cocosearch.operations import doctor
from cocosearch.operations.health import ask
from cocosearch.process import units
from cocosearch.settings import Settings

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where this machine's units are: none yet."""
    monkeypatch.setattr(units, "DIRECTORIES", (tmp_path,))
    return tmp_path


def messages() -> dict[str, str]:
    """What is said where a part is away, by the unit that would be named."""
    refused = psycopg.OperationalError("connection refused")
    with pytest.raises(EmbeddingUnavailableError) as no_ollama, OllamaClient(Settings(ollama_url=NOBODY)) as client:
        client.version()
    with pytest.raises(CocosearchError) as no_server:
        ask(Settings(port=9))
    down = [finding.remedy for finding in doctor.examine(Settings(database_url="postgresql://127.0.0.1:9/x", ollama_url=NOBODY))]
    return {
        "cocosearch-postgresql": f"{explained(refused)} {no_answer('timed out')} {down}",
        "ollama": f"{no_ollama.value} {down}",
        "cocosearch": str(no_server.value),
    }


def test_no_unit_is_named_where_none_is(installed: Path) -> None:
    assert not list(installed.iterdir())
    for said in messages().values():
        assert "systemctl" not in said
        assert "journalctl" not in said
        assert "COCOSEARCH_" in said


@pytest.mark.parametrize("unit", ["cocosearch-postgresql", "ollama", "cocosearch"])
def test_a_unit_that_is_there_is_named(installed: Path, unit: str) -> None:
    (installed / f"{unit}.service").touch()
    said = messages()
    assert f"`systemctl status {unit}`" in said[unit]
    assert all("systemctl" not in text.replace(f"systemctl status {unit}`", "") for text in said.values())
