"""The engine's app: one memoised component for each file, whose rows are its target."""

from dataclasses import dataclass
from pathlib import Path

import cocoindex as coco

from cocosearch.indexing.chunking import Chunk, estimate_tokens, halve, split
from cocosearch.indexing.content import read_text
from cocosearch.indexing.definitions import definitions_of
from cocosearch.indexing.embedding import Embedder
from cocosearch.indexing.languages import detect_language
from cocosearch.indexing.listing import SkipReason, SourceFile
from cocosearch.indexing.rows import ChunkRow, FileRows, declare_file_rows
from cocosearch.ollama import Refusal, Vector
from cocosearch.terms import term_frequencies

# Raise it when the same file would make other rows: it is part of every memo's key.
ROWS_VERSION = 3
# A chunk that the model finds too long is halved so often at most; 2^6 pieces of a chunk that was estimated to fit.
MAX_HALVINGS = 6
# A name counts so many times more where it is defined: who asks for a name asks for its definition.
SYMBOL_WEIGHT = 3


@dataclass(frozen=True, slots=True)
class Recipe:
    """What makes rows from a file, beside the file: a change makes every file new to the engine."""

    model_id: int
    chunk_characters: int
    max_tokens: int
    max_file_bytes: int
    rows_version: int = ROWS_VERSION


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a component works with; not part of the memo's key."""

    root: Path
    embedder: Embedder


WORKSHOP = coco.ContextKey[Workshop]("cocosearch/workshop")


@coco.fn
async def index_files(files: list[SourceFile], recipe: Recipe) -> None:
    """The app's main function: one component for each file; a file that is no longer listed loses its rows."""
    await coco.mount_each(index_file, [(file.path, file) for file in files], recipe)


@coco.fn(memo=True, logic_tracking=None)
async def index_file(file: SourceFile, recipe: Recipe) -> None:
    """Make the rows of one file; skipped by the engine while neither the file's stamp nor the recipe changes."""
    workshop = coco.use_context(WORKSHOP)
    language = detect_language(file.path)
    text = read_text(workshop.root, file.path, recipe.max_file_bytes)
    if isinstance(text, SkipReason):
        declare_file_rows(file.path, FileRows(language, text, (), recipe.model_id))
        return
    definitions = definitions_of(text, language)
    chunks = split(text, language, definitions, recipe.chunk_characters, recipe.max_tokens - estimate_tokens(file.path))
    embedded = await _embed(workshop.embedder, file.path, chunks, MAX_HALVINGS)
    rows = tuple(_row(file.path, chunk, vector) for chunk, vector in embedded)
    declare_file_rows(file.path, FileRows(language, None, rows, recipe.model_id))


async def _embed(embedder: Embedder, path: str, chunks: list[Chunk], halvings: int) -> list[tuple[Chunk, Vector | None]]:
    """Chunks with their vectors, in order; one that the model finds too long comes back as its parts."""
    vectors = await embedder.embed([embedded_text(path, chunk) for chunk in chunks])
    result: list[tuple[Chunk, Vector | None]] = []
    for chunk, vector in zip(chunks, vectors, strict=True):
        if vector is Refusal.TOO_LONG and halvings and len(chunk.text) > 1:
            result.extend(await _embed(embedder, path, halve(chunk), halvings - 1))
        else:
            result.append((chunk, None if isinstance(vector, Refusal) else vector))
    return result


def embedded_text(path: str, chunk: Chunk) -> str:
    """What the model reads of a chunk: where it stands says much of what it is."""
    return f"{path}\n{chunk.text}"


def _row(path: str, chunk: Chunk, vector: Vector | None) -> ChunkRow:
    frequencies = term_frequencies("\n".join([path, *chunk.symbols * SYMBOL_WEIGHT, chunk.text]))
    return ChunkRow(
        start_line=chunk.start_line,
        end_line=chunk.end_line,
        symbols=list(chunk.symbols),
        text=chunk.text,
        terms=list(frequencies),
        frequencies=list(frequencies.values()),
        embedding=vector,
    )
