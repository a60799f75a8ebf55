"""What goes into a search and what comes out."""

from dataclasses import dataclass
from enum import StrEnum


class Arm(StrEnum):
    """One of the two ways a chunk is found: by its words, or by the meaning of its embedding."""

    LEXICAL = "lexical"
    DENSE = "dense"


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A query and its filters; filters hold before fusion, so they never starve the result."""

    query: str
    limit: int = 10
    project: str | None = None
    language: str | None = None
    path_glob: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that answers the query; lines are 1-based and inclusive, the path is relative to the project's root."""

    project: str
    path: str
    start_line: int
    end_line: int
    language: str
    symbol: str | None
    score: float  # 0..1, comparable within one response only
    arms: tuple[Arm, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time of a search went, in milliseconds."""

    embed_ms: float
    sql_ms: float
    total_ms: float


@dataclass(frozen=True, slots=True)
class SearchResponse:
    """Hits, best first; the note is a sentence when the answer is less than it could be (an arm is down, no index yet)."""

    hits: tuple[Hit, ...]
    note: str | None
    timings: Timings
