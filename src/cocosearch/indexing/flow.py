"""The engine's app: one memoised component for each file, whose rows are its target."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import cocoindex as coco

from cocosearch.indexing.chunking import Chunk, estimate_tokens, split
from cocosearch.indexing.content import read_text
from cocosearch.indexing.definitions import definitions_of
from cocosearch.indexing.embedding import embedded_digest
from cocosearch.indexing.listing import SkipReason, SourceFile
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
    text = read_text(workshop.root, file.path, recipe.max_file_bytes)
    if isinstance(text, SkipReason):
        declare_file_rows(file.path, FileRows(detect_language(file.path), text, (), ()))
        return
    language = detect_language(file.path, text)
    declare_file_rows(file.path, await asyncio.to_thread(make_rows, file.path, language, text, recipe))


def make_rows(path: str, language: str, text: str, recipe: Recipe) -> FileRows:
    """Rows of a file with text."""
    definitions = definitions_of(text, language)
    chunks = split(text, language, definitions, recipe.chunk_characters, recipe.max_tokens - estimate_tokens(path))
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
