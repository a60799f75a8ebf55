"""The client, against a scripted server that speaks Ollama's protocol."""

import itertools
import math
import threading

import pytest
from tests.ports import free_port
from tests.unit.embedding.client import BUSY, CRASH, EOF, NOT_STARTED, RESET, TOO_LONG, client_of, refusing, unit
from tests.unit.embedding.ollama_server import Answer, Script, ollama, vector_of

from cocosearch.embedding import ollama as module
from cocosearch.embedding.ollama import DOUBTS, PROBE_TEXT, RETRIES, OllamaClient
from cocosearch.embedding.types import Refusal
from cocosearch.errors import EmbeddingUnavailableError
from cocosearch.settings import Settings


@pytest.mark.parametrize(
    ("model", "document", "query"),
    [
        ("nomic-embed-text", "search_document: x", "search_query: x"),
        ("nomic-embed-text:v1.5", "search_document: x", "search_query: x"),
        ("someone/nomic-embed-text:q4", "search_document: x", "search_query: x"),
        ("all-minilm", "x", "x"),
        ("mxbai-embed-large", "x", "Represent this sentence for searching relevant passages: x"),
        ("snowflake-arctic-embed2", "x", "query: x"),
        ("unheard-of", "x", "x"),
    ],
)
def test_each_family_gets_its_prompts(script: Script, model: str, document: str, query: str) -> None:
    script.models = [model if ":" in model else f"{model}:latest"]
    with client_of(script, model=model) as client:
        client.embed_documents(["x"])
        client.embed_query("x")
    assert [body["input"] for body in script.to("/api/embed")] == [[document], [query]]


def test_documents_are_never_cut_and_no_request_carries_options(script: Script) -> None:
    with client_of(script) as client:
        client.embed_documents(["a", "b"])
        client.embed_query("c")
        client.ensure_model(lambda _: None)
    bodies = script.to("/api/embed")
    assert [body["truncate"] for body in bodies] == [False, True, False, False]
    assert all("options" not in body for _, body in script.requests)
    assert {body["keep_alive"] for body in bodies} == {-1}


def test_vectors_come_in_order_and_at_length_one(script: Script) -> None:
    texts = ["long " * 9, "short", "", "x"]
    with client_of(script, model="all-minilm") as client:
        script.models = ["all-minilm:latest"]
        vectors = client.embed_documents(texts)
        query = client.embed_query("x")
    assert vectors == [unit(vector_of(text)) for text in texts]
    assert query == vectors[3]
    assert math.hypot(*query) == pytest.approx(1.0)


def test_nothing_is_asked_for_no_texts(script: Script) -> None:
    with client_of(script) as client:
        assert client.embed_documents([]) == []
    assert script.requests == []


@pytest.mark.parametrize("trouble", [BUSY, CRASH, (200, b"<html>"), (502, b"bad gateway")])
def test_a_server_in_trouble_for_a_moment_is_asked_again(script: Script, trouble: Answer) -> None:
    script.first = [trouble] * RETRIES
    with client_of(script) as client:
        assert len(client.embed_documents(["a"])) == 1
    assert len(script.requests) == RETRIES + 1


def test_a_server_that_is_full_for_good_is_an_error(script: Script) -> None:
    script.embed = lambda _: BUSY
    with client_of(script) as client, pytest.raises(EmbeddingUnavailableError, match=r"503.*server busy"):
        client.embed_documents(["a", "b", "c"])
    assert len(script.requests) == RETRIES + 1


