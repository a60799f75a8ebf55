"""The dense pass: vectors for the texts that have none, beside the pass that writes the rows and independent of it.

What is missing is what the database says: a pass that was cut off is taken up where it ended, by whichever run comes next.
"""

import math
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from cocosearch.database.connection import Pool
from cocosearch.database.embeddings import MissingText, missing_texts, store_embeddings, unsynced
from cocosearch.database.models import use_model
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.embedding.pacing import REQUESTS_IN_FLIGHT, Pacing
from cocosearch.embedding.types import Refusal, Vector
from cocosearch.indexing.engine.embedded_text import embedded_text
from cocosearch.lexicon.file_kinds import file_kinds_of

# Chunks that one look at the database brings.
WINDOW = 512
# Between two looks while rows are still being written and all of those that are there have their vectors.
LOOK_SECONDS = 0.1
# A text that the model finds too long is halved so often at most: 2^6 pieces of a text that was estimated to fit.
MAX_HALVINGS = 6


@dataclass(slots=True)
class DenseCounts:
    """What a run's passes asked of the model."""

    embedded: int = 0
    refused: int = 0
    # Of the rows that the run itself wrote: the rest of their texts had been embedded before.
    asked_for_new_rows: int = 0


@dataclass(slots=True)
class DensePass:
    """Runs in threads of its own within `with`. It begins by asking for the model, which may have to be loaded: no row waits for that."""

    client: OllamaClient
    pool: Pool
    project_id: int
    pacing: Pacing
    counts: DenseCounts
    # Rows with greater ids are new in this run.
    last_old_row: int
    _rows_complete: threading.Event = field(default_factory=threading.Event)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _under_way: set[bytes] = field(default_factory=set)
    _choosing: threading.Lock = field(default_factory=threading.Lock)
    _counting: threading.Lock = field(default_factory=threading.Lock)
    _executor: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(REQUESTS_IN_FLIGHT + 1, "dense-pass"))
    _pass: "Future[None] | None" = None

    def __enter__(self) -> "DensePass":
        self._pass = self._executor.submit(self._run)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._executor.shutdown(wait=True)

    def rows_complete(self) -> None:
        """No more rows will come that this pass has to see."""
        self._rows_complete.set()

    def wait(self, seconds: float | None) -> bool:
        """Wait so long for the end: every text has its vector or a refusal. False if it goes on.

        Raises:
            EmbeddingUnavailableError, DatabaseUnavailableError: a service is down; what has been made is kept.
            HeldUpError: the database is busy or a disk full, likewise.
        """
        assert self._pass is not None  # noqa: S101 - within `with`
        try:
            self._pass.result(seconds)
        except TimeoutError:
            return False
        return True

    def _run(self) -> None:
        model = self.client.describe_model()
        with self.pool.connection() as connection:
            model_id = use_model(connection, self.project_id, model)
        batches = self._batches(model_id)
        workers = [self._executor.submit(self._work, model_id, batches) for _ in range(REQUESTS_IN_FLIGHT)]
        wait(workers)
        for worker in workers:
            worker.result()

    def _work(self, model_id: int, batches: Iterator[list[MissingText]]) -> None:
        """Embed and store, batch after batch; whatever ends one worker ends the others."""
        try:
            with self.pool.connection() as connection, unsynced(connection):
                while batch := self._next(batches):
                    vectors = self._embed(batch)
                    store_embeddings(connection, model_id, vectors)
                    self._count(batch, vectors)
        finally:
            self._stopped.set()

    def _next(self, batches: Iterator[list[MissingText]]) -> list[MissingText]:
        with self._choosing:
            batch = next(batches, [])
            with self._counting:
                self._under_way.update(missing.digest for missing in batch)
            return batch

    def _batches(self, model_id: int) -> Iterator[list[MissingText]]:
        """Texts without a vector, but for those under way; ends when there are none and no rows will come.

        The code comes first, for that is what searches want to find; tests, documents and the like come when all of it has been taken, and
        while rows are still being written no more of them at a time than keeps the model busy.
        """
        seen = 0
        while not self._stopped.is_set():
            complete = self._rows_complete.is_set()
            # The ids of rows become visible out of their order: only looks from the beginning that find nothing are an end.
            found, seen = yield from self._look_through(model_id, lambda path: not file_kinds_of(path), after=0 if complete else seen)
            if not found:
                found, _ = yield from self._look_through(model_id, lambda _: True, one_batch=not complete)
            if not found and complete:
                return
            if not found:
                self._rows_complete.wait(LOOK_SECONDS)

    def _look_through(
        self, model_id: int, wanted: Callable[[str], bool], *, after: int = 0, one_batch: bool = False
    ) -> Generator[list[MissingText], None, tuple[bool, int]]:
        """The texts of wanted paths in chunks with ids above `after`, all or one batch; returns whether there were any, and the last id."""
        found = False
        while not self._stopped.is_set():
            with self._counting:
                known = self._under_way.copy()  # before the look: what was stored until then is seen by it
            with self.pool.connection() as connection:
                window = missing_texts(connection, self.project_id, model_id, after, WINDOW)
            after = window[-1].chunk_id if window else after
            texts = list({each.digest: each for each in window if each.digest not in known and wanted(each.path)}.values())
            found = found or bool(texts)
            while texts and not self._stopped.is_set():
                size = self.pacing.batch_size()
                yield texts[:size]
                if one_batch:
                    return True, after
                del texts[:size]
            if len(window) < WINDOW:
                break
        return found, after

    def _count(self, batch: list[MissingText], vectors: Mapping[bytes, Vector | None]) -> None:
        refused = sum(vector is None for vector in vectors.values())
        with self._counting:
            self._under_way.difference_update(vectors)
            self.counts.embedded += len(vectors) - refused
            self.counts.refused += refused
            self.counts.asked_for_new_rows += sum(missing.chunk_id > self.last_old_row for missing in batch)

    def _embed(self, batch: list[MissingText]) -> dict[bytes, Vector | None]:
        return {
            missing.digest: self._in_halves(missing, MAX_HALVINGS) if answer is Refusal.TOO_LONG else _vector(answer)
            for missing, answer in zip(batch, self._ask(batch), strict=True)
        }

    def _ask(self, texts: list[MissingText]) -> list[Vector | Refusal]:
        with self.pacing.request(len(texts)):
            return self.client.embed_documents([embedded_text(each.path, each.enclosing, each.text) for each in texts])

    def _in_halves(self, missing: MissingText, halvings: int) -> Vector | None:
        """Mean of the vectors of a text's parts; None where the model refuses them all."""
        if not halvings or len(missing.text) < 2:  # noqa: PLR2004 - one character has no halves
            return None
        halves = [MissingText(missing.chunk_id, missing.digest, missing.path, missing.enclosing, half) for half in split_text(missing.text)]
        answers = self._ask(halves)
        vectors = [
            self._in_halves(half, halvings - 1) if answer is Refusal.TOO_LONG else _vector(answer)
            for half, answer in zip(halves, answers, strict=True)
        ]
        return mean([vector for vector in vectors if vector is not None])


def split_text(text: str) -> tuple[str, str]:
    """A text of two characters or more in two parts: at the line that ends nearest before its middle, else in the middle."""
    middle = len(text) // 2
    cut = text.rfind("\n", 0, middle) + 1 or middle
    return text[:cut], text[cut:]


def mean(vectors: list[Vector]) -> Vector | None:
    """The unit vector in the middle of unit vectors; None of none, or where they cancel each other out."""
    total = [sum(values) for values in zip(*vectors, strict=True)]
    length = math.hypot(*total)
    return [value / length for value in total] if length else None


def _vector(answer: Vector | Refusal) -> Vector | None:
    return None if isinstance(answer, Refusal) else answer
