"""From a file to its rows: what the process does that reads files (cocosearch.indexing.engine.child), so nothing heavy is imported here."""

from dataclasses import dataclass
from pathlib import Path

from cocosearch.indexing.chunking.chunks import Chunk, model_tokens, split
from cocosearch.indexing.chunking.data import is_data_chunk, is_data_file, shortened
from cocosearch.indexing.chunking.definitions import Definition, definitions_of
from cocosearch.indexing.chunking.notebooks import Notebook, is_notebook
from cocosearch.indexing.engine.embedded_text import MAX_PLACE_CHARACTERS, embedded_digest
from cocosearch.indexing.engine.file_rows import ChunkRow, FileRows
from cocosearch.indexing.sources.content import notebook_in, read_source, text_in
from cocosearch.indexing.sources.skips import SkipReason
from cocosearch.lexicon.languages import detect_language
from cocosearch.lexicon.terms import document_weights

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
    source = read_source(root, path, recipe.max_file_bytes)
    return skipped(path, source) if isinstance(source, SkipReason) else rows_from(path, source, recipe)


def rows_from(path: str, source: bytes, recipe: Recipe) -> FileRows:
    """Rows of a file's bytes."""
    content = notebook_in(source, path, recipe.max_file_bytes) if is_notebook(path) else text_in(source, path)
    if isinstance(content, SkipReason):
        return skipped(path, content)
    if isinstance(content, Notebook):
        return make_notebook_rows(path, content, recipe)
    return make_rows(path, detect_language(path, content), content, recipe)


def skipped(path: str, reason: SkipReason) -> FileRows:
    """What the database is to hold of a file that is not indexed."""
    return FileRows(detect_language(path), reason, (), ())


def make_rows(path: str, language: str, text: str, recipe: Recipe) -> FileRows:
    """Rows of a file with text."""
    definitions = definitions_of(text, language)
    text = shortened(text)
    chunks = split(text, language, definitions, recipe.chunk_characters, _max_tokens(path, recipe))
    all_data = is_data_file(path, language, text)
    rows = tuple(_row(path, chunk, is_data=all_data or is_data_chunk(language, chunk.text)) for chunk in chunks)
    return FileRows(language, None, rows, definitions)


def make_notebook_rows(path: str, notebook: Notebook, recipe: Recipe) -> FileRows:
    """Rows of a notebook: each cell by itself, in its own language."""
    rows: list[ChunkRow] = []
    definitions: list[Definition] = []
    max_tokens = _max_tokens(path, recipe)
    for cell in notebook.cells:
        found = definitions_of(cell.for_parsing(), cell.language)
        chunks = cell.moved_chunks(split(shortened(cell.text), cell.language, found, recipe.chunk_characters, max_tokens))
        definitions.extend(cell.moved(found))
        rows.extend(_row(path, chunk, language=cell.language, is_data=is_data_chunk(cell.language, chunk.text)) for chunk in chunks)
    return FileRows(notebook.language, None, tuple(rows), tuple(definitions))


def _max_tokens(path: str, recipe: Recipe) -> int:
    """Of a chunk: the model reads the file's path, or the end of a long one, before it."""
    return recipe.max_tokens - model_tokens(path[-MAX_PLACE_CHARACTERS:])


def _row(path: str, chunk: Chunk, *, is_data: bool, language: str | None = None) -> ChunkRow:
    return ChunkRow(
        start_line=chunk.start_line,
        end_line=chunk.end_line,
        symbols=list(chunk.symbols),
        enclosing=chunk.enclosing,
        text=chunk.text,
        embedded_digest=embedded_digest(path, chunk.enclosing, chunk.text),
        weights=document_weights(path, chunk.symbols, chunk.enclosing, chunk.text),
        language=language,
        is_data=is_data,
    )
