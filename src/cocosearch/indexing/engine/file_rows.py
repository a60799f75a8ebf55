"""What the database is to hold of a file: plain values, which the process that reads files sends to the one that writes rows."""

import hashlib
from dataclasses import dataclass

from cocosearch.indexing.chunking.definitions import Definition
from cocosearch.indexing.sources.skips import SkipReason
from cocosearch.lexicon.terms import DATA_MARK


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """One chunk, ready for the database."""

    start_line: int
    end_line: int
    symbols: list[str]
    enclosing: str | None
    text: str
    embedded_digest: bytes
    weights: dict[int, float]
    language: str | None = None  # where it is another than the file's: a cell of a notebook
    is_data: bool = False

    def terms(self) -> list[int]:
        """Numbers of its terms, in order, with the mark of data."""
        return sorted([*self.weights, DATA_MARK] if self.is_data else self.weights)

    def weights_from_zero(self) -> dict[int, float]:
        """As the Python side of pgvector counts dimensions; SQL shows them from one, as terms are numbered."""
        return {number - 1: weight for number, weight in self.weights.items()}


@dataclass(frozen=True, slots=True)
class FileRows:
    """What the database is to hold of one file; a file without text has a reason instead of chunks."""

    language: str
    skip_reason: SkipReason | None
    chunks: tuple[ChunkRow, ...]
    definitions: tuple[Definition, ...]

    def fingerprint(self) -> bytes:
        """Changes with anything that a row holds."""
        return hashlib.sha256(repr(self).encode()).digest()
