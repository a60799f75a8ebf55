"""From the matches of a language's query to definitions with lines and qualified names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cocosearch.indexing.definitions.grammars import source_of
from cocosearch.indexing.definitions.kinds import Definition, Kind
from cocosearch.indexing.definitions.macros import without_macros
from cocosearch.indexing.definitions.parsing import matches

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_NAME = 200
# Of a name within names within names the end is kept.
MAX_QUALIFIED_NAME = 1_000

_JAVASCRIPT = frozenset({"javascript", "typescript", "tsx"})
_C_FAMILY = frozenset({"c", "cpp"})
# A function of several clauses is one definition.
_CLAUSES = frozenset({"haskell", "elixir"})
# A statement defines its first name; the others are what it refers to.
_FIRST_NAME_ONLY = frozenset({"sql"})
_TYPES = frozenset({Kind.CLASS, Kind.INTERFACE, Kind.STRUCT, Kind.ENUM, Kind.IMPLEMENTATION})
_ROUTINES = frozenset({Kind.FUNCTION, Kind.METHOD})
_VALUES = frozenset({Kind.VARIABLE, Kind.CONSTANT, Kind.FIELD})
# `module.exports.load` is load, and `Store.prototype.get` is Store.get.
_NO_OWNER = frozenset({"module", "exports", "prototype", "this", "self"})
_ARGUMENTS = re.compile(r"<[^<>]*>|\[[^\[\]]*\]|\([^()]*\)")
_SEPARATOR = re.compile(r"::|->|[.:\\/]")
_HEAD = re.compile(r"[(\s]*(?:\w+\.)*([^\W\d][\w']*)")
_TYPE_NOISE = re.compile(r"^(?:&|\*|'\w+\s|mut\s|dyn\s|const\s|\s)+")


_CLOSING_MARKS = re.compile(r"[ \t]+#+$")


@dataclass(slots=True)
class _Found:
    """A definition before the names of what it stands in are known."""

    kind: Kind
    name: str
    scope: str
    begin: int
    end: int
    start_line: int
    end_line: int
    name_begin: int
    name_line: int
    pattern: int  # place in the query file: of two that name the same, the earlier tells the kind
    level: int = 0  # from 1 on: it reaches to the next of the same or a smaller level


def definitions_of(text: str, language: str) -> tuple[Definition, ...]:
    """Definitions in the order of the text; () for a language without a grammar. Broken code gives what can be read of it."""
    source = source_of(text, language)
    if source is None:
        return ()
    data = text.encode("utf-8", "replace")
    no_owner = _NO_OWNER if source.grammar in _JAVASCRIPT else frozenset()
    read = without_macros(data) if source.grammar in _C_FAMILY else data
    found: dict[int, _Found] = {}
    named: set[int] = set()
    attached: dict[int, int] = {}
    for pattern, captures in matches(read, source):
        if "attached" in captures:
            _attach(captures["attached"][0], data, attached)
            continue
        for new in _found(pattern, captures, data, no_owner):
            known = found.get(new.name_begin)
            if known is None:
                if language in _FIRST_NAME_ONLY and new.begin in named:
                    continue
                named.add(new.begin)
                found[new.name_begin] = new
            else:
                _join(known, new)
    lines = data.split(b"\n")
    ordered = sorted(found.values(), key=lambda each: (each.begin, -each.end, each.name_begin))
    _stretch(ordered, len(data), len(lines))
    for each in ordered:
        while each.start_line - 1 in attached:
            each.start_line = attached[each.start_line - 1]
        while each.end_line > each.name_line and not lines[each.end_line - 1].strip():
            each.end_line -= 1
    definitions = _qualified(ordered, language)
    return tuple(_merged(definitions) if language in _CLAUSES else definitions)


def _found(pattern: int, captures: "dict[str, list[Node]]", data: bytes, no_owner: frozenset[str]) -> Iterator[_Found]:
    capture = next((name for name in captures if name not in {"name", "qualified", "head", "scope"} and not name.startswith("_")), None)
    if capture is None:
        return
    kind, _, level = capture.partition(".")
    node = captures[capture][0]
    begin, end = node.start_byte, node.end_byte
    start_line, end_line = _lines(node)
    outer = [part for scope in captures.get("scope", ()) for part in _path(_text(scope, data)) if part not in no_owner]
    how = next(name for name in ("qualified", "head", "name") if name in captures)
    for path in captures[how]:
        written = _text(path, data)
        parts = _path(written) if how == "qualified" else [_head(written) if how == "head" else _unquoted(written)]
        if kind == Kind.HEADING:
            parts[-1] = _CLOSING_MARKS.sub("", parts[-1])
        if not parts or not parts[-1]:
            continue
        scope = ".".join([*outer, *parts[:-1]])
        line = path.start_point[0] + 1
        yield _Found(Kind(kind), parts[-1], scope, begin, end, start_line, end_line, path.start_byte, line, pattern, int(level or 0))


def _join(known: _Found, new: _Found) -> None:
    """One definition that two patterns saw: the wider span (a template, a whole statement), and the kind of the more exact pattern."""
    if new.begin <= known.begin and new.end >= known.end:
        known.begin, known.end, known.start_line, known.end_line = new.begin, new.end, new.start_line, new.end_line
    if new.pattern < known.pattern:
        known.pattern, known.kind, known.scope = new.pattern, new.kind, new.scope


def _lines(node: "Node") -> tuple[int, int]:
    start, (row, column) = node.start_point[0], node.end_point
    return start + 1, row if column == 0 and row > start else row + 1


def _attach(node: "Node", data: bytes, attached: dict[int, int]) -> None:
    """Remember a comment or decorator by its last line, if nothing but space stands before it on its first."""
    begin = node.start_byte
    if not data[begin - node.start_point[1] : begin].strip(b" \t\xef\xbb\xbf"):
        start, end = _lines(node)
        attached[end] = start


def _text(node: "Node", data: bytes) -> str:
    written = data[node.start_byte : node.end_byte].decode("utf-8", "replace").strip()
    return written.split("\n", 1)[0].strip()[:MAX_NAME]


def _unquoted(written: str) -> str:
    """A name without what its language puts around it: quotes, a symbol's colon, an operator's parentheses."""
    written = written.removeprefix(":")
    quoted = len(written) > 2 and written[0] + written[-1] in {"''", '""', "``", "()"}  # noqa: PLR2004 - two marks and a name
    return written[1:-1] if quoted else written


def _head(written: str) -> str:
    """The type that an instance is of, without its arguments and the module it comes from: `(Map.Map k v)`."""
    match = _HEAD.match(written)
    return match[1] if match else written


def _path(written: str) -> list[str]:
    """Parts of a name that says where it belongs, as in `std::vector<T>::push` or `&'a Wrapper<T>`."""
    before, operator, after = written.partition("operator")
    if operator and (not before or before.endswith(":")) and not after[:1].isalnum():
        return [*_path(before), operator + after.strip()]
    written = _TYPE_NOISE.sub("", written)
    while (shorter := _ARGUMENTS.sub("", written)) != written:
        written = shorter
    return [part.strip() for part in _SEPARATOR.split(written) if part.strip()]


def _stretch(ordered: list[_Found], size: int, line_count: int) -> None:
    """Let headings, stages and namespaces without braces reach to where the next of their level begins."""
    open_: list[_Found] = []
    for each in [found for found in ordered if found.level]:
        while open_ and open_[-1].level >= each.level:
            closed = open_.pop()
            closed.end, closed.end_line = each.begin, max(each.start_line - 1, closed.start_line)
        open_.append(each)
    for each in open_:
        each.end, each.end_line = size, line_count


def _qualified(ordered: list[_Found], language: str) -> list[Definition]:
    definitions: list[Definition] = []
    around: list[tuple[_Found, str]] = []
    for each in ordered:
        while around and around[-1][0].end <= each.begin:
            around.pop()
        # Two names of one statement are beside each other, not in each other.
        while around and (around[-1][0].begin, around[-1][0].end) == (each.begin, each.end):
            around.pop()
        parent = around[-1][0] if around else None
        if each.kind in _VALUES and any(outer.kind in _ROUTINES for outer, _ in around):
            continue
        if language in _C_FAMILY and each.kind in _ROUTINES and parent is not None and parent.kind in _ROUTINES:
            continue
        kind = each.kind
        if kind is Kind.FUNCTION and parent is not None and parent.kind in _TYPES:
            kind = Kind.METHOD
        elif kind is Kind.VARIABLE and each.name.isupper():
            kind = Kind.CONSTANT
        prefix = around[-1][1] if around else ""
        qualified = ".".join(part for part in (prefix, each.scope, each.name) if part)[-MAX_QUALIFIED_NAME:]
        definitions.append(Definition(kind, each.name, qualified, each.start_line, each.end_line, each.name_line))
        around.append((each, qualified))
    return definitions


def _merged(definitions: list[Definition]) -> list[Definition]:
    """Join the signature and the clauses of one function where nothing else is defined between them."""
    merged: list[Definition] = []
    for each in definitions:
        last = merged[-1] if merged else None
        if last and last.kind in _ROUTINES and last.kind is each.kind and last.qualified_name == each.qualified_name:
            merged[-1] = replace(last, end_line=max(last.end_line, each.end_line))
        else:
            merged.append(each)
    return merged
