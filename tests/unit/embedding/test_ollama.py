"""The client, against a scripted server that speaks Ollama's protocol."""

import itertools
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.ports import free_port
from tests.unit.embedding.ollama_server import DIGEST, Answer, Body, Script, lines, ollama, vector_of

from cocosearch.embedding import ollama as module
from cocosearch.embedding import pull
from cocosearch.embedding.ollama import DOUBTS, PROBE_TEXT, RETRIES, OllamaClient
from cocosearch.embedding.pull import PULL_ATTEMPTS
from cocosearch.embedding.types import Refusal
from cocosearch.errors import EmbeddingUnavailableError, NoSuchModelError
from cocosearch.settings import Settings

CRASH = (500, {"error": "llama runner process no longer running: 2"})
TOO_LONG = (400, {"error": "the input length exceeds the context length"})
BUSY = (503, {"error": "server busy, please try again.  maximum pending requests exceeded"})


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_BACKOFF_SECONDS", "SERVER_POLL_SECONDS"):
        monkeypatch.setattr(module, name, 0.001)
    monkeypatch.setattr(pull, "PULL_FIRST_BACKOFF_SECONDS", 0.001)


@pytest.fixture
def script() -> Script:
    return Script()


@contextmanager
def client_of(script: Script, **given: object) -> Iterator[OllamaClient]:
    with ollama(script) as url, OllamaClient(Settings.model_validate({"ollama_url": url, **given})) as client:
        yield client


def unit(vector: list[float]) -> list[float]:
    length = math.hypot(*vector)
    return [value / length for value in vector]


def refusing(word: str, refusal: Answer, script: Script) -> None:
    """Refuse every batch that holds a text with the word."""
    usual = script._embed
    script.embed = lambda body: refusal if any(word in text for text in body["input"]) else usual(body)


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


EOF = (400, {"error": 'do embedding request: Post "http://127.0.0.1:37519/v1/embeddings": EOF'})
RESET = (
    400,
    {"error": 'do embedding request: Post "http://127.0.0.1:37519/v1/embeddings": read: connection reset by peer'},
)
NOT_STARTED = (500, {"error": "llama-server process has terminated: exit status 1"})


@pytest.mark.parametrize("death", [EOF, RESET, NOT_STARTED, CRASH])
def test_a_runner_that_dies_now_and_then_loses_no_vector(script: Script, death: Answer) -> None:
    """As the real one fails: whatever is under way gets the error, the next request starts another runner."""
    usual, asked = script._embed, itertools.count(1)
    script.embed = lambda body: death if next(asked) % 3 else usual(body)
    with client_of(script) as client:
        answers = client.embed_documents([f"text {number}" for number in range(16)])
    assert not [answer for answer in answers if isinstance(answer, Refusal)]


def test_a_text_is_believed_to_be_poison_only_between_good_probes(script: Script) -> None:
    """The runner dies for the first eight times that it is asked for this text, of whatever cause."""
    usual, failures = script._embed, iter([EOF] * 8)
    script.embed = lambda body: next(failures, None) or usual(body) if any("unlucky" in text for text in body["input"]) else usual(body)
    with client_of(script) as client:
        (answer,) = client.embed_documents(["unlucky"])
    assert answer == unit(vector_of("search_document: unlucky"))


@pytest.mark.parametrize("death", [EOF, NOT_STARTED])
def test_a_query_is_asked_again_when_the_runner_dies_under_it(script: Script, death: Answer) -> None:
    script.first = [death] * 2
    with client_of(script) as client:
        assert client.embed_query("x") == unit(vector_of("search_query: x"))


def test_while_the_server_is_known_to_be_away_no_query_waits_and_it_is_noticed_when_it_is_back(script: Script) -> None:
    released = threading.Event()
    usual = script._embed

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


@pytest.mark.parametrize("spelling", ["library/all-minilm", "registry.ollama.ai/library/all-minilm", "All-MiniLM", "all-minilm:LATEST"])
def test_a_model_that_is_there_is_not_pulled_however_it_is_spelled(script: Script, spelling: str) -> None:
    script.models = ["all-minilm:latest"]
    with client_of(script, model=spelling) as client:
        script.embed = lambda body: (200, {"embeddings": [[1.0, 0.0] for _ in body["input"]]})
        assert client.ensure_model(lambda _: None).name == "all-minilm"
    assert not script.to("/api/pull")


