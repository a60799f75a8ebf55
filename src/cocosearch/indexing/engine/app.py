"""The engine's app: one memoised component for each file, whose rows are its target."""

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path

import cocoindex as coco

from cocosearch.errors import IndexingError
from cocosearch.indexing.engine.children import Children
from cocosearch.indexing.engine.flow import Recipe
from cocosearch.indexing.engine.rows import declare_file_rows
from cocosearch.indexing.sources.listing import SourceFile

# The engine's store takes keys of at most 511 bytes, its own prefix among them, and writes some characters as two bytes.
MAX_KEY_BYTES = 200


@dataclass(frozen=True, slots=True)
class ComponentContext:
    """What a component works with; not part of the memo's key."""

    root: Path
    children: Children


COMPONENT_CONTEXT = coco.ContextKey[ComponentContext]("cocosearch/component-context")


def engine_key(path: str) -> str | bytes:
    """Name of a file's component: its path, or the digest of one that is too long for the engine."""
    encoded = path.encode()
    return path if len(encoded) <= MAX_KEY_BYTES else hashlib.sha256(encoded).digest()


@coco.fn
async def index_files(files: list[SourceFile], recipe: Recipe) -> None:
    """The app's main function: one component for each file; a file that is no longer listed loses its rows."""
    await coco.mount_each(index_file, [(engine_key(file.path), file) for file in files], recipe)


@coco.fn(memo=True, logic_tracking=None)
async def index_file(file: SourceFile, recipe: Recipe) -> None:
    """Make the rows of one file; skipped by the engine while neither the file's stamp nor the recipe changes."""
    context = coco.use_context(COMPONENT_CONTEXT)
    try:
        rows = await asyncio.wrap_future(context.children.begin(context.root, file.path, recipe))
    except IndexingError as error:
        raise IndexingError(f"{file.path}: {error}") from error
    declare_file_rows(file.path, rows)
