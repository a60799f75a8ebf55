"""Where a text is cut: spans of lines along its definitions."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from cocosearch.indexing.chunking.definitions import Definition, Kind

# A definition is worth being whole: it may be so much longer than the target.
WHOLE = 1.5
# What stands above the first member of a large definition is a chunk of its own from this part of the target on.
HEADER = 0.25
# A part of a long function is at least this part of the target, so that there is a choice of where to cut.
LEAST = 0.4
_CLOSING = re.compile(r"\W*(?:end\b\W*)?(?:namespace\b.*)?$")
_CONTINUES = re.compile(
    r"\s*(?:[)\]}>|]|&&|\.|\?|:|(?:else|elif|elsif|elseif|except|finally|rescue|ensure|catch|end|fi|done|esac|then|do|in|of|where|and|or)\b)"
)
_AFTER_BLANK = 8  # columns of indentation that a blank line above is worth
_NEVER = 1000
_VALUES = frozenset({Kind.FIELD, Kind.CONSTANT, Kind.VARIABLE, Kind.KEY})
_TAB = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a chunk is meant to be, and may be (in tokens)."""

    target: int
    budget: int

    @property
    def whole(self) -> int:
        """Length up to which one definition stays in one piece."""
        return int(self.target * WHOLE)


class Lines:
    """Sizes of the lines of a text, 1-based and inclusive."""

    def __init__(self, lines: list[str], tokens: Iterable[int], budget: int) -> None:
        self.lines = lines
        self._characters = list(accumulate((len(line) + 1 for line in lines), initial=0))
        self._tokens = list(accumulate(tokens, initial=0))
        self._budget = budget

    def characters(self, start: int, end: int) -> int:
        """Characters from the first line through the last."""
        return self._characters[end] - self._characters[start - 1] - 1

    def fits(self, start: int, end: int, characters: int) -> bool:
        """Whether the lines are short enough, and within the model's window."""
        return self.characters(start, end) <= characters and self._tokens[end] - self._tokens[start - 1] <= self._budget

    def blank(self, line: int) -> bool:
        """Whether nothing but space stands on the line."""
        return not self.lines[line - 1].strip()


@dataclass(slots=True)
class _Region:
    start: int
    end: int
    children: "list[_Region]" = field(default_factory=list)
    defines: bool = True
    value: bool = False  # a field or a constant: part of what the header of a class tells


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    alone_before: bool = False  # not in one chunk with what stands before
    alone_after: bool = False


def spans(lines: Lines, definitions: Sequence[Definition], limits: Limits) -> Iterator[tuple[int, int]]:
    """First and last line of each chunk, in order; every line is in one of them, blank ones may end up in a span of their own."""
    begin = end = 0
    closed = False
    for piece in _pieces(lines, _tree(definitions, len(lines.lines)), limits):
        closes = not piece.alone_after and _closes(lines, piece)
        most = limits.whole if closes else limits.target
        if begin and (closes or not (closed or piece.alone_before)) and lines.fits(begin, piece.end, most):
            end, closed = piece.end, closed or piece.alone_after
            continue
        if begin:
            yield begin, end
        begin, end, closed = piece.start, piece.end, piece.alone_after
    if begin:
        yield begin, end


def _closes(lines: Lines, piece: _Piece) -> bool:
    """Whether nothing but brackets or an `end` stands there."""
    return all(_CLOSING.match(lines.lines[line - 1]) for line in range(piece.start, piece.end + 1))


def _tree(definitions: Sequence[Definition], line_count: int) -> _Region:
    """Regions of whole lines, each in what encloses it; of two that share a line the first keeps it."""
    root = _Region(1, line_count, defines=False)
    around = [root]
    for each in sorted(definitions, key=lambda each: (each.start_line, -each.end_line)):
        while each.start_line > around[-1].end:
            around.pop()
        outer = around[-1]
        taken = outer.children[-1].end if outer.children else 0
        if each.end_line > outer.end or each.start_line <= taken or (each.start_line, each.end_line) == (outer.start, outer.end):
            continue
        region = _Region(each.start_line, each.end_line, value=each.kind in _VALUES)
        outer.children.append(region)
        around.append(region)
    return root


def _pieces(lines: Lines, root: _Region, limits: Limits) -> Iterator[_Piece]:
    """What chunks are made of: small definitions, what stands between them, and the parts of large ones."""
    waiting = [root]
    border = False
    while waiting:
        region = waiting.pop()
        if region.start > region.end:  # the border of a large definition
            border = True
        elif all(lines.blank(line) for line in range(region.start, region.end + 1)):
            continue
        elif lines.fits(region.start, region.end, limits.whole if region.defines and region.children == [] else limits.target):
            yield _Piece(region.start, region.end, alone_before=border)
            border = False
        elif region.children:
            members = _members(region, lines, limits)
            # Nothing from around a large definition shares a chunk with its parts.
            waiting.extend(reversed([_Region(1, 0), *members, _Region(1, 0)] if region.defines else members))
        else:
            parts = list(_parts(lines, region.start, region.end, limits))
            for start, end in parts:
                yield _Piece(start, end, alone_before=border or start != region.start, alone_after=region.defines)
                border = False


def _members(region: _Region, lines: Lines, limits: Limits) -> list[_Region]:
    """The children of a region and what stands between them; a long header is fenced off."""
    first = next((child.start for child in region.children if not child.value), region.start)
    fence = region.defines and lines.characters(region.start, max(region.start, first - 1)) >= limits.target * HEADER
    members: list[_Region] = []
    position = region.start
    for child in region.children:
        if child.start > position:
            members.append(_Region(position, child.start - 1, defines=False))
        if fence and child.start == first > region.start:
            members.append(_Region(1, 0))
        members.append(child)
        position = child.end + 1
    if position <= region.end:
        members.append(_Region(position, region.end, defines=False))
    return members


def _parts(lines: Lines, start: int, end: int, limits: Limits) -> Iterator[tuple[int, int]]:
    """A long run of lines in parts, cut where a statement of the outer level begins, after a blank line if there is one."""
    while not lines.fits(start, end, limits.target):
        last = start
        while last < end and lines.fits(start, last + 1, limits.target):
            last += 1
        if last == end:
            break
        first = start
        while first < last and lines.characters(start, first) < limits.target * LEAST:
            first += 1
        cut = min(range(first, last + 1), key=lambda line: (_cost(lines, line + 1), -line))
        yield start, cut
        start = cut + 1
    yield start, end


def _cost(lines: Lines, line: int) -> int:
    """What it costs to begin a chunk with the line; the least is best."""
    written = lines.lines[line - 1].expandtabs(_TAB)
    stripped = written.lstrip()
    if not stripped or _CONTINUES.match(stripped):
        return _NEVER
    return len(written) - len(stripped) - (_AFTER_BLANK if lines.blank(line - 1) else 0)