def test_a_server_that_restarts_is_waited_for(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_BACKOFF_SECONDS", 0.05)
    port = free_port()
    finished = threading.Event()

    def start_late() -> None:
        with ollama(script, port):
            finished.wait(30)

    thread = threading.Timer(0.2, start_late)
    thread.start()
    try:
        with OllamaClient(Settings(ollama_url=f"http://127.0.0.1:{port}")) as client:
            assert len(client.embed_documents(["a"])) == 1
    finally:
        finished.set()
        thread.join()


def test_no_server_is_an_error_that_names_the_url_without_its_password() -> None:
    with OllamaClient(Settings(ollama_url="http://user:hunter2@127.0.0.1:1")) as client:
        for call in (client.version, client.model_digest, lambda: client.embed_query("x"), lambda: client.embed_documents(["x"])):
            with pytest.raises(EmbeddingUnavailableError, match=r"http://user:\*\*\*@127\.0\.0\.1:1 .*COCOSEARCH_OLLAMA_URL") as caught:
                call()
            assert "hunter2" not in str(caught.value)


def test_a_missing_model_is_said_at_once_with_what_to_do(script: Script) -> None:
    script.models = []
    with client_of(script) as client:
        for call in (
            lambda: client.embed_documents(["x"]),
            lambda: client.embed_query("x"),
            client.require_model_digest,
            client.describe_model,
        ):
            with pytest.raises(EmbeddingUnavailableError, match=r"'nomic-embed-text'.*`cocosearch model ensure`"):
                call()
    assert len(script.to("/api/embed")) == 2


def test_one_poison_text_costs_no_other_its_vector(script: Script) -> None:
    refusing("poison", CRASH, script)
    texts = [f"text {number}" for number in range(16)]
    texts[5] = "poison"
    with client_of(script) as client:
        answers = client.embed_documents(texts)
    assert answers[5] is Refusal.POISON
    assert [answer for answer in answers if isinstance(answer, Refusal)] == [Refusal.POISON]
    assert answers[6] == unit(vector_of("search_document: text 6"))


def test_a_refused_batch_is_fully_retried_only_as_a_whole(script: Script) -> None:
    refusing("poison", CRASH, script)
    with client_of(script) as client:
        client.embed_documents(["a", "b", "c", "poison"])
    sizes = [len(body["input"]) for body in script.to("/api/embed")]
    doubts = DOUBTS * [1, 1, 1]  # a probe, and the text twice
    assert sizes == [4] * (RETRIES + 1) + [2, 2, 2, 1, 1, 1] + [*doubts, 1]
    assert script.to("/api/embed")[-1]["input"] == [PROBE_TEXT]


@pytest.mark.parametrize("death", [EOF, RESET, NOT_STARTED, CRASH])
def test_a_runner_that_dies_now_and_then_loses_no_vector(script: Script, death: Answer) -> None:
    """As the real one fails: whatever is under way gets the error, the next request starts another runner."""
    usual, asked = script.embed_as_usual, itertools.count(1)
    script.embed = lambda body: death if next(asked) % 3 else usual(body)
    with client_of(script) as client:
        answers = client.embed_documents([f"text {number}" for number in range(16)])
    assert not [answer for answer in answers if isinstance(answer, Refusal)]


def test_a_text_is_believed_to_be_poison_only_between_good_probes(script: Script) -> None:
    """The runner dies for the first eight times that it is asked for this text, of whatever cause."""
    usual, failures = script.embed_as_usual, iter([EOF] * 8)
    script.embed = lambda body: next(failures, None) or usual(body) if any("unlucky" in text for text in body["input"]) else usual(body)
    with client_of(script) as client:
        (answer,) = client.embed_documents(["unlucky"])
    assert answer == unit(vector_of("search_document: unlucky"))


def test_a_server_that_restarts_while_a_part_is_embedded_is_waited_for(script: Script) -> None:
    refusing("poison", CRASH, script)
    script.first = [*[CRASH] * (RETRIES + 1), *[BUSY] * RETRIES]
    with client_of(script) as client:
        answers = client.embed_documents(["a", "poison"])
    assert answers[0] == unit(vector_of("search_document: a"))
    assert answers[1] is Refusal.POISON


def test_a_text_beyond_the_window_is_told_from_the_others_without_a_retry(script: Script) -> None:
    refusing("too long", TOO_LONG, script)
    with client_of(script) as client:
        answers = client.embed_documents(["a", "too long", "b"])
    assert answers[1] is Refusal.TOO_LONG
    assert not isinstance(answers[0], Refusal)
    assert not isinstance(answers[2], Refusal)
    assert [len(body["input"]) for body in script.to("/api/embed")] == [3, 1, 2, 1, 1]


NAN = b'{"embeddings": [[NaN, 1.0, 1.0]]}'


@pytest.mark.parametrize(
    "answer",
    [
        CRASH,
        (400, {"error": "invalid input"}),
        (200, {"embeddings": []}),
        (200, {"embeddings": [[1.0], [1.0], [1.0]]}),
        (200, {"embedding": [1.0]}),
        (200, {"embeddings": [[0.0, 0.0]]}),
        (200, {"embeddings": [[]]}),
        (200, {"embeddings": [None]}),
        (200, {"embeddings": [[None, 1.0]]}),
        (200, {"embeddings": [["1.0"]]}),
        (200, {"embeddings": 7}),
        (200, [1, 2]),
        (200, b"<html>a proxy</html>"),
        (200, NAN),
        (302, b""),
    ],
)
def test_a_server_that_refuses_everything_is_an_error_not_poison(script: Script, answer: Answer) -> None:
    script.embed = lambda _: answer
    with client_of(script) as client:
        for call in (lambda: client.embed_documents(["a", "b"]), lambda: client.embed_query("a"), client.describe_model):
            with pytest.raises(EmbeddingUnavailableError, match="Ollama at http"):
                call()


def test_a_text_without_a_direction_is_refused_alone(script: Script) -> None:
    refusing("null", (200, {"embeddings": [[0.0, 0.0, 0.0]]}), script)
    with client_of(script) as client:
        answers = client.embed_documents(["a", "null"])
    assert answers[1] is Refusal.POISON
    assert not isinstance(answers[0], Refusal)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_proxies_of_the_environment_see_no_code(script: Script, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    with client_of(script) as client:
        assert client.version() == "0.32.15"
        assert len(client.embed_documents(["x"])) == 1
