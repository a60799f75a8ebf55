"""Vectors of the queries that were asked last: the same question again needs no embedding server."""

import threading
from collections import OrderedDict

from cocosearch.embedding.types import Vector

# At 1,024 dimensions less than 10 MB.
KNOWN_QUERIES = 256


class KnownQueries:
    """Safe for threads; holds the vectors asked for last."""

    def __init__(self) -> None:
        self._vectors: OrderedDict[tuple[str, str], Vector] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, digest: str, text: str) -> Vector | None:
        """The vector that the model of that digest made of the text, if it is kept."""
        key = (digest, text)
        with self._lock:
            if key not in self._vectors:
                return None
            self._vectors.move_to_end(key)
            return self._vectors[key]

    def keep(self, digest: str, text: str, vector: Vector) -> None:
        """Keep a vector, in the place of the one that was asked for longest ago."""
        with self._lock:
            self._vectors[digest, text] = vector
            while len(self._vectors) > KNOWN_QUERIES:
                self._vectors.popitem(last=False)
