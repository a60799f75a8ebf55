"""The engine's app: one memoised component for each file, whose rows are its target."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import cocoindex as coco

from cocosearch.indexing.chunking import Chunk, estimate_tokens, split
from cocosearch.indexing.content import read_notebook, read_text
from cocosearch.indexing.data import is_data_chunk, is_data_file, shortened
from cocosearch.indexing.definitions import Definition, definitions_of
from cocosearch.indexing.embedding import embedded_digest
from cocosearch.indexing.listing import SkipReason, SourceFile
from cocosearch.indexing.notebooks import Notebook, is_notebook
from cocosearch.indexing.rows import ChunkRow, FileRows, declare_file_rows
from cocosearch.lexicon.languages import detect_language
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


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a component works with; not part of the memo's key."""

    root: Path


WORKSHOP = coco.ContextKey[Workshop]("cocosearch/workshop")


@coco.fn
async def index_files(files: list[SourceFile], recipe: Recipe) -> None:
    """The app's main function: one component for each file; a file that is no longer listed loses its rows."""
    await coco.mount_each(index_file, [(file.path, file) for file in files], recipe)


@coco.fn(memo=True, logic_tracking=None)
async def index_file(file: SourceFile, recipe: Recipe) -> None:
    """Make the rows of one file; skipped by the engine while neither the file's stamp nor the recipe changes."""
    workshop = coco.use_context(WORKSHOP)
    read = read_notebook if is_notebook(file.path) else read_text
    content = read(workshop.root, file.path, recipe.max_file_bytes)
    if isinstance(content, SkipReason):
        declare_file_rows(file.path, FileRows(detect_language(file.path), content, (), ()))
    elif isinstance(content, Notebook):
        declare_file_rows(file.path, await asyncio.to_thread(make_notebook_rows, file.path, content, recipe))
    else:
        language = detect_language(file.path, content)
        declare_file_rows(file.path, await asyncio.to_thread(make_rows, file.path, language, content, recipe))


def make_rows(path: str, language: str, text: str, recipe: Recipe) -> FileRows:
    """Rows of a file with text."""
    definitions = definitions_of(text, language)
    text = shortened(text)
    chunks = split(text, language, definitions, recipe.chunk_characters, recipe.max_tokens - estimate_tokens(path))
    all_data = is_data_file(path, language, text)
    rows = tuple(_row(path, chunk, is_data=all_data or is_data_chunk(language, chunk.text)) for chunk in chunks)
    return FileRows(language, None, rows, definitions)


def make_notebook_rows(path: str, notebook: Notebook, recipe: Recipe) -> FileRows:
    """Rows of a notebook: each cell by itself, in its own language."""
    rows: list[ChunkRow] = []
    definitions: list[Definition] = []
    max_tokens = recipe.max_tokens - estimate_tokens(path)
    for cell in notebook.cells:
        found = definitions_of(cell.for_parsing(), cell.language)
        chunks = cell.moved_chunks(split(shortened(cell.text), cell.language, found, recipe.chunk_characters, max_tokens))
        definitions.extend(cell.moved(found))
        rows.extend(_row(path, chunk, language=cell.language, is_data=is_data_chunk(cell.language, chunk.text)) for chunk in chunks)
    return FileRows(notebook.language, None, tuple(rows), tuple(definitions))


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
