"""From the matches of a language's query to definitions with lines and qualified names."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from cocosearch.indexing.chunking.definitions import blocks, templates
from cocosearch.indexing.chunking.definitions.found import MAX_NAME, Found
from cocosearch.indexing.chunking.definitions.grammars import Source, has_grammar, source_of
from cocosearch.indexing.chunking.definitions.kinds import Definition, Kind
from cocosearch.indexing.chunking.definitions.macros import without_macros
from cocosearch.indexing.chunking.definitions.named_macros import name_macros
from cocosearch.indexing.chunking.definitions.parsing import matches
from cocosearch.indexing.chunking.definitions.sql import sql_definitions

if TYPE_CHECKING:
    from tree_sitter import Node

# Of a name within names within names the end is kept.
MAX_QUALIFIED_NAME = 1_000

_JAVASCRIPT = frozenset({"javascript", "typescript", "tsx"})
_C_FAMILY = frozenset({"c", "cpp", "objc"})  # grammars
_C_LANGUAGES = frozenset({"c", "cpp", "objective-c", "objective-c++"})
# A function of several clauses is one definition.
_CLAUSES = frozenset({"haskell", "elixir", "erlang"})
_TYPES = frozenset({Kind.CLASS, Kind.INTERFACE, Kind.STRUCT, Kind.ENUM, Kind.IMPLEMENTATION})
_ROUTINES = frozenset({Kind.FUNCTION, Kind.METHOD})
_ASSIGNED = frozenset({Kind.VARIABLE, Kind.CONSTANT})
_VALUES = frozenset({Kind.VARIABLE, Kind.CONSTANT, Kind.FIELD})
# `module.exports.load` is load, and `Store.prototype.get` is Store.get.
_NO_OWNER = frozenset({"module", "exports", "prototype", "this", "self"})
_ARGUMENTS = re.compile(r"<[^<>]*>|\[[^\[\]]*\]|\([^()]*\)")
_SEPARATOR = re.compile(r"::|->|[.:\\/]")
_HEAD = re.compile(r"[(\s]*(?:\w+\.)*([^\W\d][\w']*)")
_TYPE_NOISE = re.compile(r"^(?:&|\*|'\w+\s|mut\s|dyn\s|const\s|\s)+")


_CLOSING_MARKS = re.compile(r"[ \t]+#+$")


def definitions_of(text: str, language: str) -> tuple[Definition, ...]:
    """Definitions in the order of the text; () for a language without a grammar. Broken code gives what can be read of it."""
    if not has_grammar(language):
        return ()
    data = text.encode("utf-8", "replace")
    attached: dict[int, int] = {}
    ordered = sorted(_read(data, text, language, attached), key=lambda each: (each.begin, -each.end, each.name_begin))
    lines = data.split(b"\n")
    _stretch(ordered, len(data), len(lines))
    _take_in(attached, ordered)
    for each in ordered:
        while each.end_line > each.name_line and not lines[each.end_line - 1].strip():
            each.end_line -= 1
    definitions = _qualified(ordered, language)
    return tuple(_merged(definitions) if language in _CLAUSES else definitions)


def _read(data: bytes, text: str, language: str, attached: dict[int, int]) -> list[Found]:
    """What a text of the language defines; `attached` takes its comments and decorators."""
    if language == "sql":
        found, comments = sql_definitions(data)
        attached.update(comments)
        return found
    if language in templates.LANGUAGES:
        return templates.template_definitions(data, language)
    if language in blocks.LANGUAGES:
        inner = ((source_of("", each), read) for each, read in blocks.blocks_of(data, language))
        return [new for source, read in inner if source for new in _by_query(read, data, source, attached)]
    source = source_of(text, language)
    if source is None:
        return []
    if source.grammar in _C_FAMILY:
        read, stubs, found = name_macros(data)
        found.extend(_by_query(without_macros(read), data, source, attached))
        stubs.restore(found)
        return found
    return _by_query(templates.without_actions(data) if language == "yaml" else data, data, source, attached)


def _by_query(read: bytes, data: bytes, source: Source, attached: dict[int, int]) -> list[Found]:
    """What the grammar's query finds in `read`; names are taken from `data`."""
    no_owner = _NO_OWNER if source.grammar in _JAVASCRIPT else frozenset()
    found: dict[int, Found] = {}
    for pattern, captures in matches(read, source):
        if "attached" in captures:
            _attach(captures["attached"][0], data, attached)
            continue
        for new in _found(pattern, captures, data, no_owner):
            known = found.get(new.name_begin)
            if known is None:
                found[new.name_begin] = new
            else:
                _join(known, new)
    return list(found.values())


