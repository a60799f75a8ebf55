"""Whether the model works is what it did lately, not what a list says of it."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.embedding.ollama_server import Script, ollama

from cocosearch.embedding import proof
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.errors import EmbeddingUnavailableError
from cocosearch.operations import health
from cocosearch.operations.health import Part, PartState
from cocosearch.settings import Settings

CANNOT_START = (500, {"error": "llama-server process has terminated: exit status 127"})
DIED = (400, {"error": 'do embedding request: Post "http://127.0.0.1:43211/embedding": EOF'})


@pytest.fixture(autouse=True)
def nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "_made_at", {})


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def settings(script: Script) -> Iterator[Settings]:
    with ollama(script) as url:
        # No database: the indexer's word cannot be had.
        yield Settings.model_validate({"ollama_url": url, "database_url": "postgresql://127.0.0.1:1/none", "query_timeout_seconds": 2})


def model_part(settings: Settings, told: list[EmbeddingUnavailableError] | None = None) -> Part:
    with OllamaClient(settings) as client:
        parts = {part.name: part for part in health.check_ollama(settings, client, (told if told is not None else []).append)}
    assert parts["ollama"].state is PartState.OK
    return parts["model"]


@pytest.mark.parametrize("answer", [CANNOT_START, DIED])
def test_a_model_that_is_listed_and_cannot_embed_has_failed(script: Script, settings: Settings, answer: tuple[int, dict[str, Any]]) -> None:
    script.embed = lambda _: answer
    told: list[EmbeddingUnavailableError] = []
    part = model_part(settings, told)
    assert part.state is PartState.FAILED
    assert answer[1]["error"] in part.detail
    assert [str(error) for error in told] == [part.detail]


def test_what_made_a_vector_lately_is_not_asked_for_another(script: Script, settings: Settings) -> None:
    assert model_part(settings).state is PartState.OK
    assert len(script.to("/api/embed")) == 1
    assert model_part(settings).state is PartState.OK
    assert len(script.to("/api/embed")) == 1


def test_a_search_s_vector_is_proof(script: Script, settings: Settings) -> None:
    with OllamaClient(settings) as client:
        client.embed_query("where are the cookies kept?")
    assert model_part(settings).state is PartState.OK
    assert len(script.to("/api/embed")) == 1


def test_an_old_vector_is_no_proof(script: Script, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    model_part(settings)
    monkeypatch.setattr(health, "PROVED_FOR_SECONDS", 0.0)
    script.embed = lambda _: CANNOT_START
    assert model_part(settings).state is PartState.FAILED


def test_a_failure_outdoes_a_vector_of_a_moment_ago(script: Script, settings: Settings) -> None:
    model_part(settings)
    script.embed = lambda _: CANNOT_START
    with OllamaClient(settings) as client, pytest.raises(EmbeddingUnavailableError):
        client.query_vector("where are the cookies kept?")
    assert model_part(settings).state is PartState.FAILED


def test_while_the_indexer_has_vectors_nobody_probes(script: Script, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_indexer_vector_age", lambda _: 4.0)
    part = model_part(settings)
    assert part.state is PartState.OK
    assert "4 s ago" in part.detail
    assert not script.to("/api/embed")


def test_what_health_has_seen_no_search_waits_for(script: Script, settings: Settings) -> None:
    with OllamaClient(settings) as searching, OllamaClient(settings) as watching:
        script.embed = lambda _: CANNOT_START
        health.check_ollama(settings, watching, searching.known_away)
        asked = len(script.to("/api/embed"))
        with pytest.raises(EmbeddingUnavailableError, match="exit status 127"):
            searching.query_vector("where are the cookies kept?")
        # A search that waited would have asked again and again.
        assert len(script.to("/api/embed")) <= asked + 1  # the probe that looks for its return
        script.embed = None
        deadline = time.monotonic() + 30
        while True:
            try:
                searching.query_vector("where are the cookies kept?")
            except EmbeddingUnavailableError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            else:
                break
    assert model_part(settings).state is PartState.OK
