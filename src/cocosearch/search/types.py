"""What goes into a search, what is weighed in it, and what comes out."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from cocosearch.database.models import RegisteredModel
from cocosearch.embedding.types import Vector
from cocosearch.errors import NoVectors
from cocosearch.lexicon.file_kinds import FileKind, file_kinds_of

# A project's id and a path in it.
File: TypeAlias = tuple[int, str]


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
    symbol: str | None = None  # only chunks that define this name, in any case; also qualified, as in Client.retry
    kind: str | None = None  # only chunks that define something of this kind
    whole_definitions: bool = False  # widen each hit to the definition that it is a part of
    max_tokens: int | None = None  # of all hits together, by `hit_tokens`
    explain: bool = False  # the signals are shown with each hit, and take room


@dataclass(frozen=True, slots=True)
class QueryVector:
    """A query's vector and the model that made it."""

    vector: Vector
    model: RegisteredModel


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk that an arm has found, with the measures of both."""

    chunk_id: int
    project_id: int
    path: str
    symbols: tuple[str, ...]
    bm25: float
    cosine: float | None  # None: the text has no vector (yet)
    arms: tuple[Arm, ...]
    is_data: bool = False

    @property
    def noise(self) -> frozenset[FileKind]:
        """What it is beside code. What a program has written is data often enough: that counts once."""
        noise = file_kinds_of(self.path) | {FileKind.DATA} if self.is_data else file_kinds_of(self.path)
        return noise - {FileKind.DATA} if FileKind.GENERATED in noise else noise

    @property
    def file(self) -> File:
        """What makes two chunks chunks of one file."""
        return self.project_id, self.path


@dataclass(frozen=True, slots=True)
class Signals:
    """What made a hit's score: the two measures, shares of the best mix that were added, factors. See `cocosearch.search.ranking`."""

    lexical: float  # share of the query's information that the chunk holds, 0 to 1
    cosine: float | None  # None: the chunk or the query has no vector
    mixed: float  # of the two, as a share of the best mix
    quoted_definition: float
    definition: float
    quoted_file: float
    file_name: float
    noise: float
    coherence: float = 0.0
    saturation: float = 1.0

    @property
    def boosted(self) -> float:
        """Before anything that depends on the other chunks of the file."""
        return self.mixed + self.quoted_definition + self.definition + self.quoted_file + self.file_name

    @property
    def score(self) -> float:
        """1.0 is the best mix without any signal."""
        return (self.boosted + self.coherence) * self.noise * self.saturation


@dataclass(frozen=True, slots=True)
class Hit:
    """Code that answers the query; lines are 1-based and inclusive, the path is relative to the project's root."""

    project: str
    path: str
    start_line: int
    end_line: int
    language: str
    symbol: str | None  # of what it defines, the one that the query asks for, else the first
    enclosing: str | None  # qualified name of the definition that it is a part of
    score: float  # comparable within one response only
    arms: tuple[Arm, ...]
    text: str
    signals: Signals


@dataclass(frozen=True, slots=True)
class IndexState:
    """How complete and how fresh the index of a project is that the answer comes from."""

    project: str
    state: str
    chunks: int
    chunks_embedded: int  # of them, found by meaning too
    indexed_at: datetime | None
    checked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time of a search went, in milliseconds."""

    embed_ms: float
    sql_ms: float
    total_ms: float


class Degraded(StrEnum):
    """Why an answer is less than the same search gives when all is well; the first that holds."""

    EMBEDDING_SERVER_AWAY = NoVectors.SERVER_AWAY.value
    EMBEDDING_SERVER_FAILED = NoVectors.SERVER_FAILED.value
    MODEL_MISSING = NoVectors.MODEL_MISSING.value
    NOTHING_INDEXED = "nothing_indexed"
    VECTORS_INCOMPLETE = "vectors_incomplete"  # some code is found by its words alone, as its vectors are still being made


@dataclass(frozen=True, slots=True)
class SearchResponse:
    """Hits, best first."""

    hits: tuple[Hit, ...]
    note: str | None  # for a reader, where there is something to say of the answer
    degraded: Degraded | None
    indexes: tuple[IndexState, ...]
    timings: Timings
