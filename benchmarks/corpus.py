"""Many projects as rows and vectors, written as the product writes them, without waiting for a model to read them all."""

import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy
from benchmarks.vectors import without_vector_index
from numpy.typing import NDArray

from cocosearch.database.connection import Pool
from cocosearch.database.embeddings import missing_texts, store_embeddings
from cocosearch.database.models import use_model
from cocosearch.database.projects import register_project
from cocosearch.database.statistics import refresh_statistics
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.embedding.types import Model, Refusal, Vector
from cocosearch.indexing.chunking.chunks import DEFAULT_CHUNK_CHARACTERS
from cocosearch.indexing.engine.embedded_text import embedded_text
from cocosearch.indexing.engine.file_rows import FileRows
from cocosearch.indexing.engine.flow import Recipe, make_rows
from cocosearch.indexing.engine.rows import RowStore
from cocosearch.indexing.progress import store_progress
from cocosearch.indexing.sources.content import read_text
from cocosearch.indexing.sources.listing import SkipReason, list_files
from cocosearch.lexicon.languages import detect_language
from cocosearch.projects import load_project
from cocosearch.settings import Settings

WORKERS = 2
WINDOW = 512
WRITERS = 4
FILES_AT_ONCE = 400
CHUNKS_A_FILE = 20
# Length of the noise that makes another vector of a unit vector: the cosine of the two is about 0.85, as that of a text and its neighbour.
NOISE = 0.6
SEED = 7

File = tuple[str, str]  # a project's directory and a path in it


def list_corpus(directory: Path, settings: Settings, without: Sequence[str]) -> list[File]:
    """The files of all projects in a directory, mixed, so that each beginning of the list is a small picture of the whole."""
    files: list[File] = []
    for root in sorted(path for path in directory.iterdir() if path.is_dir() and path.name not in without):
        listing = list_files(load_project(root, root.name), settings)
        files.extend((str(root), file.path) for file in listing.files)
    random.Random(SEED).shuffle(files)  # noqa: S311 - an order, no secret
    return files


def rows_of(file: File, recipe: Recipe) -> FileRows | None:
    """Rows of one file; None where it has no text."""
    root, path = file
    text = read_text(Path(root), path, recipe.max_file_bytes)
    return None if isinstance(text, SkipReason) else make_rows(path, detect_language(path, text), text, recipe)


@dataclass
class Vectors:
    """Where the vectors of texts come from: known ones, then the embedding server or, if `synthetic`, known ones with noise."""

    client: OllamaClient
    known: Mapping[bytes, NDArray[numpy.float32]]
    synthetic: bool
    counts: dict[str, int] = field(default_factory=lambda: {"known": 0, "of the server": 0, "synthetic": 0})

    def of(self, texts: Mapping[bytes, str]) -> dict[bytes, Vector | None]:
        """Vectors by the digests of their texts."""
        found: dict[bytes, Vector | None] = {digest: self.known[digest].tolist() for digest in texts if digest in self.known}
        self.counts["known"] += len(found)
        missing = {digest: text for digest, text in texts.items() if digest not in found}
        if self.synthetic:
            found |= {digest: self._made_up(digest) for digest in missing}
            self.counts["synthetic"] += len(missing)
        elif missing:
            answers = self.client.embed_documents(list(missing.values()))
            found |= {digest: None if isinstance(answer, Refusal) else answer for digest, answer in zip(missing, answers, strict=True)}
            self.counts["of the server"] += len(missing)
        return found

    def _made_up(self, digest: bytes) -> Vector:
        numbers = numpy.random.default_rng(list(digest))
        vector = self._real[int(numbers.integers(len(self._real)))]
        vector = vector + NOISE / len(vector) ** 0.5 * numbers.standard_normal(len(vector))
        made: Vector = (vector / numpy.linalg.norm(vector)).tolist()
        return made

    @cached_property
    def _real(self) -> NDArray[numpy.float32]:
        assert self.known, "--synthetic needs kept vectors: noise alone is nothing like a text"
        return numpy.array(list(self.known.values()))


class Growing:
    """A corpus that is written bit by bit."""

    def __init__(self, pool: Pool, vectors: Vectors, model: Model, files: Sequence[File], settings: Settings) -> None:
        self._pool = pool
        self._vectors = vectors
        self._model = model
        self._files = list(reversed(files))
        self._recipe = Recipe(DEFAULT_CHUNK_CHARACTERS, model.context_tokens, settings.max_file_bytes)
        self._projects: dict[str, int] = {}
        self.chunks = 0

    def to(self, chunks: int) -> bool:
        """Write files until there are so many chunks; False if the corpus ends before."""
        with ProcessPoolExecutor(WORKERS) as workers, ThreadPoolExecutor(WRITERS) as writers:
            while self.chunks < chunks and self._files:
                # As many as may be missing, at a few chunks a file: the last steps are small.
                count = max(WRITERS, min(FILES_AT_ONCE, (chunks - self.chunks) // CHUNKS_A_FILE))
                files = [self._files.pop() for _ in range(min(count, len(self._files)))]
                for root, _ in files:
                    self._register(root)
                made = workers.map(rows_of, files, [self._recipe] * len(files), chunksize=2)
                self.chunks += sum(writers.map(self._write, files, made))
        with self._pool.connection() as connection, without_vector_index(connection):
            list(map(self._add_vectors, self._projects.values()))
        self._count()
        return self.chunks >= chunks

    def _register(self, root: str) -> None:
        if root not in self._projects:
            with self._pool.connection() as connection:
                self._projects[root] = register_project(connection, Path(root).name, Path(root))
                use_model(connection, self._projects[root], self._model)

    def _write(self, file: File, rows: FileRows | None) -> int:
        if rows is None:
            return 0
        RowStore(self._pool, self._projects[file[0]]).replace(file[1], rows)
        return len(rows.chunks)

    def _add_vectors(self, project_id: int) -> None:
        with self._pool.connection() as connection:
            model_id = use_model(connection, project_id, self._model)
            after = 0
            while window := missing_texts(connection, project_id, model_id, after, WINDOW):
                after = window[-1].chunk_id
                texts = {each.digest: embedded_text(each.path, each.enclosing, each.text) for each in window}
                store_embeddings(connection, model_id, self._vectors.of(texts))

    def _count(self) -> None:
        """What a run leaves for searches, and autovacuum some time after it."""
        with self._pool.connection() as connection:
            for project_id in self._projects.values():
                progress = store_progress(connection, project_id, 0, 0)
                refresh_statistics(connection, project_id, chunks=progress.chunks)
            connection.execute("VACUUM ANALYZE")
