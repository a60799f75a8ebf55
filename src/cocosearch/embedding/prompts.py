"""Prefixes in front of queries and documents, for each family of embedding models, so that both meet in the space they were trained for.

Ollama applies no template when it embeds (its server/routes.go), so the caller adds these.
"""

import re
from dataclasses import dataclass
from zlib import crc32

from cocosearch.embedding.names import base_name
from cocosearch.settings import Settings

# Part of the embedding cache's key: raise it with every change of the text that is embedded for a chunk.
PROMPT_VERSION = 2
# Versions of prompts of documents that PROMPT_VERSION 2 did not have begin here.
_FIRST_OWN_VERSION = 1_000_000
# An HNSW index of half vectors takes no more dimensions (pgvector).
MAX_DIMENSIONS = 4000


@dataclass(frozen=True, slots=True)
class Prompts:
    """Prefixes of one embedding model; `version` tells apart vectors of documents that were made with different ones."""

    document: str = ""
    query: str = ""
    version: int = PROMPT_VERSION


@dataclass(frozen=True, slots=True)
class Family:
    """Embedding models that were trained alike, with the prefixes that they want."""

    name: str
    document: str = ""
    query: str = ""
    # Trained so that the beginning of a vector is a vector too: an index may take fewer dimensions than the model makes.
    matryoshka: bool = False
    # Where it is more than an index takes, and no fewer can be asked for.
    dimensions: int | None = None


_SENTENCE = "Represent this sentence for searching relevant passages: "
_CODE = "Represent this query for searching relevant code: "

# By a pattern of the model's own name in lower case; the first that is found counts. Source: the model card of each, named behind it.
_FAMILIES: tuple[tuple[str, Family], ...] = (
    (r"nomic-embed-text", Family("nomic-embed-text", "search_document: ", "search_query: ")),  # nomic-ai/nomic-embed-text-v1.5, -v2-moe
    (r"nomic-embed-code", Family("nomic-embed-code", query=_CODE)),  # nomic-ai/nomic-embed-code
    (r"coderankembed", Family("CodeRankEmbed", query=_CODE)),  # nomic-ai/CodeRankEmbed
    # jinaai/jina-code-embeddings-0.5b, -1.5b: task nl2code
    (
        r"jina-code-embeddings",
        Family(
            "jina-code-embeddings",
            "Candidate code snippet:\n",
            "Find the most relevant code snippet given the following query:\n",
            matryoshka=True,
        ),
    ),
    (r"jina-embeddings-v2", Family("jina-embeddings-v2")),  # jinaai/jina-embeddings-v2-base-code: trained without
    # google/embeddinggemma-300m: task code retrieval
    (r"embeddinggemma", Family("embeddinggemma", "title: none | text: ", "task: code retrieval | query: ", matryoshka=True)),
    # Qwen/Qwen3-Embedding-8B: "Instruct: {task}\nQuery:{query}", the task in words of one's own; dimensions from 32 on
    (
        r"qwen3-embedding",
        Family(
            "qwen3-embedding",
            query="Instruct: Given a question about source code, retrieve the code that answers it\nQuery:",
            matryoshka=True,
        ),
    ),
    (r"snowflake-arctic-embed(2|.*v2)", Family("snowflake-arctic-embed2", query="query: ")),  # Snowflake/snowflake-arctic-embed-l-v2.0
    (r"snowflake-arctic-embed", Family("snowflake-arctic-embed", query=_SENTENCE)),  # Snowflake/snowflake-arctic-embed-m
    (r"mxbai-embed-large", Family("mxbai-embed-large", query=_SENTENCE)),  # mixedbread-ai/mxbai-embed-large-v1
    (r"bge-m3", Family("bge-m3")),  # BAAI/bge-m3: no instruction needed
    (r"bge-(large|base|small)", Family("bge", query=_SENTENCE)),  # BAAI/bge-large-en-v1.5
    (r"all-minilm|all-mpnet|paraphrase-multilingual", Family("sentence-transformers")),  # trained without
    (r"granite-embedding", Family("granite-embedding")),  # ibm-granite/granite-embedding-125m-english: trained without
    (r"multilingual-e5|e5-(large|base|small)", Family("e5", "passage: ", "query: ")),  # intfloat/multilingual-e5-large
    # intfloat/e5-mistral-7b-instruct, Salesforce/SFR-Embedding-Mistral, nvidia/NV-Embed-v2
    (r"e5-mistral|sfr-embedding-(2|mistral)|linq-embed-mistral|nv-embed-v", Family("mistral embeddings", dimensions=4096)),
)


def family_of(model: str) -> Family | None:
    """The family of a model, by its name wherever it comes from and however it is written; None for one that is not known here."""
    name = base_name(model)
    return next((family for pattern, family in _FAMILIES if re.search(rf"(?<![a-z0-9]){pattern}", name)), None)


def prompts_for(settings: Settings) -> Prompts:
    """Prefixes for the configured embedding model: those of the settings, else of its family; none for an unknown family."""
    family = family_of(settings.model) or Family(settings.model)
    document = family.document if settings.document_prompt is None else settings.document_prompt
    query = family.query if settings.query_prompt is None else settings.query_prompt
    return Prompts(document, query, _version(settings.model, document))


def unknown_family(settings: Settings) -> str | None:
    """What to look up where neither the model's family nor the settings say what stands in front of its texts; else None."""
    if family_of(settings.model) is not None or settings.query_prompt is not None or settings.document_prompt is not None:
        return None
    return (
        f"The family of '{settings.model}' is not known here: nothing is put in front of queries and code. If its model card asks for "
        "something, set COCOSEARCH_QUERY_PROMPT and COCOSEARCH_DOCUMENT_PROMPT; if it asks for nothing, set both to nothing."
    )


def _version(model: str, document: str) -> int:
    """Another one for every prompt, but for what is in databases since PROMPT_VERSION 2: those vectors stay valid."""
    name = model.rsplit("/", 1)[-1]
    before = {"nomic-embed-text": "search_document: ", "embeddinggemma": "title: none | text: "}
    as_before = next((prompt for beginning, prompt in before.items() if name.startswith(beginning)), "")
    return PROMPT_VERSION if document == as_before else _FIRST_OWN_VERSION + crc32(document.encode()) % 1_000_000_000