@pytest.mark.parametrize(
    "answer",
    [
        (200, lines({"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"})),
        (200, lines({"error": 'pull model manifest: 400: {"error":"Repository is not GGUF or is not compatible with llama.cpp"}'})),
        (200, lines({"error": "pull model manifest: 412: The model requires a newer version of Ollama."})),
        (200, lines({"error": "pull model manifest: unauthorized: access denied"})),
        (400, {"error": "invalid model name"}),
    ],
)
def test_what_cannot_become_right_is_not_tried_again(script: Script, answer: Answer) -> None:
    script.models = []
    script.pull = lambda _: answer
    with client_of(script) as client, pytest.raises(NoSuchModelError, match="COCOSEARCH_MODEL"):
        client.ensure_model(lambda _: None)
    assert len(script.to("/api/pull")) == 1


def test_a_model_that_cannot_be_had_is_a_refused_setting(script: Script) -> None:
    """The model's unit is not started again, and the play that waits for it ends with its words."""
    script.models = []
    script.pull = lambda _: (400, {"error": "invalid model name"})
    with ollama(script) as url:
        environment = {**os.environ, "COCOSEARCH_OLLAMA_URL": url, "COCOSEARCH_MODEL": "nothing-like-it"}
        command = [sys.executable, "-m", "cocosearch", "model", "ensure"]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "invalid model name. Check the name in COCOSEARCH_MODEL" in ended.stderr


def test_more_dimensions_than_an_index_takes_are_not_asked_for_where_fewer_can_be_had(script: Script) -> None:
    script.models = ["qwen3-embedding:8b"]
    script.embed = lambda body: (200, {"embeddings": [[1.0] * min(4096, body.get("dimensions", 4096)) for _ in body["input"]]})
    with client_of(script, model="qwen3-embedding:8b") as client:
        assert client.describe_model().dimensions == 4000


def test_more_dimensions_than_an_index_takes_are_refused_before_the_pull_where_the_family_is_known(script: Script) -> None:
    script.models = []
    model = "hf.co/second-state/E5-Mistral-7B-Instruct-Embedding-GGUF"
    with client_of(script, model=model) as client, pytest.raises(EmbeddingUnavailableError, match="4096 numbers"):
        client.ensure_model(lambda _: None)
    assert not script.to("/api/pull")


def test_more_dimensions_than_an_index_takes_are_an_error_and_no_broken_index(script: Script) -> None:
    script.models = ["unheard-of:latest"]
    script.embed = lambda body: (200, {"embeddings": [[1.0] * 4096 for _ in body["input"]]})
    with client_of(script, model="unheard-of") as client, pytest.raises(EmbeddingUnavailableError, match=r"4096 numbers.*4000 at most"):
        client.describe_model()


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


@pytest.mark.parametrize(
    ("shown", "tokens"),
    [
        ({"model_info": {"nomic-bert.context_length": 2048}}, 2048),
        ({"model_info": {"bert.context_length": 512}, "parameters": "num_ctx                        256"}, 256),
        ({"model_info": {"nomic-bert.context_length": 2048}, "parameters": 'stop  "x"\nnum_ctx    8192'}, 2048),
        ({"model_info": {"x.rope.scaling.original_context_length": 4, "x.context_length": 1024}}, 1024),
        ({"model_info": {"x.context_length": None}}, 512),
        ({"model_info": {}}, 512),
        ({}, 512),
    ],
)
def test_the_window_is_what_the_server_says(script: Script, shown: Body, tokens: int) -> None:
    script.show = lambda _: (200, shown)
    with client_of(script) as client:
        model = client.describe_model()
    assert (model.name, model.digest, model.dimensions, model.context_tokens) == ("nomic-embed-text", DIGEST, 3, tokens)