def _found(pattern: int, captures: "dict[str, list[Node]]", data: bytes, no_owner: frozenset[str]) -> Iterator[Found]:
    capture = next((name for name in captures if name not in {"name", "qualified", "head", "scope"} and not name.startswith("_")), None)
    if capture is None:
        return
    kind, _, level = capture.partition(".")
    node = captures[capture][0]
    last = captures["_until"][0] if "_until" in captures else node  # a body that stands beside what it belongs to
    begin, end = node.start_byte, last.end_byte
    start_line, end_line = _lines(node)[0], _lines(last)[1]
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
        yield Found(Kind(kind), parts[-1], scope, begin, end, start_line, end_line, path.start_byte, line, pattern, int(level or 0))


def _join(known: Found, new: Found) -> None:
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


def _take_in(attached: dict[int, int], ordered: list[Found]) -> None:
    """Let definitions begin with the comments and decorators right above them, which grammars may count to what stands before."""
    open_: list[Found] = []
    for each in ordered:
        own = each.start_line
        while each.start_line - 1 in attached:
            each.start_line = attached[each.start_line - 1]
        while open_ and open_[-1].end <= each.begin:
            before = open_.pop()
            if before.name_line < each.start_line < own and before.end_line >= each.start_line:
                before.end_line = each.start_line - 1
        open_.append(each)


def _stretch(ordered: list[Found], size: int, line_count: int) -> None:
    """Let headings, stages and namespaces without braces reach to where the next of their level begins."""
    open_: list[Found] = []
    for each in [found for found in ordered if found.level]:
        while open_ and open_[-1].level >= each.level:
            closed = open_.pop()
            closed.end, closed.end_line = each.begin, max(each.start_line - 1, closed.start_line)
        open_.append(each)
    for each in open_:
        each.end, each.end_line = size, line_count


def _qualified(ordered: list[Found], language: str) -> list[Definition]:
    definitions: list[Definition] = []
    around: list[tuple[Found, str]] = []
    for each in ordered:
        while around and around[-1][0].end <= each.begin:
            around.pop()
        # Two names of one statement are beside each other, not in each other.
        while around and _beside(around[-1][0], each):
            around.pop()
        parent = around[-1][0] if around else None
        if each.kind in _VALUES and any(outer.kind in _ROUTINES for outer, _ in around):
            continue
        if language in _C_LANGUAGES and each.kind in _ROUTINES and parent is not None and parent.kind in _ROUTINES:
            continue
        kind = each.kind
        if kind is Kind.FUNCTION and parent is not None and parent.kind in _TYPES:
            kind = Kind.METHOD
        elif kind in _ASSIGNED and language == "python" and parent is not None and parent.kind in _TYPES:
            kind = Kind.FIELD
        elif kind is Kind.VARIABLE and each.name.isupper():
            kind = Kind.CONSTANT
        prefix = around[-1][1] if around else ""
        qualified = ".".join(part for part in (prefix, each.scope, each.name) if part)[-MAX_QUALIFIED_NAME:]
        definitions.append(Definition(kind, each.name, qualified, each.start_line, each.end_line, each.name_line))
        around.append((each, qualified))
    return definitions


def _beside(first: Found, second: Found) -> bool:
    """Two names of one statement, as in `a, b = 1, 2` or `a = b = 1`, are not in each other."""
    return first.end == second.end and (first.begin == second.begin or (first.kind in _ASSIGNED and second.kind in _ASSIGNED))


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
