"""Templates: what they define, and the text around their actions."""

import re
from collections.abc import Iterator

from cocosearch.indexing.chunking.definitions.found import MAX_NAME, Found, Lines
from cocosearch.indexing.chunking.definitions.kinds import Kind

LANGUAGES = frozenset({"go-template", "jinja2"})
_OPENING = re.compile(rb"\{\{|\{%|\{#")
_CLOSING = {b"{{": b"}}", b"{%": b"%}", b"{#": b"#}"}
_NOT_SPACE = re.compile(rb"\S")
_WORDS = re.compile(rb"[-+\s]*(?P<word>\w+)(?:\s+(?:\"(?P<quoted>[^\"\n]*)\"|(?P<name>[\w.]+)))?")
_GO_KINDS = {b"define": Kind.FUNCTION, b"block": Kind.SECTION}
_GO_OPEN = frozenset({b"if", b"range", b"with", b"define", b"block"})
_JINJA_KINDS = {b"macro": Kind.MACRO, b"block": Kind.SECTION}


def without_actions(data: bytes) -> bytes:
    """YAML without `{{ … }}`, `{% … %}` and `{# … #}`: same length, same lines. An action in a key's place becomes a word."""
    parts: list[bytes] = []
    position = 0
    for begin, end in _actions(data):
        parts.append(data[position:begin])
        line_begin = data.rfind(b"\n", position, begin) + 1 if b"\n" in data[position:begin] or not position else -1
        first = line_begin >= 0 and not data[line_begin:begin].strip(b" \t-")
        in_keys_place = first and data[end : end + 1] not in {b"", b"\n", b"\r", b" "}
        parts.append(_NOT_SPACE.sub(b"x" if in_keys_place else b" ", data[begin:end]))
        position = end
    parts.append(data[position:])
    return b"".join(parts)


def template_definitions(data: bytes, language: str) -> list[Found]:
    """Named templates, blocks and macros, up to the action that ends them."""
    lines = Lines(data)
    kinds = _GO_KINDS if language == "go-template" else _JINJA_KINDS
    found: list[Found] = []
    open_: list[tuple[bytes, Found | None]] = []
    for begin, end in _actions(data):
        if (data[begin : begin + 2] == b"{{") != (language == "go-template"):
            continue
        words = _WORDS.match(data, begin + 2, end)
        if words is None:
            continue
        word = words["word"]
        if word in kinds and (words["quoted"] or words["name"]):
            group = "quoted" if words["quoted"] else "name"
            name, at = words[group].decode("utf-8", "replace")[:MAX_NAME], words.start(group)
            each = Found(kinds[word], name, "", begin, end, lines(begin), lines(end - 1), at, lines(at))
            found.append(each)
            open_.append((word, each))
        elif language == "go-template" and word in _GO_OPEN:
            open_.append((word, None))
        elif open_ and (word == b"end" or word == b"end" + open_[-1][0]):
            closed = open_.pop()[1]
            if closed is not None:
                closed.end, closed.end_line = end, lines(end - 1)
    return found


def _actions(data: bytes) -> Iterator[tuple[int, int]]:
    """Begin and end of each action; none from the first on that is not closed."""
    position = 0
    while opening := _OPENING.search(data, position):
        end = data.find(_CLOSING[opening[0]], opening.end())
        if end < 0:
            return
        position = end + 2
        yield opening.start(), position
