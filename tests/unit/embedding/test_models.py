"""The model: whether the server has it, its pull, its window and its dimensions."""

import os
import subprocess
import sys

import pytest
from tests.ports import free_port
from tests.unit.embedding.client import client_of
from tests.unit.embedding.ollama_server import DIGEST, Answer, Body, Script, lines, ollama

from cocosearch.embedding import ollama as module
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.embedding.pull import PULL_ATTEMPTS
from cocosearch.errors import EmbeddingUnavailableError, NoSuchModelError
from cocosearch.settings import Settings


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


def test_the_window_is_known_without_loading_the_model(script: Script) -> None:
    with client_of(script) as client:
        assert client.context_tokens() == 2048
        assert not script.to("/api/embed")
    assert OllamaClient(Settings(ollama_url=f"http://127.0.0.1:{free_port()}")).context_tokens() is None
