"""A definition as a reader of one language sees it, before the names of what it stands in are known."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from cocosearch.indexing.chunking.definitions.kinds import Kind

MAX_NAME = 200


@dataclass(slots=True)
class Found:
    """Bytes and lines (1-based, inclusive) of a definition and of its name."""

    kind: Kind
    name: str
    scope: str
    begin: int
    end: int
    start_line: int
    end_line: int
    name_begin: int
    name_line: int
    pattern: int = 0  # place in the query file: of two that name the same, the earlier tells the kind
    level: int = 0  # from 1 on: it reaches to the next of the same or a smaller level


class Lines:
    """Line numbers of places in a text."""

    def __init__(self, data: bytes) -> None:
        self._begins = list(accumulate((len(line) + 1 for line in data.split(b"\n")), initial=0))

    def __call__(self, position: int) -> int:
        """1-based line of a byte."""
        return bisect_right(self._begins, position)
