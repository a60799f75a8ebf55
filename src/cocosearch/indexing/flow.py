"""From a file to its rows: what the process does that reads files (cocosearch.indexing.child), so nothing heavy is imported here."""

from dataclasses import dataclass
from pathlib import Path

from cocosearch.indexing.chunking import Chunk, estimate_tokens, split
from cocosearch.indexing.content import read_text
from cocosearch.indexing.definitions import definitions_of
from cocosearch.indexing.embedding import MAX_PLACE_CHARACTERS, embedded_digest
from cocosearch.indexing.file_rows import ChunkRow, FileRows
from cocosearch.indexing.languages import detect_language
from cocosearch.indexing.skips import SkipReason
from cocosearch.terms import document_weights

# Raise it when the same file would make other rows: it is part of every memo's key.
ROWS_VERSION = 5


@dataclass(frozen=True, slots=True)
class Recipe:
    """What makes rows from a file, beside the file: a change makes every file new to the engine."""

    chunk_characters: int
    max_tokens: int
    max_file_bytes: int
    rows_version: int = ROWS_VERSION


def rows_of(root: Path, path: str, recipe: Recipe) -> FileRows:
    """Read a file of the project at `root` and make its rows.

    Raises:
        OSError: the file vanished, or its disk fails; its rows are to stay as they are.
    """
    language = detect_language(path)
    text = read_text(root, path, recipe.max_file_bytes)
    return FileRows(language, text, (), ()) if isinstance(text, SkipReason) else make_rows(path, language, text, recipe)


def make_rows(path: str, language: str, text: str, recipe: Recipe) -> FileRows:
    """Rows of a file with text."""
    definitions = definitions_of(text, language)
    chunks = split(text, language, definitions, recipe.chunk_characters, recipe.max_tokens - estimate_tokens(path[-MAX_PLACE_CHARACTERS:]))
    return FileRows(language, None, tuple(_row(path, chunk) for chunk in chunks), definitions)


def _row(path: str, chunk: Chunk) -> ChunkRow:
    return ChunkRow(
        start_line=chunk.start_line,
        end_line=chunk.end_line,
        symbols=list(chunk.symbols),
        enclosing=chunk.enclosing,
        text=chunk.text,
        embedded_digest=embedded_digest(path, chunk.enclosing, chunk.text),
        weights=document_weights(path, chunk.symbols, chunk.enclosing, chunk.text),
    )
