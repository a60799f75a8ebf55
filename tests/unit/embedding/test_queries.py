"""Vectors of queries: a reader waits for them."""

import threading

import pytest
from tests.unit.embedding.client import BUSY, EOF, NOT_STARTED, client_of, unit
from tests.unit.embedding.ollama_server import DIGEST, Answer, Body, Script, vector_of

from cocosearch.errors import EmbeddingUnavailableError


@pytest.mark.parametrize("death", [EOF, NOT_STARTED])
def test_a_query_is_asked_again_when_the_runner_dies_under_it(script: Script, death: Answer) -> None:
    script.first = [death] * 2
    with client_of(script) as client:
        assert client.embed_query("x") == unit(vector_of("search_query: x"))


def test_while_the_server_is_known_to_be_away_no_query_waits_and_it_is_noticed_when_it_is_back(script: Script) -> None:
    released = threading.Event()
    usual = script.embed_as_usual

    def hang(body: Body) -> Answer:
        released.wait(30)
        return usual(body)

    script.embed = hang
    with client_of(script, query_timeout_seconds=0.2) as client:
        with pytest.raises(EmbeddingUnavailableError, match="timed out"):
            client.query_vector("first")
        asked = len(script.requests)
        for number in range(50):
            with pytest.raises(EmbeddingUnavailableError, match="timed out"):
                client.query_vector(f"question {number}")
        assert sum("question" in str(body) for _, body in script.requests[asked:]) == 0
        released.set()
        while True:  # until the background has seen it
            try:
                digest, vector = client.query_vector("later")
            except EmbeddingUnavailableError:
                continue
            break
        assert (digest, vector) == (DIGEST, unit(vector_of("search_query: later")))


def test_a_query_is_not_retried_beyond_its_time(script: Script) -> None:
    script.embed = lambda _: BUSY
    with client_of(script) as client, pytest.raises(EmbeddingUnavailableError, match="503"):
        client.embed_query("x")
    assert len(script.requests) == 1


def test_a_query_waits_no_longer_than_its_limit(script: Script) -> None:
    released = threading.Event()

    def hang(_: Body) -> Answer:
        released.wait(30)
        return BUSY

    script.embed = hang
    with client_of(script, query_timeout_seconds=0.1) as client:
        with pytest.raises(EmbeddingUnavailableError, match="timed out"):
            client.embed_query("x")
        released.set()


def test_a_query_that_was_asked_lately_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cocosearch.embedding.known_queries.KNOWN_QUERIES", 2)
    with client_of(script := Script()) as client:
        first = client.embed_query("a", DIGEST)
        assert client.embed_query("a", DIGEST) == first
        assert len(script.to("/api/embed")) == 1
        client.embed_query("a", "another digest")  # another model, another vector
        assert len(script.to("/api/embed")) == 2
        client.embed_query("b", DIGEST)  # the oldest of three is forgotten
        client.embed_query("a", "another digest")
        assert len(script.to("/api/embed")) == 3
        client.embed_query("a", DIGEST)
        assert len(script.to("/api/embed")) == 4


def test_a_query_that_failed_is_sent_again(script: Script) -> None:
    usual = script.embed_as_usual
    script.embed = lambda _: BUSY
    with client_of(script) as client:
        with pytest.raises(EmbeddingUnavailableError):
            client.embed_query("a", DIGEST)
        script.embed = usual
        assert client.embed_query("a", DIGEST)
