"""What SQL of any dialect creates. No grammar reads the dialects' procedures, their quoting and their ways to end a statement."""

import codecs
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from cocosearch.indexing.chunking.definitions.found import MAX_NAME, Found, Lines
from cocosearch.indexing.chunking.definitions.kinds import Kind

_KINDS = {
    **dict.fromkeys(("FUNCTION", "PROCEDURE", "PROC", "AGGREGATE"), Kind.FUNCTION),
    **dict.fromkeys(("TYPE", "DOMAIN"), Kind.TYPE),
    **dict.fromkeys(("SCHEMA", "PACKAGE"), Kind.MODULE),
    **dict.fromkeys(
        (
            *("TABLE", "VIEW", "INDEX", "TRIGGER", "SEQUENCE", "EXTENSION", "ROLE", "USER", "DATABASE", "SYNONYM", "POLICY", "SERVER"),
            *("PUBLICATION", "SUBSCRIPTION", "TABLESPACE", "STAGE", "STREAM", "TASK", "EVENT", "RULE", "STATISTICS", "COLLATION", "LOGIN"),
        ),
        Kind.RESOURCE,
    ),
}
# Statements whose bodies hold statements; a package's body holds routines.
_ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "PROC", "TRIGGER", "EVENT"})
_BEFORE_NAME = frozenset({"IF", "NOT", "EXISTS", "CONCURRENTLY", "BODY", "ONLY"})
_NO_NAMES = frozenset({"ON", "AS", "IS", "AUTHORIZATION", "FOR", "WITH", "SET"})
_NOT_CLOSING = frozenset({"IF", "LOOP", "WHILE", "REPEAT", "FOR"})
_TRANSACTION = frozenset({"TRANSACTION", "TRAN", "WORK", "ISOLATION"})
# Words between CREATE and what is created: `CREATE OR REPLACE DEFINER=root@localhost SQL SECURITY INVOKER VIEW`.
_MOST_MODIFIERS = 16
_DOLLAR = rb"\$(?:[A-Za-z_]\w*)?\$"
_TOKEN = re.compile(
    rb"(?P<comment>--[^\n]*|/\*)|(?P<string>')|(?P<name>\"(?:[^\"\n]|\"\")+\"|`[^`\n]+`|\[[^\]\[\n]+\])|(?P<dollar>" + _DOLLAR + rb")"
    rb"|(?P<word>[A-Za-z_\x80-\xff][\w$#\x80-\xff]*)|(?P<mark>[;.()=@/])"
)
_BATCH = frozenset({b"GO", b"go", b"Go", b"/"})
_GO = re.compile(rb"[ \t]*(?:GO(?:[ \t]+\d+)?|/)[ \t\r]*(?:\n|$)", re.IGNORECASE)
_DELIMITER = re.compile(rb"DELIMITER[ \t]+(\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # word, name, string, comment, mark, or end: of a batch, by GO, `/` or a delimiter of MySQL's client
    text: str  # a word's in upper case
    begin: int
    end: int


def sql_definitions(data: bytes) -> tuple[list[Found], dict[int, int]]:
    """What the text creates, and the comments that stand alone on their lines: first line by last line."""
    lines = Lines(data)
    comments: dict[int, int] = {}
    found: list[Found] = []
    for statement in _statements(data, lines, comments):
        definition = _definition(statement, data, lines)
        if definition is not None:
            found.append(definition)
    return found, comments


def _tokens(data: bytes) -> Iterator[_Token]:
    """Tokens but space; strings and comments in one, whatever they hold."""
    dollars: dict[bytes, list[int]] = {}
    for tag in re.finditer(_DOLLAR, data):
        dollars.setdefault(tag[0], []).append(tag.start())
    delimiter = b""
    position = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    while (match := _TOKEN.search(data, position)) is not None:
        kind, begin, end = match.lastgroup or "", match.start(), match.end()
        if data[begin : begin + 3] == b"/*!" or (begin and data[begin - 1 : end] == b"*/"):  # what MySQL reads and others do not
            position = end
            continue
        if delimiter and (at := data.find(delimiter, position, max(end, begin + len(delimiter)))) >= 0:
            if at > begin:
                yield _token(kind, data, begin, at)
            position = at + len(delimiter)
            yield _token("end", data, at, position)
            continue
        if kind == "word" and (named := _DELIMITER.match(data, begin)) and _at_line_start(data, begin):
            delimiter = b"" if named[1] == b";" else named[1]
            kind, end = "end", named.end()
        elif match[0] in _BATCH and _at_line_start(data, begin) and (batch := _GO.match(data, begin)):
            kind, end = "end", batch.end()
        elif match[0] == b"/*":
            end = _after(data, b"*/", end)
        elif kind == "string":
            end = _after(data, b"'", end)
            while data[end - 2 : end - 1] == b"\\" and data[end : end + 1].isalnum():  # MySQL's 'it\'s', not 'c:\'
                end = _after(data, b"'", end)
        elif kind == "dollar":
            places = dollars[match[0]]
            index = bisect_left(places, end)
            kind, end = "string", places[index] + len(match[0]) if index < len(places) else end
        yield _token(kind, data, begin, end)
        position = end


def _token(kind: str, data: bytes, begin: int, end: int) -> _Token:
    text = data[begin:end].decode("utf-8", "replace") if kind in {"word", "name", "mark"} else ""
    return _Token(kind, text.upper() if kind == "word" else text, begin, end)


def _after(data: bytes, mark: bytes, position: int) -> int:
    at = data.find(mark, position)
    return at + len(mark) if at >= 0 else len(data)


def _at_line_start(data: bytes, position: int) -> bool:
    before = data[max(0, position - MAX_NAME) : position]
    return not before.rpartition(b"\n")[2].strip(b" \t\xef\xbb\xbf")


def _statements(data: bytes, lines: Lines, comments: dict[int, int]) -> Iterator[list[_Token]]:
    """Tokens of each statement that begins with CREATE, those of its body as well."""
    statement: _Statement | None = None
    between = True  # nothing stands before in its statement
    for token in _tokens(data):
        if token.kind == "comment":
            if _at_line_start(data, token.begin):
                comments[lines(token.end - 1)] = lines(token.begin)
            continue
        if token.text == "CREATE" and (between or _at_line_start(data, token.begin)) and not (statement and statement.holds(token, data)):
            if statement:
                yield statement.tokens
            statement = _Statement()
        between = token.kind == "end" or token.text == ";"
        if statement is None:
            continue
        if token.kind == "end" or statement.ends_with(token):
            yield statement.tokens
            statement = None
    if statement:
        yield statement.tokens


class _Statement:
    """A CREATE statement, and whether a semicolon ends it or stands within its body."""

    def __init__(self) -> None:
        self.tokens: list[_Token] = []
        self._created = ""
        self._before = ""
        self._depth = 0
        self._ending = False  # after an END, before the word that tells of what
        self._block = False  # after AS or IS without a string: the body, which ends with a block, a batch or the next CREATE
        self._closed = False

    def holds(self, token: _Token, data: bytes) -> bool:
        """Whether a CREATE is one of the body's."""
        if self._created not in _ROUTINES:
            return False
        return self._depth > 0 or (self._block and token.begin > 0 and data[token.begin - 1 : token.begin] != b"\n")

    def ends_with(self, token: _Token) -> bool:
        """Take the next token in; whether it is the last."""
        self.tokens.append(token)
        word = token.text if token.kind == "word" else ""
        if not self._created:
            self._created = word if word in _KINDS else ""
        elif word == "BODY":
            self._created = "BODY"
        elif self._created in _ROUTINES:
            self._read(word, string=token.kind == "string")
        self._before = word
        if token.text != ";" or self._created in {"PACKAGE", "BODY"}:
            return False
        return self._depth == 0 and (self._closed or not self._block)

    def _read(self, word: str, *, string: bool) -> None:
        if self._ending:
            self._ending = False
            if word in _NOT_CLOSING:
                return
            self._depth = max(0, self._depth - 1)
            self._closed = self._depth == 0
            if word in {"CASE", "TRY", "CATCH"}:
                return
        if (self._before in {"AS", "IS"} and not string and word != "BEGIN") or word == "DECLARE":
            self._block = True
        if word in {"BEGIN", "CASE"}:
            self._depth += 1
        elif self._before == "BEGIN" and word in _TRANSACTION:
            self._depth = max(0, self._depth - 1)
        self._ending = word == "END"


def _definition(statement: list[_Token], data: bytes, lines: Lines) -> Found | None:
    for index, token in enumerate(statement[1:_MOST_MODIFIERS], 1):
        kind = _KINDS.get(token.text) if token.kind == "word" else None
        following = statement[index + 1 : index + 2]
        if kind is None or (following and following[0].text in {"=", "TRIGGER"}):  # USER = ..., EVENT TRIGGER
            continue
        name = index + 1
        while name < len(statement) and statement[name].text in _BEFORE_NAME:
            name += 1
        parts = _parts(statement[name : name + _MOST_MODIFIERS])
        if not parts or (parts[0].kind == "word" and parts[0].text in _NO_NAMES):
            return None
        return _found(kind, parts, statement, data, lines)
    return None


def _parts(tokens: list[_Token]) -> list[_Token]:
    """The parts of a name: words or quoted names between dots."""
    parts: list[_Token] = []
    for token, dot in zip_longest(tokens[::2], tokens[1::2]):
        if token.kind not in {"word", "name"}:
            break
        parts.append(token)
        if dot is None or dot.text != ".":
            break
    return parts


def _found(kind: Kind, parts: list[_Token], statement: list[_Token], data: bytes, lines: Lines) -> Found:
    names = [_written(part, data)[:MAX_NAME] for part in parts]
    begin, end = statement[0].begin, statement[-1].end
    last = parts[-1].begin
    return Found(kind, names[-1], ".".join(names[:-1]), begin, end, lines(begin), lines(max(begin, end - 1)), last, lines(last))


def _written(part: _Token, data: bytes) -> str:
    """As it stands in the text, without quotes and brackets."""
    written = data[part.begin : part.end].decode("utf-8", "replace")
    return written[1:-1] if part.kind == "name" else written
