"""What stands in front of texts and queries, by the model's family and by the settings."""

import pytest

from cocosearch.embedding.prompts import PROMPT_VERSION, Prompts, family_of, prompts_for
from cocosearch.settings import Settings

SEARCH = ("search_document: ", "search_query: ")
CODE = ("", "Represent this query for searching relevant code: ")
SENTENCE = ("", "Represent this sentence for searching relevant passages: ")
QWEN = ("", "Instruct: Given a question about source code, retrieve the code that answers it\nQuery:")
GEMMA = ("title: none | text: ", "task: code retrieval | query: ")
JINA = ("Candidate code snippet:\n", "Find the most relevant code snippet given the following query:\n")
NONE = ("", "")


def prompts(model: str, **given: str) -> Prompts:
    return prompts_for(Settings.model_validate({"model": model, **given}))


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        ("nomic-embed-text", SEARCH),
        ("nomic-embed-text:v1.5", SEARCH),
        ("Nomic-Embed-Text", SEARCH),
        ("nomic-embed-text-v2-moe", SEARCH),
        ("hf.co/nomic-ai/nomic-embed-text-v1.5-GGUF:Q8_0", SEARCH),
        ("manutic/nomic-embed-code", CODE),
        ("hf.co/nomic-ai/nomic-embed-code-GGUF", CODE),
        ("hf.co/awhiteside/CodeRankEmbed-Q8_0-GGUF", CODE),
        ("hf.co/jinaai/jina-code-embeddings-1.5b-GGUF:Q4_K_M", JINA),
        ("jina-embeddings-v2-base-code", NONE),
        ("embeddinggemma:300m", GEMMA),
        ("hf.co/ggml-org/embeddinggemma-300M-GGUF", GEMMA),
        ("qwen3-embedding:8b", QWEN),
        ("hf.co/Qwen/Qwen3-Embedding-0.6B-GGUF:Q8_0", QWEN),
        ("dengcao/Qwen3-Embedding-4B:Q4_K_M", QWEN),
        ("snowflake-arctic-embed:335m", SENTENCE),
        ("snowflake-arctic-embed2:latest", ("", "query: ")),
        ("hf.co/Casual-Autopsy/snowflake-arctic-embed-l-v2.0-gguf", ("", "query: ")),
        ("mxbai-embed-large", SENTENCE),
        ("bge-large:335m", SENTENCE),
        ("hf.co/CompendiumLabs/bge-small-en-v1.5-gguf", SENTENCE),
        ("bge-m3", NONE),
        ("granite-embedding:278m", NONE),
        ("library/all-minilm", NONE),
        ("registry.ollama.ai/library/All-MiniLM:33m", NONE),
        ("jeffh/intfloat-multilingual-e5-large:f16", ("passage: ", "query: ")),
    ],
)
def test_a_family_is_known_however_its_name_is_written(model: str, wanted: tuple[str, str]) -> None:
    found = prompts(model)
    assert (found.document, found.query) == wanted
    assert family_of(model) is not None


@pytest.mark.parametrize("model", ["unheard-of", "mynomic-embed-text", "x-somebge-largely", "codestral"])
def test_an_unknown_family_gets_none(model: str) -> None:
    assert family_of(model) is None
    assert prompts(model) == Prompts()


def test_the_settings_come_first_and_an_empty_one_means_none() -> None:
    own = prompts("nomic-embed-text", document_prompt="", query_prompt=r"find:\n")
    assert (own.document, own.query) == ("", "find:\n")


@pytest.mark.parametrize(
    "model", ["nomic-embed-text", "embeddinggemma", "qwen3-embedding:0.6b", "all-minilm", "mxbai-embed-large", "unheard-of"]
)
def test_vectors_that_were_made_before_stay_valid(model: str) -> None:
    assert prompts(model).version == PROMPT_VERSION


def test_vectors_of_documents_with_another_prompt_are_others() -> None:
    versions = {
        prompts(model, **given).version
        for model, given in (
            ("nomic-embed-text", {}),
            ("Nomic-Embed-Text", {}),  # had no prompt before its case was ignored
            ("nomic-embed-text", {"document_prompt": ""}),
            ("nomic-embed-text", {"document_prompt": "passage: "}),
            ("jina-code-embeddings-1.5b", {}),
        )
    }
    assert len(versions) == 5
    assert all(0 < version < 2**31 for version in versions)


def test_a_query_prompt_alone_makes_no_vector_of_a_document_invalid() -> None:
    assert prompts("all-minilm", query_prompt="query: ").version == PROMPT_VERSION
