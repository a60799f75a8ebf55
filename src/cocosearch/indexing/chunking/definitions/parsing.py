"""A text's syntax tree, in bounded time: some texts make a grammar try without end, and such a text is read without one."""

import re
import time
from typing import TYPE_CHECKING

from cocosearch.indexing.chunking.definitions.grammars import Source, loaded

if TYPE_CHECKING:
    from tree_sitter import Node, Point

# Larger texts are generated or data; nobody looks for their definitions.
MAX_BYTES = 4_194_304
# The parser reports every hundredth step. Code takes a report for 70 to 120 bytes, some Scala one for 2; a text that takes far more is
# one that the grammar makes no progress with.
BYTES_PER_REPORT = 2
MIN_REPORTS = 20_000
# For scanners that are slow within one step. Counted in processor time, so that a busy machine reads what an idle one reads.
MAX_SECONDS = 3.0
# The scanners of some grammars keep what is open in a buffer of 1,024 bytes, and end the process where it is full.
MAX_BLOCK_DEPTH = 100
# Nobody writes code that is nested so deep, and what a query remembers grows with the square of it.
MAX_DEPTH = 500
# Matches that a query may have begun at one time; of code it needs a few dozen.
MATCH_LIMIT = 65_536
# Definitions deeper in the tree are not looked for: chains of calls and operators make trees as deep as they are long.
MAX_TREE_DEPTH = 1_000

_BLOCK_MARK = re.compile(rb"(?:>|[-*+?:](?=\s|$)|\d{1,9}[.)](?=\s))[ \t]*")
_LINE_GRAMMARS = frozenset({"yaml", "markdown"})


def matches(data: bytes, source: Source) -> "list[tuple[int, dict[str, list[Node]]]]":
    """What the language's query finds: index of the pattern and captured nodes; [] where the text cannot be parsed in bounds."""
    from tree_sitter import Parser, QueryCursor

    if len(data) > MAX_BYTES or is_too_deep(data, source.grammar):
        return []
    grammar, query = loaded(source)
    progress = _Progress(data)
    parser = Parser(grammar)
    try:
        bounded = parser.parse(progress.read, progress_callback=progress.stops)
    except ValueError:
        if progress.stopped:
            return []
        raise
    if progress.stopped:
        return []
    # The binding crashes where a query compares the text of a tree that was read by a callback; this takes the whole old tree over.
    tree = parser.parse(data, bounded)
    cursor = QueryCursor(query, match_limit=MATCH_LIMIT)
    cursor.set_max_start_depth(MAX_TREE_DEPTH)
    return cursor.matches(tree.root_node)


class _Progress:
    """Hands the text to the parser, and stops it where it takes too long. The text outlives the parse: nothing is copied.

    The parser does not ask whether to stop within a step, and skipping what is no token is one step however long: then the text ends early.
    """

    def __init__(self, data: bytes) -> None:
        self.stopped = False
        self._view = memoryview(data)
        self._left = MIN_REPORTS + len(data) // BYTES_PER_REPORT
        self._end = time.thread_time() + MAX_SECONDS

    def read(self, offset: int, _point: "Point") -> memoryview:
        return self._view[len(self._view) if self._takes_too_long() else offset :]

    def stops(self, _offset: int, _has_error: bool) -> bool:
        return self._takes_too_long()

    def _takes_too_long(self) -> bool:
        self._left -= 1
        self.stopped = self.stopped or self._left < 0 or time.thread_time() > self._end
        return self.stopped


def is_too_deep(data: bytes, grammar: str) -> bool:
    """Whether a text is nested deeper than a grammar bears, by what a quick look at its marks shows; also within strings and comments."""
    if grammar in _LINE_GRAMMARS:
        return _block_depth(data) > MAX_BLOCK_DEPTH or _bracket_depth(data) > MAX_DEPTH
    if grammar == "kotlin" and _bracket_depth(data, b"{", b"}") > MAX_BLOCK_DEPTH:
        return True
    return _bracket_depth(data) > MAX_DEPTH


def _bracket_depth(data: bytes, opening: bytes = b"([{", closing: bytes = b")]}") -> int:
    """Brackets open at once, whatever their kinds, but for those that close what is not open."""
    depth = deepest = 0
    for mark in data.translate(None, delete=bytes(set(range(256)) - set(opening + closing))):
        if mark in opening:
            depth += 1
            deepest = max(deepest, depth)
        elif depth:
            depth -= 1
    return deepest


def _block_depth(data: bytes) -> int:
    """Blocks that may be open at once in YAML or Markdown: by indentation, and by several list marks or quotes on one line."""
    open_: list[int] = []
    deepest = 0
    for line in data.split(b"\n"):
        content = line.lstrip(b" \t")
        if not content.strip():
            continue
        indent = len(line) - len(content)
        while open_ and open_[-1] >= indent:
            open_.pop()
        open_.append(indent)
        marks, position = 0, indent
        while mark := _BLOCK_MARK.match(line, position):
            marks, position = marks + 1, mark.end()
        deepest = max(deepest, 2 * len(open_) + marks)
    return deepest
