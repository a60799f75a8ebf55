"""Names of models are compared as Ollama compares them."""

import pytest

from cocosearch.embedding.names import base_name, canonical_name, short_name


@pytest.mark.parametrize(
    "name",
    [
        "all-minilm",
        "all-minilm:latest",
        "All-MiniLM",
        "library/all-minilm",
        "registry.ollama.ai/library/all-minilm",
        "REGISTRY.ollama.ai/library/all-minilm:Latest",
        "https://registry.ollama.ai/library/all-minilm",
        " all-minilm ",
    ],
)
def test_all_spellings_are_one_name(name: str) -> None:
    assert canonical_name(name) == "registry.ollama.ai/library/all-minilm:latest"
    assert short_name(name) == "all-minilm"


@pytest.mark.parametrize(
    ("name", "canonical", "short"),
    [
        ("all-minilm:33m", "registry.ollama.ai/library/all-minilm:33m", "all-minilm:33m"),
        ("who/Model", "registry.ollama.ai/who/model:latest", "who/model"),
        (
            "hf.co/Qwen/Qwen3-Embedding-0.6B-GGUF:Q8_0",
            "hf.co/qwen/qwen3-embedding-0.6b-gguf:q8_0",
            "hf.co/qwen/qwen3-embedding-0.6b-gguf:q8_0",
        ),
        ("localhost:5000/team/model", "localhost:5000/team/model:latest", "localhost:5000/team/model"),
        ("localhost:5000/team/model:v2", "localhost:5000/team/model:v2", "localhost:5000/team/model:v2"),
    ],
)
def test_other_names_keep_what_tells_them_apart(name: str, canonical: str, short: str) -> None:
    assert canonical_name(name) == canonical
    assert short_name(name) == short
    assert canonical_name(short) == canonical


def test_the_own_name_is_without_origin_and_tag() -> None:
    assert base_name("localhost:5000/team/Model-GGUF:v2") == "model-gguf"
