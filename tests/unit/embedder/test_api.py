"""The HTTP API, in Ollama's shapes, asked of the real server."""

import json
import threading

import httpx
import pytest
from tests.unit.embedder.running import Running

from cocosearch import __version__

LONG = " ".join(f"name_{number}" for number in range(300))


def test_root_is_honest(server: Running) -> None:
    answer = server.client.get("/")
    assert answer.status_code == 200
    assert "embedded" in answer.text


def test_version_says_embedded(server: Running) -> None:
    assert server.client.get("/api/version").json() == {"version": f"{__version__}-embedded"}
    head = server.client.head("/api/version")
    assert (head.status_code, head.content) == (200, b"")


def test_tags_show_and_ps_agree(server: Running) -> None:
    (listed,) = server.client.get("/api/tags").json()["models"]
    (loaded,) = server.client.get("/api/ps").json()["models"]
    shown = server.client.post("/api/show", json={"model": "all-minilm"}).json()
    assert listed["name"] == listed["model"] == loaded["name"] == "all-minilm:latest"
    assert listed["digest"] == loaded["digest"]
    assert len(bytes.fromhex(listed["digest"])) == 32
    assert listed["size"] > 10_000_000
    assert listed["details"] == loaded["details"] == shown["details"]
    assert shown["capabilities"] == ["embedding"]
    assert shown["model_info"]["bert.embedding_length"] == len(server.vector("text"))
    assert shown["model_info"]["bert.context_length"] == loaded["context_length"] == 256


@pytest.mark.parametrize(
    "name", ["all-minilm", "all-minilm:latest", "all-minilm:l6-v2", "library/all-minilm", "registry.ollama.ai/library/All-MiniLM"]
)
def test_every_name_is_served(server: Running, name: str) -> None:
    answer = server.client.post("/api/embed", json={"model": name, "input": "text"}).json()
    assert answer["model"] == name
    assert answer["embeddings"] == [server.vector("text")]


def test_embed_answers_in_order_and_counts(server: Running) -> None:
    texts = ["one", LONG, "", "two words", LONG[:700]]
    answer = server.embed(texts, options={"num_ctx": 256}, keep_alive=-1).json()
    assert answer["embeddings"] == [
        server.vector(text) if text else vector for text, vector in zip(texts, answer["embeddings"], strict=True)
    ]
    assert answer["prompt_eval_count"] == sum(server.embed([text]).json()["prompt_eval_count"] for text in texts)
    assert answer["total_duration"] > answer["load_duration"] > 0


def test_a_vector_does_not_depend_on_its_company(server: Running) -> None:
    alone = server.vector("def add(a, b): return a + b")
    company = server.embed([LONG, "def add(a, b): return a + b", "x"]).json()["embeddings"]
    assert company[1] == alone


@pytest.mark.parametrize("body", [{"input": []}, {"input": ""}, {"input": None}, {}])
def test_nothing_to_embed_warms(server: Running, body: dict[str, object]) -> None:
    answer = server.client.post("/api/embed", json={"model": "all-minilm", **body})
    assert (answer.status_code, answer.json()) == (200, {"model": "all-minilm", "embeddings": []})


def test_truncate(server: Running) -> None:
    assert server.embed(LONG).json()["prompt_eval_count"] == 256
    assert server.embed(LONG, truncate=None).status_code == 200
    refused = server.embed(["short", LONG], truncate=False)
    assert (refused.status_code, refused.json()) == (400, {"error": "the input length exceeds the context length"})
    assert server.embed("short", truncate=False).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        ("/api/embed", b"", 400, "missing request body"),
        ("/api/embed", b"{", 400, "not JSON"),
        ("/api/embed", b"[" * 100_000, 400, "not JSON"),
        ("/api/embed", b"\xff\xfe{", 400, "not JSON"),
        ("/api/embed", b"[]", 400, "not a JSON object"),
        ("/api/embed", b'{"model": 1}', 400, "model must be of type str"),
        ("/api/embed", b'{"model": "all-minilm", "input": 1}', 400, "invalid input type"),
        ("/api/embed", b'{"model": "all-minilm", "input": ["a", 1]}', 400, "invalid input type"),
        ("/api/embed", b'{"model": "all-minilm", "input": "a", "truncate": "no"}', 400, "truncate must be of type bool"),
        ("/api/embed", b'{"model": "all-minilm", "input": "a", "dimensions": true}', 400, "dimensions must be of type int"),
        ("/api/embed", b'{"input": "a"}', 404, "model '' not found"),
        ("/api/show", b'{"model": "registry.ollama.ai/all-minilm"}', 404, "model 'registry.ollama.ai/all-minilm' not found"),
        ("/api/embed", b'{"model": "nomic", "input": "a"}', 404, 'model "nomic" not found, try pulling it first'),
        ("/api/show", b"{}", 400, "model is required"),
        ("/api/show", b'{"model": "nomic"}', 404, "model 'nomic' not found"),
        ("/api/pull", b"{}", 400, "invalid model name"),
        ("/api/pull", b'{"model": "nomic", "stream": false}', 500, "pull model manifest: "),
    ],
)
def test_errors(server: Running, path: str, body: bytes, status: int, sentence: str) -> None:
    answer = server.client.post(path, content=body)
    assert answer.status_code == status
    assert sentence in answer.json()["error"]


def test_half_a_surrogate_pair_is_text_all_the_same(server: Running) -> None:
    answer = server.client.post("/api/embed", content=rb'{"model": "all-minilm", "input": "broken \ud83d text"}')
    assert len(answer.json()["embeddings"]) == 1


def test_pull_streams_unless_told_otherwise(server: Running) -> None:
    answer = server.client.post("/api/pull", json={"model": "all-minilm"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert (lines[0], lines[-1]) == ({"status": "pulling manifest"}, {"status": "success"})
    whole = server.client.post("/api/pull", json={"name": "all-minilm", "stream": False})
    assert (whole.status_code, whole.json()) == (200, {"status": "success"})


def test_pull_of_another_model_ends_in_an_error_line(server: Running) -> None:
    answer = server.client.post("/api/pull", json={"model": "nomic-embed-text"})
    assert answer.status_code == 200
    assert "file does not exist" in json.loads(answer.text.splitlines()[-1])["error"]


def test_a_body_beyond_the_bound_is_refused(server: Running) -> None:
    answer = server.client.post("/api/embed", json={"model": "all-minilm", "input": "x" * (17 * 1024 * 1024)})
    assert answer.status_code == 413
    assert server.vector("still serving")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:11434"}, 200),
        ({"Host": "[::1]:11434"}, 200),
        ({"Host": "rebound.example:11434"}, 403),
        ({"Host": "127.0.0.1.example"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Origin": "https://page.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_web_pages_are_turned_away(server: Running, headers: dict[str, str], status: int) -> None:
    assert server.client.get("/api/version", headers=headers).status_code == status


def test_a_query_does_not_wait_for_a_batch(server: Running) -> None:
    server.vector("warm")
    finished = threading.Event()
    answers: list[httpx.Response] = []

    def send_batch() -> None:
        with httpx.Client(base_url=server.client.base_url, timeout=300, trust_env=False) as client:
            answers.append(client.post("/api/embed", json={"model": "all-minilm", "input": [LONG] * 60}))
        finished.set()

    thread = threading.Thread(target=send_batch)
    thread.start()
    try:
        for _ in range(3):
            assert server.vector("a question")
        assert server.embed(["two", "texts"]).status_code == 200
        assert not finished.is_set()
    finally:
        thread.join()
    assert len(answers[0].json()["embeddings"]) == 60
