"""Vectors for the chunks of many files at once: from the cache, else from the model, in full batches."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from cocosearch.database.connection import Pool
from cocosearch.database.models import cached_embeddings, store_embeddings
from cocosearch.errors import CocosearchError
from cocosearch.ollama import OllamaClient, Refusal, Vector

# Two requests under way keep the server busy while the answer of one is stored; more would only make a search wait longer behind them.
REQUESTS_IN_FLIGHT = 2


@dataclass(slots=True)
class EmbeddingCounts:
    """What a run asked of the model; `embedded` + `cached` is what it needed."""

    embedded: int = 0
    cached: int = 0
    refused: int = 0


@dataclass(slots=True)
class _Wanted:
    text: str
    digest: bytes
    answer: "asyncio.Future[Vector | Refusal]"


@dataclass(slots=True)
class Embedder:
    """Collects texts of files that are processed side by side; lives within one event loop, used by `async with`."""

    client: OllamaClient
    pool: Pool
    model_id: int
    batch_size: int
    counts: EmbeddingCounts = field(default_factory=EmbeddingCounts)
    _queue: "asyncio.Queue[_Wanted]" = field(default_factory=asyncio.Queue)
    _pending: "dict[bytes, asyncio.Future[Vector | Refusal]]" = field(default_factory=dict)
    _workers: "list[asyncio.Task[None]]" = field(default_factory=list)
    _failure: CocosearchError | None = None

    async def __aenter__(self) -> "Embedder":
        self._workers = [asyncio.create_task(self._work()) for _ in range(REQUESTS_IN_FLIGHT)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def embed(self, texts: Sequence[str]) -> list[Vector | Refusal]:
        """Vectors in the texts' order, or why a text has none.

        Raises:
            EmbeddingUnavailableError: the server is gone; from then on every call fails at once.
        """
        digests = [hashlib.sha256(text.encode()).digest() for text in texts]
        known = await asyncio.to_thread(self._cached, digests)
        self.counts.cached += sum(digest in known for digest in digests)
        answers = [known[digest] if digest in known else await self._ask(text, digest) for text, digest in zip(texts, digests, strict=True)]
        return [await answer if isinstance(answer, asyncio.Future) else answer for answer in answers]

    async def _ask(self, text: str, digest: bytes) -> "asyncio.Future[Vector | Refusal]":
        if self._failure is not None:
            raise self._failure
        if digest not in self._pending:
            self._pending[digest] = asyncio.get_running_loop().create_future()
            await self._queue.put(_Wanted(text, digest, self._pending[digest]))
        return self._pending[digest]

    async def _work(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < self.batch_size and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            try:
                if self._failure is not None:
                    raise self._failure
                vectors = await asyncio.to_thread(self._embed_and_store, batch)
            except CocosearchError as error:
                self._failure = error
                for wanted in batch:
                    wanted.answer.set_exception(error)
                    wanted.answer.exception()  # retrieved: a file that failed for another reason may never await it
            else:
                for wanted, vector in zip(batch, vectors, strict=True):
                    wanted.answer.set_result(vector)
            for wanted in batch:
                del self._pending[wanted.digest]

    def _cached(self, digests: list[bytes]) -> dict[bytes, Vector]:
        with self.pool.connection() as connection:
            return cached_embeddings(connection, self.model_id, digests)

    def _embed_and_store(self, batch: list[_Wanted]) -> list[Vector | Refusal]:
        vectors = self.client.embed_documents([wanted.text for wanted in batch])
        made = {wanted.digest: vector for wanted, vector in zip(batch, vectors, strict=True) if not isinstance(vector, Refusal)}
        with self.pool.connection() as connection:
            store_embeddings(connection, self.model_id, made)
        self.counts.embedded += len(made)
        self.counts.refused += len(batch) - len(made)
        return vectors
