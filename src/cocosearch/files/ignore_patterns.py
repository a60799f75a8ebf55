"""Patterns of gitignore(5), matched as git matches them, byte by byte, but in time linear in the path's length whatever the pattern.

Git's own matcher, and every one that tries alternatives in turn, can be kept busy for years by `*a*a*a*a*a*b`. Each pattern is therefore
translated to an expression of RE2.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import re2

# Longer ones are no patterns that a person wrote.
MAX_PATTERN_BYTES = 1024
# Patterns are tried together, in groups: one that none of them matches costs one call.
_GROUP_PATTERNS = 64
_GROUP_BYTES = 8192
# Of one group, for the program and the states of its automaton: RE2 goes on without keeping states where they would need more.
_GROUP_MEMORY = 2 * 1024 * 1024

# After the path of a directory, where no name can have it: tells patterns for directories alone from the others.
DIRECTORY_MARK = b"\0"
_ANY = rb"[^\x00]*"
_ANY_IN_NAME = rb"[^/\x00]*"
_ONE_IN_NAME = rb"[^/\x00]"
_DIRECTORIES = rb"(?:[^\x00]*/)?"
_WILDCARDS = b"*?[\\"
_END = 256  # behind the last byte
_CLASSES = {
    "alnum": rb"[0-9A-Za-z]",
    "alpha": rb"[A-Za-z]",
    "blank": rb"[ \t]",
    "cntrl": rb"[\x00-\x1f\x7f]",
    "digit": rb"[0-9]",
    "graph": rb"[\x21-\x7e]",
    "lower": rb"[a-z]",
    "print": rb"[\x20-\x7e]",
    "punct": rb"[!-/:-@\[-`{-~]",
    "space": rb"[ \t\n\v\f\r]",
    "upper": rb"[A-Z]",
    "xdigit": rb"[0-9A-Fa-f]",
}
_MEMBERS = {
    name: frozenset(value for value in range(_END) if re.match(expression, bytes([value]))) for name, expression in _CLASSES.items()
}


def _options() -> "re2.Options":
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    options.log_errors = False
    options.max_mem = _GROUP_MEMORY
    return options


_OPTIONS = _options()


class _NeverMatchesError(Exception):
    """Git can match nothing with this pattern, such as one whose bracket is not closed."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern: what it matches, and whether that is then ignored (False after `!`)."""

    expression: bytes
    ignores: bool

    def matches(self, text: bytes) -> bool:
        """Whether it matches the path; DIRECTORY_MARK follows that of a directory."""
        return bool(re2.compile(self.expression, _OPTIONS).fullmatch(text))


@dataclass(frozen=True)
class _Group:
    first: int
    rules: Sequence[Rule]

    @cached_property
    def together(self) -> "re2._Regexp":
        return re2.compile(b"|".join(b"(?:" + rule.expression + b")" for rule in self.rules), _OPTIONS)

    def last_match(self, text: bytes) -> int:
        if self.together.fullmatch(text) is None:
            return -1
        if len(self.rules) == 1:
            return self.first
        return next(self.first + number for number in reversed(range(len(self.rules))) if self.rules[number].matches(text))


