"""Data in code's clothes: encoded pictures, tables of numbers, minified bundles, records. It is shortened and marked.

Hardly a question is about it, yet it has many chunks, and words by chance. What is marked stands behind code
(`cocosearch.lexicon.file_kinds.FileKind.DATA`).
"""

import re
from collections import Counter
from collections.abc import Iterator

from cocosearch.lexicon.file_kinds import is_data_path

# Base64, hexadecimal digits, escapes: so many characters in a row are encoded data; fewer are if they change as often as such data does.
ENCODED = 200
_MAYBE_ENCODED = re.compile(r"[A-Za-z0-9+/=_\\-]{48,}+")
_CHANGE = re.compile(r"[A-Z]+|[a-z]+|[0-9]+")
_CHANGES = 0.35
_NUMBERS = 0.05  # long names in capitals and small letters have hardly any
_LEAST_KINDS = 8
# What numbers, commands of SVG paths and hexadecimal constants are written with, and the digits among it.
_MAYBE_NUMBERS = re.compile(r"[-+0-9A-Fa-fxXLUlumMhHvVsSqQtTzZ.,;:|(){}\[\] \t\n]{64,}+")
_DIGITS = re.compile(r"0[xX][0-9A-Fa-f]++|\b(?=[A-Fa-f]*+[0-9])[0-9A-Fa-f]++\b|[0-9]++")
_DIGIT_SHARE = 0.4
_SPACE = re.compile(r"\s+")
# Longer runs are cut to their beginning, longer blocks of lines too.
LONG_RUN = 512
KEPT_OF_RUN = 96
LONG_BLOCK = 48
KEPT_LINES = 24
# A line of a block: nothing but numbers, or one run of encoded data between marks.
_DATA_LINE = re.compile(r"\W*(?:[A-Za-z0-9+/=_\\-]{48,}+\W*|[-+0-9A-Fa-fxXLUlu.,;:|(){}\[\] \t]++(?:[#/*|].*)?)\n?$")
_SHORTEST_DATA_LINE = 24
# The share of a chunk from which on it is data.
DATA_SHARE = 0.6
# Minified: long lines, few spaces, and no script that has none.
_LONG_LINE = 300
_SPACES = 0.1
_ASCII = 0.9
# Words, one on each line.
_WORD_LINE = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_LEAST_WORDS = 16
_WORD_LINES = 0.9
# Rows: of SQL's INSERT, and of JSON's objects with the same keys over and over.
_ROW = re.compile(r"\s*(?:\(|INSERT\s+INTO\b|INSERT\s+OR\b|UNION\s+ALL\s+SELECT\b)", re.IGNORECASE)
_LEAST_ROWS = 5
_KEY = re.compile(r"\"((?:[^\"\\]|\\.){0,80})\"\s*:")
_LEAST_KEYS = 60
_DISTINCT_KEYS = 0.2
_SOURCE_MAP = re.compile(r"\"mappings\"\s*:\s*\"")
_JSON = frozenset({"json", "jsonc", "json5", "geojson"})
_READ_OF_FILE = 200_000


def shortened(text: str) -> str:
    """The text with as many lines, of which long runs and blocks of data are cut to their beginning and say how much is missing."""
    if len(text) < LONG_RUN:
        return text
    if _has_long_run(text):
        text = "\n".join(_shortened_line(line) if len(line) > LONG_RUN else line for line in text.split("\n"))
    return _shortened_blocks(text)


def _has_long_run(text: str) -> bool:
    return any(end - begin > LONG_RUN for begin, end in _runs(text))


def _shortened_line(line: str) -> str:
    parts: list[str] = []
    position = 0
    for begin, end in _runs(line):
        if end - begin > LONG_RUN and begin >= position:
            parts += [line[position : begin + KEPT_OF_RUN], f"[{end - begin - KEPT_OF_RUN} more characters]"]
            position = end
    return "".join([*parts, line[position:]])


def _shortened_blocks(text: str) -> str:
    lines = text.split("\n")
    begin = 0
    while begin < len(lines):
        end = begin
        while end < len(lines) and _is_data_line(lines[end]):
            end += 1
        if end - begin > LONG_BLOCK:
            cut = begin + KEPT_LINES
            lines[cut:end] = [f"[{end - cut} more lines]", *[""] * (end - cut - 1)]
        begin = end + 1
    return "\n".join(lines)


def _is_data_line(line: str) -> bool:
    if len(line) < _SHORTEST_DATA_LINE or _DATA_LINE.match(line) is None:
        return False
    return _data_characters(line) >= DATA_SHARE * len(_SPACE.sub("", line)) or _looks_numeric(line)


def is_data_file(path: str, language: str, text: str) -> bool:
    """Whether a file is data as a whole: by its name, or because it is records, a source map or minified code."""
    if is_data_path(path):
        return True
    head = text[:_READ_OF_FILE]
    if language in _JSON or head[:1] in "{[":
        keys = Counter(match[1] for match in _KEY.finditer(head))
        if _SOURCE_MAP.search(head) and "sources" in keys:
            return True
        if language in _JSON:
            return keys.total() >= _LEAST_KEYS and len(keys) <= _DISTINCT_KEYS * keys.total()
    return _is_minified(head)


def is_data_chunk(language: str, text: str) -> bool:
    """Whether a chunk is data: most of it encoded, numbers, rows, words one by one, or minified."""
    dense = "".join(text.split())
    if len(dense) < _SHORTEST_DATA_LINE:
        return False
    if _data_characters(text) >= DATA_SHARE * len(dense):
        return True
    if _is_minified(text):
        return True
    lines = [line for line in text.split("\n") if line.strip()]
    if language == "text" and len(lines) >= _LEAST_WORDS:
        return sum(_WORD_LINE.fullmatch(line.strip()) is not None for line in lines) >= _WORD_LINES * len(lines)
    if language == "sql" and len(lines) >= _LEAST_ROWS:
        return sum(_ROW.match(line) is not None for line in lines) >= DATA_SHARE * len(lines)
    return False


def _is_minified(text: str) -> bool:
    line_count = text.rstrip().count("\n") + 1
    if len(text) < _LONG_LINE * line_count:
        return False
    dense = "".join(text.split())
    return len(text) - len(dense) < _SPACES * len(text) and sum(map(str.isascii, dense)) >= _ASCII * len(dense)


def _data_characters(text: str) -> int:
    """Characters of data, without space."""
    return sum(len(_SPACE.sub("", text[begin:end])) for begin, end in _runs(text))


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Where encoded data and numbers stand; the two do not overlap."""
    end = 0
    for match in _MAYBE_ENCODED.finditer(text):
        if _looks_encoded(match[0]):
            yield from _number_runs(text, end, match.start())
            yield match.span()
            end = match.end()
    yield from _number_runs(text, end, len(text))


def _number_runs(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    yield from (match.span() for match in _MAYBE_NUMBERS.finditer(text, begin, end) if _looks_numeric(match[0]))


def _looks_encoded(run: str) -> bool:
    if len(set(run[:ENCODED])) < _LEAST_KINDS:
        return False
    if len(run) >= ENCODED:
        return True
    pieces = _CHANGE.findall(run)
    return len(pieces) >= _CHANGES * len(run) and sum(piece[0].isdigit() for piece in pieces) >= _NUMBERS * len(run)


def _looks_numeric(run: str) -> bool:
    dense = _SPACE.sub("", run)
    return sum(map(len, _DIGITS.findall(dense))) >= _DIGIT_SHARE * len(dense) > 0
