"""What the model reads of a chunk: a pure function of where the chunk stands and what it says."""

import hashlib

# Of a longer path, or of names within names, the model reads the end: most of its window is for the code.
MAX_PLACE_CHARACTERS = 300


def embedded_text(path: str, enclosing: str | None, text: str) -> str:
    """The text whose vector stands for a chunk; a change of this function needs another `cocosearch.embedding.prompts.PROMPT_VERSION`."""
    return "\n".join(part for part in (path[-MAX_PLACE_CHARACTERS:], (enclosing or "")[-MAX_PLACE_CHARACTERS:], text) if part)


def embedded_digest(path: str, enclosing: str | None, text: str) -> bytes:
    """Key of that text's vector."""
    return hashlib.sha256(embedded_text(path, enclosing, text).encode()).digest()
