"""The dense pass: vectors for the texts that have none, beside the pass that writes the rows and independent of it.

What is missing is what the database says: a pass that was cut off is taken up where it ended, by whichever run comes next.
"""

import math
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import psycopg
from psycopg_pool import PoolTimeout

from cocosearch.database.connection import Pool, unavailable
from cocosearch.database.models import MissingText, missing_texts, store_embeddings
from cocosearch.errors import CocosearchError
from cocosearch.indexing.embedding import embedded_text
from cocosearch.ollama import OllamaClient, Refusal, Vector

# Two requests under way keep the server busy while the answer of one is stored; more would only make a search wait longer behind them.
REQUESTS_IN_FLIGHT = 2
# Chunks that one look at the database brings.
WINDOW = 512
# Between two looks while rows are still being written and all of those that are there have their vectors.
LOOK_SECONDS = 0.1
# A text that the model finds too long is halved so often at most: 2^6 pieces of a text that was estimated to fit.
MAX_HALVINGS = 6


@dataclass(slots=True)
class DenseCounts:
    """What a pass asked of the model."""

    embedded: int = 0
    refused: int = 0


@dataclass(slots=True)
class DensePass:
    """Runs in threads of its own within `with`; `finish` waits for its end."""

    client: OllamaClient
    pool: Pool
    project_id: int
    model_id: int
    batch_size: int
    counts: DenseCounts = field(default_factory=DenseCounts)
    _rows_complete: threading.Event = field(default_factory=threading.Event)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _executor: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(REQUESTS_IN_FLIGHT + 1, "dense-pass"))
    _pass: "Future[None] | None" = None

    def __enter__(self) -> "DensePass":
        self._pass = self._executor.submit(self._run)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._executor.shutdown(wait=True)

    def finish(self) -> None:
        """No more rows will come: wait until all of their texts have vectors or refusals.

        Raises:
            EmbeddingUnavailableError, DatabaseUnavailableError: a service is down; what has been made is kept.
        """
        self._rows_complete.set()
        assert self._pass is not None  # noqa: S101 - started by the same run
        try:
            self._pass.result()
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise unavailable(error) from error

    def _run(self) -> None:
        under_way: dict[Future[None], list[MissingText]] = {}
        asked: set[bytes] = set()
        for batch in self._batches(asked):
            asked.update(missing.digest for missing in batch)
            under_way[self._executor.submit(self._embed_and_store, batch)] = batch
            while len(under_way) >= REQUESTS_IN_FLIGHT:
                self._await_one(under_way, asked)
        while under_way:
            self._await_one(under_way, asked)

    def _await_one(self, under_way: dict[Future[None], list[MissingText]], asked: set[bytes]) -> None:
        done, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for future in done:
            batch = under_way.pop(future)
            future.result()
            asked.difference_update(missing.digest for missing in batch)

    def _batches(self, asked: set[bytes]) -> Iterator[list[MissingText]]:
        """Distinct texts without a vector, but for those under way; ends when there are none and no rows will come."""
        after, found, complete = 0, False, self._rows_complete.is_set()
        while not self._stopped.is_set():
            known = asked.copy()  # before the look: what was stored until then is seen by it
            with self.pool.connection() as connection:
                window = missing_texts(connection, self.project_id, self.model_id, after, WINDOW)
            wanted = {missing.digest: missing for missing in window if missing.digest not in known}
            texts = list(wanted.values())
            for begin in range(0, len(texts), self.batch_size):
                if self._stopped.is_set():
                    return
                found = True
                yield texts[begin : begin + self.batch_size]
            if len(window) == WINDOW:
                after = window[-1].chunk_id
                continue
            # The ids of rows become visible out of their order, so that only a look from the beginning that finds nothing is an end.
            if not found and complete:
                return
            if not found:
                self._rows_complete.wait(LOOK_SECONDS)
            after, found, complete = 0, False, self._rows_complete.is_set()

    def _embed_and_store(self, batch: list[MissingText]) -> None:
        texts = [embedded_text(missing.path, missing.enclosing, missing.text) for missing in batch]
        answers = self.client.embed_documents(texts)
        vectors = {
            missing.digest: self._in_halves(missing, MAX_HALVINGS) if answer is Refusal.TOO_LONG else _vector(answer)
            for missing, answer in zip(batch, answers, strict=True)
        }
        with self.pool.connection() as connection:
            store_embeddings(connection, self.model_id, vectors)
        refused = sum(vector is None for vector in vectors.values())
        self.counts.embedded += len(vectors) - refused
        self.counts.refused += refused

    def _in_halves(self, missing: MissingText, halvings: int) -> Vector | None:
        """Mean of the vectors of a text's parts; None where the model refuses them all."""
        if not halvings or len(missing.text) < 2:  # noqa: PLR2004 - one character has no halves
            return None
        halves = [MissingText(missing.chunk_id, missing.digest, missing.path, missing.enclosing, half) for half in halve(missing.text)]
        answers = self.client.embed_documents([embedded_text(half.path, half.enclosing, half.text) for half in halves])
        vectors = [
            self._in_halves(half, halvings - 1) if answer is Refusal.TOO_LONG else _vector(answer)
            for half, answer in zip(halves, answers, strict=True)
        ]
        return mean([vector for vector in vectors if vector is not None])


def halve(text: str) -> tuple[str, str]:
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