class Rules:
    """Patterns in the order of their file: the last one that matches a path decides."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._groups = tuple(_grouped(self.rules))[::-1]

    def __bool__(self) -> bool:
        return bool(self.rules)

    def last_match(self, text: bytes) -> int:
        """Number of the last rule that matches a path, -1 for none; DIRECTORY_MARK follows the path of a directory."""
        for group in self._groups:
            found = group.last_match(text)
            if found >= 0:
                return found
        return -1


def _grouped(rules: Sequence[Rule]) -> Iterable[_Group]:
    first = size = 0
    for number, rule in enumerate(rules):
        if number > first and (number - first >= _GROUP_PATTERNS or size + len(rule.expression) > _GROUP_BYTES):
            yield _Group(first, rules[first:number])
            first, size = number, 0
        size += len(rule.expression)
    if first < len(rules):
        yield _Group(first, rules[first:])


def read_lines(content: bytes) -> Iterable[bytes]:
    """The lines of an ignore file as git takes them apart; a NUL ends the line that it is in."""
    for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        pattern = line.removesuffix(b"\r").partition(b"\0")[0]
        if pattern and not pattern.startswith(b"#"):
            yield pattern


def parse_rule(line: bytes) -> Rule | None:
    """The rule of one line; None where it can match nothing.

    Raises:
        ValueError: it is longer than MAX_PATTERN_BYTES.
    """
    if len(line) > MAX_PATTERN_BYTES:
        raise ValueError(f"a pattern is longer than {MAX_PATTERN_BYTES} bytes")
    pattern = _without_trailing_spaces(line)
    ignores = not pattern.startswith(b"!")
    pattern = pattern if ignores else pattern[1:]
    directories_only = pattern.endswith(b"/")
    pattern = pattern.removesuffix(b"/")
    try:
        body = _translate_path(pattern) if b"/" in pattern else _DIRECTORIES + _translate(pattern, in_path=False)
    except _NeverMatchesError:
        return None
    return Rule(body + (rb"\x00" if directories_only else rb"\x00?"), ignores) if pattern.strip(b"/") else None


def _without_trailing_spaces(line: bytes) -> bytes:
    """Without the spaces at its end, unless a backslash keeps the first of them."""
    end = position = 0
    while position < len(line):
        if line[position] == ord("\\"):
            position += 2
            end = position
        else:
            position += 1
            end = end if line[position - 1] == ord(" ") else position
    return line[:end]


def _translate_path(pattern: bytes) -> bytes:
    """A pattern with a slash: git compares what comes before the first wildcard as it is, and begins anew behind it."""
    pattern = pattern.removeprefix(b"/")
    literal = next((number for number, value in enumerate(pattern) if value in _WILDCARDS), len(pattern))
    return _literal(pattern[:literal]) + _translate(pattern[literal:], in_path=True)


def _translate(pattern: bytes, *, in_path: bool) -> bytes:
    """As git's wildmatch.c, with WM_PATHNAME for a pattern `in_path`."""
    translated: list[bytes] = []
    position = 0
    while position < len(pattern):
        value = pattern[position : position + 1]
        if value == b"*":
            part, position = _translate_stars(pattern, position, in_path=in_path)
        elif value == b"?":
            part, position = _ONE_IN_NAME, position + 1
        elif value == b"[":
            part, position = _translate_bracket(pattern, position + 1)
        elif value == b"\\":
            if position + 1 == len(pattern):
                raise _NeverMatchesError
            part, position = _literal(pattern[position + 1 : position + 2]), position + 2
        else:
            part, position = _literal(value), position + 1
        translated.append(part)
    return b"".join(translated)


def _translate_stars(pattern: bytes, position: int, *, in_path: bool) -> tuple[bytes, int]:
    """`*`, or `**` where it stands alone between slashes."""
    end = position
    while pattern[end : end + 1] == b"*":
        end += 1
    alone = position == 0 or pattern[position - 1 : position] == b"/"
    rest = pattern[end : end + 2]
    if not in_path or end - position == 1 or not alone or not (rest in {b"", b"\\/"} or rest.startswith(b"/")):
        return _ANY_IN_NAME, end
    if rest.startswith(b"/"):
        return _DIRECTORIES, end + 1
    return _ANY, end


def _translate_bracket(pattern: bytes, position: int) -> tuple[bytes, int]:
    """`[...]`, from behind its opening: never a slash, and `]` as its first character is one of its members."""
    negated = pattern[position : position + 1] in {b"!", b"^"}
    position += negated
    members: set[int] = set()
    previous = 0
    first = True
    while first or pattern[position : position + 1] != b"]":
        first = False
        if position >= len(pattern):
            raise _NeverMatchesError
        position, previous = _read_member(pattern, position, previous, members)
    found = frozenset(range(1, _END)) - members if negated else members
    found -= {0, ord("/")}
    if not found:
        raise _NeverMatchesError
    return b"[" + b"".join(_ranges(sorted(found))) + b"]", position + 1


def _ranges(values: Sequence[int]) -> Iterable[bytes]:
    first = last = values[0]
    for value in (*values[1:], _END):
        if value == last + 1 and value != _END:
            last = value
            continue
        yield rb"\x%02x-\x%02x" % (first, last)
        first = last = value


def _read_member(pattern: bytes, position: int, previous: int, members: set[int]) -> tuple[int, int]:
    """One member of a bracket; returns where the next begins, and the member that a range may begin with, else 0."""
    value = pattern[position]
    if value == ord("-") and previous and pattern[position + 1 : position + 2] not in {b"", b"]"}:
        end, position = _unescaped(pattern, position + 1)
        members.update(range(previous, end + 1))
        return position, 0
    if pattern[position : position + 2] == b"[:":
        closing = pattern.find(b"]", position + 2)
        if closing < 0:
            raise _NeverMatchesError
        if closing > position + 2 and pattern[closing - 1] == ord(":"):
            name = pattern[position + 2 : closing - 1].decode("latin-1")
            if name not in _MEMBERS:
                raise _NeverMatchesError
            members.update(_MEMBERS[name])
            return closing + 1, 0
    value, position = _unescaped(pattern, position)
    members.add(value)
    return position, value


def _unescaped(pattern: bytes, position: int) -> tuple[int, int]:
    """The byte at a place of a bracket, or the one behind a backslash there, and where the next is."""
    if pattern[position] == ord("\\"):
        position += 1
        if position == len(pattern):
            raise _NeverMatchesError
    return pattern[position], position + 1


def _literal(text: bytes) -> bytes:
    return b"".join(bytes([value]) if chr(value).isascii() and chr(value).isalnum() else rb"\x%02x" % value for value in text)
