"""A query that is too long to be one, a stack trace or a whole log, as its telling parts: messages, names, files."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

# What is read of a text, from both of its ends.
MAX_READ = 60_000
MAX_LINE = 400
# Rooms in the condensed query: for messages, and for the names in the other lines; each more name takes weight from the others.
MESSAGES, NAMES = 900, 400
# Frames before and after a message that are likely to tell of its place.
NEAR = 3

_MESSAGE = re.compile(
    r"^(?:caused by|suppressed|panic|fatal|error|exception|unhandled|uncaught|traceback|assertion|failed|fail|e\s{2,})\b"
    r"|\b\w*(?:error|exception|panicked|panic|fault|failure|warning)\b[^\w(]"
    r"|\b(?:cannot|could not|can't|unable to|undefined|unexpected|expected|no such|not found|denied|timed out|refused|invalid)\b",
    re.IGNORECASE,
)
_FRAME = re.compile(r"^(?:at\s|file \"|\d+:\s|goroutine\s|\.{3}\s|from\s+\S+:\d|#\d+\s|-->|\t)", re.IGNORECASE)
# Lines that stand in every trace.
_FRAMING = re.compile(
    r"^(?:traceback \(most recent|the above exception was|during handling of the above|stack backtrace:|-+ end of|note: |goroutine )",
    re.IGNORECASE,
)
# Frames of what others wrote.
_FOREIGN = re.compile(
    r"site-packages|dist-packages|node_modules|node:internal|/rustc/|/usr/(?:local/)?(?:go|lib)/|\blib/python\d"
    r"|^at (?:[\w.]+/)?(?:java|javax|jakarta|jdk|sun|com\.sun|kotlin|scala|System|Microsoft)\."
    r"|^at (?:[\w.]+/)?org\.(?:springframework|apache|junit|hibernate|eclipse)\."
    r"|^\d+: <?(?:\w+ as )?(?:core|std|alloc|test|__rustc)::"
)
# Source that a trace quotes.
_CODE = re.compile(r"[;{]$|^(?:def|function|class|return|raise|throw)\b")
# Names of files, qualified names, and identifiers that no sentence has; each a run that is read once.
_NAME = re.compile(r"[\w./\\:$#<>~-]{3,160}")
_FILE = re.compile(r"([\w.-]{1,80}\.[A-Za-z]{1,5})(?::\d+)*$")
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")
_TELLING = re.compile(r"_\w|[a-z][A-Z]|^[A-Z][a-z]+[A-Z]|\(\)$")
# Parts of every path and package.
_COMMON = frozenset(
    """
    anonymous app bin call com core dist file home init internal java lib line local main modules module net node object org packages
    python runtime self site src std this usr www
    """.split()  # noqa: SIM905 - a list of words reads as words
)


def condense(text: str) -> str:
    """The telling parts of a long text, the first and the last before those in between; its two ends where nothing tells."""
    lines = _lines(text)
    said = [index for index in range(len(lines)) if _is_message(lines, index)]
    messages = "\n".join(_within(dict.fromkeys(lines[index] for index in _from_both_ends(said)), MESSAGES))
    others = [index for index in _near_first(said, len(lines)) if index not in set(said)]
    names = _within((name for name in _names(lines[index] for index in others) if name not in messages), NAMES)
    return f"{messages}\n{' '.join(names)}".strip() or f"{text[:MESSAGES]} {text[-MESSAGES:]}"


def _lines(text: str) -> list[str]:
    if len(text) > 2 * MAX_READ:
        text = f"{text[:MAX_READ]}\n{text[-MAX_READ:]}"
    lines = [line.strip() for line in text.splitlines()]
    return [line[begin : begin + MAX_LINE] for line in lines for begin in range(0, len(line), MAX_LINE)]


def _is_message(lines: list[str], index: int) -> bool:
    line = lines[index]
    if _FRAME.match(line) or _FRAMING.match(line) or _CODE.search(line):
        return False
    # A panic's message stands below the line that says so.
    return _MESSAGE.search(line) is not None or (index > 0 and "panicked at" in lines[index - 1])


def _from_both_ends(items: Sequence[T]) -> Iterator[T]:
    """First, last, second, last but one: the cause stands at the end in Python and in chains, at the beginning elsewhere."""
    for index in range((len(items) + 1) // 2):
        yield items[index]
        yield items[-1 - index]


def _near_first(said: Sequence[int], count: int) -> dict[int, None]:
    """All lines, those beside a message before the others."""
    steps = [step for distance in range(1, NEAR + 1) for step in (distance, -distance)]
    near = [index + step for index in _from_both_ends(said) for step in steps if 0 <= index + step < count]
    return dict.fromkeys([*near, *_from_both_ends(range(count))])


def _within(parts: Iterable[str], room: int) -> Iterator[str]:
    """As many of them as there is room for."""
    for part in parts:
        if len(part) <= room:
            yield part
            room -= len(part) + 1


def _names(lines: Iterable[str]) -> Iterator[str]:
    """Distinct names of files and definitions, those of others' code last."""
    seen: set[str] = set()
    foreign: list[str] = []
    for line in lines:
        for match in _NAME.finditer(line):
            for name in _names_in(match[0]):
                if name.lower() in seen:
                    continue
                seen.add(name.lower())
                if _FOREIGN.search(line):
                    foreign.append(name)
                else:
                    yield name
    yield from foreign


def _names_in(run: str) -> Iterator[str]:
    file = _FILE.search(run)
    if file and ("/" in run or "\\" in run):
        yield file[1]
        return
    parts = _IDENTIFIER.findall(run)
    for part in parts[-2:] if len(parts) > 1 else parts:
        if part.lower() not in _COMMON and len(part) > 2 and (len(parts) > 1 or _TELLING.search(part)):  # noqa: PLR2004 - a name, not a letter
            yield part
