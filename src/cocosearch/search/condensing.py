"""A query that is too long to be one, a stack trace or a whole log, as its telling parts: messages, names, files."""

import re
from collections.abc import Iterator

# What is read of a text, from both of its ends.
MAX_READ = 60_000
MAX_LINE = 400
# Rooms in the condensed query: for messages, and for the names in the other lines.
MESSAGES, NAMES = 900, 900

_MESSAGE = re.compile(
    r"^(?:caused by|suppressed|panic|fatal|error|exception|unhandled|uncaught|traceback|assertion|failed|fail|e\s{2,})\b"
    r"|\b\w*(?:error|exception|panicked|panic|fault|failure|warning)\b[^\w(]"
    r"|\b(?:cannot|could not|can't|unable to|undefined|unexpected|expected|no such|not found|denied|timed out|refused|invalid)\b",
    re.IGNORECASE,
)
_FRAME = re.compile(r"^(?:at\s|file \"|\d+:\s|goroutine\s|\.{3}\s|from\s+\S+:\d|#\d+\s|-->|\t)", re.IGNORECASE)
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
    """The telling parts of a long text, the first and the last before those in between; the text's beginning where nothing tells."""
    lines = _lines(text)
    messages = list(
        _within(dict.fromkeys(line for line in _from_both_ends(lines) if _MESSAGE.search(line) and not _FRAME.match(line)), MESSAGES)
    )
    said = "\n".join(messages)
    names = _within((name for name in _names(lines) if name not in said), NAMES)
    return f"{said}\n{' '.join(names)}".strip() or text[: MESSAGES + NAMES]


def _lines(text: str) -> list[str]:
    if len(text) > 2 * MAX_READ:
        text = f"{text[:MAX_READ]}\n{text[-MAX_READ:]}"
    return [line.strip()[:MAX_LINE] for line in text.splitlines() if line.strip()]


def _from_both_ends(lines: list[str]) -> Iterator[str]:
    """First, last, second, last but one: the cause stands at the end in Python and in chains, at the beginning elsewhere."""
    for index in range((len(lines) + 1) // 2):
        yield lines[index]
        yield lines[-1 - index]


def _within(parts: Iterator[str] | dict[str, None], room: int) -> Iterator[str]:
    """As many of them as there is room for."""
    for part in parts:
        if len(part) <= room:
            yield part
            room -= len(part) + 1


def _names(lines: list[str]) -> Iterator[str]:
    """Distinct names of files and definitions."""
    seen: set[str] = set()
    for line in _from_both_ends(lines):
        for match in _NAME.finditer(line):
            for name in _names_in(match[0]):
                if name.lower() not in seen:
                    seen.add(name.lower())
                    yield name


def _names_in(run: str) -> Iterator[str]:
    file = _FILE.search(run)
    if file and ("/" in run or "\\" in run):
        yield file[1]
        return
    parts = _IDENTIFIER.findall(run)
    for part in parts[-2:] if len(parts) > 1 else parts:
        if part.lower() not in _COMMON and len(part) > 2 and (len(parts) > 1 or _TELLING.search(part)):  # noqa: PLR2004 - a name, not a letter
            yield part
