"""Whether the files of a project have changed, and how often that may be asked: by the indexer's loop, and by a run beside its vectors."""

import hashlib
import time
from dataclasses import dataclass

from cocosearch.indexing.chunking.chunks import DEFAULT_CHUNK_CHARACTERS
from cocosearch.indexing.engine.flow import Recipe
from cocosearch.indexing.sources.listing import Listing, list_files
from cocosearch.projects import Project
from cocosearch.settings import Settings

# Inspecting large trees, or many, costs processor time: a tenth of a core's at most.
PAUSE_PER_INSPECTION = 9.0


@dataclass(frozen=True, slots=True)
class Inspection:
    """The files of a project at one time, and what rows are made of them with."""

    project: Project
    listing: Listing
    recipe: Recipe
    digest: bytes  # of both: equal ones make the same rows
    elapsed: float  # seconds that it took
    processor: float  # of them, processor time


def inspect(settings: Settings, project: Project, context_tokens: int) -> Inspection:
    """List the files of a project, in a thread that does nothing else meanwhile.

    Args:
        settings: of this process.
        project: with its configuration as it is now.
        context_tokens: window of the embedding model, which chunks have to fit into.

    Raises:
        IndexingError: the root cannot be listed.
    """
    began, processor_began = time.monotonic(), time.thread_time()  # of this thread alone: listing starts no program
    listing = list_files(project, settings)
    recipe = Recipe(
        chunk_characters=project.config.chunk_size or DEFAULT_CHUNK_CHARACTERS,
        max_tokens=context_tokens,
        max_file_bytes=settings.max_file_bytes,
    )
    digest = hashlib.sha256(listing.digest() + repr(recipe).encode()).digest()
    return Inspection(project, listing, recipe, digest, time.monotonic() - began, time.thread_time() - processor_began)


def pause_after(refresh_seconds: float, elapsed: float, processor: float) -> float:
    """Seconds until a project is inspected again.

    An inspection that only waited for a busy machine or disk costs no more than its length.

    Args:
        refresh_seconds: the shortest pause.
        elapsed: seconds that the last inspection took.
        processor: processor time, in seconds, of the last inspections of all projects that take turns with it.
    """
    return max(refresh_seconds, elapsed, PAUSE_PER_INSPECTION * processor)