def test_a_failing_description_is_an_error(script: Script) -> None:
    script.show = lambda _: (500, {"error": "damaged model"})
    with client_of(script) as client, pytest.raises(EmbeddingUnavailableError, match="damaged model"):
        client.describe_model()


@pytest.mark.parametrize(("model", "known"), [("m", "m:latest"), ("m:latest", "m:latest"), ("m:q4", "m:q4"), ("who/m", "who/m:latest")])
def test_a_model_is_found_by_name_and_tag(script: Script, model: str, known: str) -> None:
    script.models = ["other:latest", "m:other", known]
    with client_of(script, model=model) as client:
        assert client.model_digest() == DIGEST
        script.models.remove(known)
        assert client.model_digest() is None


def test_a_model_that_is_there_is_loaded_and_not_pulled(script: Script) -> None:
    said: list[str] = []
    with client_of(script) as client:
        model = client.ensure_model(said.append)
    assert model.dimensions == 3
    assert script.to("/api/pull") == []
    assert script.to("/api/embed")[0]["input"] == []
    assert said == []


def test_a_missing_model_is_pulled_with_its_progress(script: Script) -> None:
    script.models = []
    said: list[str] = []
    with client_of(script) as client:
        assert client.ensure_model(said.append).digest == DIGEST
    assert script.to("/api/pull") == [{"model": "nomic-embed-text"}]
    assert said[0] == "Pulling nomic-embed-text: pulling manifest"
    assert len(said) == 3


@pytest.mark.parametrize(
    "failure",
    [
        (200, lines({"status": "pulling manifest"}, {"error": "dial tcp: lookup registry: no such host"})),
        (200, lines({"status": "pulling manifest"})),
        (200, b"<html>a proxy</html>\n"),
        (200, b"[]\n"),
        (500, {"error": "no space left on device"}),
        (502, b"bad gateway"),
    ],
)
def test_a_pull_that_broke_is_tried_again_and_says_so(script: Script, failure: Answer) -> None:
    script.models = []
    script.first = [failure] * 2
    said: list[str] = []
    with client_of(script) as client:
        client.ensure_model(said.append)
    assert len(script.to("/api/pull")) == 3
    assert [sentence.split(" failed")[0] for sentence in said if "attempt" in sentence] == [
        f"Pull attempt {number} of {PULL_ATTEMPTS}" for number in (1, 2)
    ]


def test_a_pull_that_never_works_is_an_error_with_the_reason(script: Script) -> None:
    script.models = []
    script.pull = lambda _: (200, lines({"error": "dial tcp: lookup registry: no such host"}))
    with client_of(script) as client, pytest.raises(EmbeddingUnavailableError, match="in 6 attempts: dial tcp: lookup registry"):
        client.ensure_model(lambda _: None)
    assert len(script.to("/api/pull")) == PULL_ATTEMPTS


def test_a_model_that_cannot_be_loaded_is_an_error(script: Script) -> None:
    script.embed = lambda _: (500, {"error": "model requires more system memory"})
    with client_of(script) as client, pytest.raises(EmbeddingUnavailableError, match="more system memory"):
        client.ensure_model(lambda _: None)


def test_a_server_that_never_comes_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SERVER_WAIT_SECONDS", 0.05)
    with (
        OllamaClient(Settings(ollama_url="http://127.0.0.1:1")) as client,
        pytest.raises(EmbeddingUnavailableError, match="Connection refused"),
    ):
        client.ensure_model(lambda _: None)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_proxies_of_the_environment_see_no_code(script: Script, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    with client_of(script) as client:
        assert client.version() == "0.32.15"
        assert len(client.embed_documents(["x"])) == 1


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
    usual = script._embed
    script.embed = lambda _: BUSY
    with client_of(script) as client:
        with pytest.raises(EmbeddingUnavailableError):
            client.embed_query("a", DIGEST)
        script.embed = usual
        assert client.embed_query("a", DIGEST)


def test_the_window_is_known_without_loading_the_model(script: Script) -> None:
    with client_of(script) as client:
        assert client.context_tokens() == 2048
        assert not script.to("/api/embed")
    assert OllamaClient(Settings(ollama_url=f"http://127.0.0.1:{free_port()}")).context_tokens() is None
