"""What must stand in front of a text, per model family, so that queries and documents meet in the space they were trained for.

Ollama applies no template when it embeds (its server/routes.go), so the caller adds these.
"""

from dataclasses import dataclass

# Part of the embedding cache's key: raise it with every change of a prefix or of the text that is embedded for a chunk.
PROMPT_VERSION = 2


@dataclass(frozen=True, slots=True)
class Prompts:
    """Prefixes of one model family."""

    document: str = ""
    query: str = ""


_RETRIEVAL_QUERY = "Represent this sentence for searching relevant passages: "

# By the beginning of the model's name in Ollama's library; the longest match counts. Source: the model card of each.
_FAMILIES: dict[str, Prompts] = {
    "nomic-embed-text": Prompts(document="search_document: ", query="search_query: "),  # nomic-ai/nomic-embed-text-v1.5
    "all-minilm": Prompts(),  # sentence-transformers/all-MiniLM-L6-v2: trained without
    "mxbai-embed-large": Prompts(query=_RETRIEVAL_QUERY),  # mixedbread-ai/mxbai-embed-large-v1
    "snowflake-arctic-embed2": Prompts(query="query: "),  # Snowflake/snowflake-arctic-embed-l-v2.0
    "snowflake-arctic-embed": Prompts(query=_RETRIEVAL_QUERY),  # Snowflake/snowflake-arctic-embed-m
    "bge-large": Prompts(query=_RETRIEVAL_QUERY),  # BAAI/bge-large-en-v1.5
    "bge-m3": Prompts(),  # BAAI/bge-m3: no instruction needed
    "embeddinggemma": Prompts(document="title: none | text: ", query="task: search result | query: "),  # google/embeddinggemma-300m
    "qwen3-embedding": Prompts(  # Qwen/Qwen3-Embedding-0.6B
        query="Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"
    ),
}


def prompts_for(model: str) -> Prompts:
    """Prefixes for a model by its name in Ollama (`family:tag`, `namespace/family:tag`); none for an unknown family."""
    family = model.rsplit("/", 1)[-1]
    matches = [known for known in _FAMILIES if family.startswith(known)]
    return _FAMILIES[max(matches, key=len)] if matches else Prompts()
