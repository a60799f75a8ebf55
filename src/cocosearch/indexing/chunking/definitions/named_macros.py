"""Definitions behind macros in C, C++ and Objective-C: `TEST(Cart, AddsItem) {`, `SYSCALL_DEFINE3(read, …) {`, `DEFINE_MUTEX(lock);`."""

import re
from dataclasses import dataclass

from cocosearch.indexing.chunking.definitions.found import MAX_NAME, Found, Lines
from cocosearch.indexing.chunking.definitions.kinds import Kind
from cocosearch.indexing.chunking.definitions.macros import BALANCED

_STRING = rb"\"(?:[^\"\\\n]|\\.)*+\""
_ARGUMENTS = rb"[ \t]*\((?P<arguments>(?:" + _STRING + rb"|[^()\"]|" + BALANCED + rb")*+)\)"
# These may be indented; another macro with a body defines something only where a definition of the file may stand.
_TESTS = (
    rb"TEST|TEST_[FP]|TYPED_TEST|TYPED_TEST_P|TEST_CASE|TEST_CASE_METHOD|TEMPLATE_TEST_CASE|SCENARIO|SCENARIO_METHOD|TEST_METHOD"
    rb"|TEST_CASE_FIXTURE|BOOST_AUTO_TEST_CASE|BOOST_FIXTURE_TEST_CASE|BOOST_AUTO_TEST_CASE_TEMPLATE|BOOST_DATA_TEST_CASE"
    rb"|BENCHMARK_F|BENCHMARK_DEFINE_F|FUZZ_TEST|Test"
)
_WITH_BODY = re.compile(
    rb"^(?:[ \t]*(?P<test>" + _TESTS + rb")|(?P<macro>[A-Z][A-Z0-9_]{3,}))\b" + _ARGUMENTS + rb"(?=\s*\{)", re.MULTILINE
)
_STATEMENT = re.compile(
    rb"^(?:static[ \t]+)?(?P<macro>DEFINE_[A-Z]\w*|DEFINE_[a-z]\w*|ABSL_FLAG|H?LIST_HEAD|TRACE_EVENT)" + _ARGUMENTS + rb"[ \t]*;",
    re.MULTILINE,
)
_ENUM = re.compile(rb"\btypedef[ \t]+(?:NS|CF)_(?:CLOSED_)?(?:ENUM|OPTIONS)[ \t]*\([ \t]*\w+[ \t]*,[ \t]*(?P<name>\w+)[ \t]*\)")
# The first argument says to what the second belongs.
_SUITE_FIRST = re.compile(rb"(?:TYPED_)?TEST(?:_[FP])?|TYPED_TEST_P|BENCHMARK(?:_DEFINE)?_F|FUZZ_TEST|Test|(?:PHP|ZEND|SPL)_METHOD")
_TYPE_FIRST = re.compile(rb"ABSL_FLAG|DEFINE_EVENT\w*|DEFINE_(?:STATIC_)?PER_CPU\w*")
_ARGUMENT = re.compile(
    rb"\s*(?:(?P<string>" + _STRING + rb")|(?:(?:const|enum|struct|union|unsigned)\s+)*+(?P<word>[A-Za-z_]\w*)[ \t]*(?=[,)]|$))"
)
_STUB = b"int x("
_STUB_NAME = _STUB.index(b"x")
_NOT_SPACE = re.compile(rb"[^\s]")


@dataclass(frozen=True, slots=True)
class _Name:
    written: bytes
    scope: bytes
    begin: int


def name_macros(data: bytes) -> "tuple[bytes, Stubs, list[Found]]":
    """The text with headers of functions in the place of macros; their names; and what statements of one macro define.

    The text keeps its length and its lines.
    """
    stubs = Stubs(data)
    found: list[Found] = []
    lines = Lines(data)

    def as_function(match: re.Match[bytes]) -> bytes:
        macro = match["test"] or match["macro"]
        name = _name(macro, match)
        begin = match.start("test" if match["test"] else "macro") - match.start()
        written = match[0][begin:]
        if name is None or len(written) <= len(_STUB) or b"\n" in written[: len(_STUB)]:
            return match[0]
        stubs.names[match.start() + begin + _STUB_NAME] = name
        return match[0][:begin] + _STUB + _NOT_SPACE.sub(b" ", written[len(_STUB) : -1]) + b")"

    def as_space(match: re.Match[bytes]) -> bytes:
        name = _name(match["macro"], match)
        if name is None:
            return match[0]
        begin, end = match.start(), match.end()
        line = lines(name.begin)
        found.append(Found(Kind.VARIABLE, _decoded(name.written), "", begin, end, lines(begin), lines(end), name.begin, line))
        return _NOT_SPACE.sub(b" ", match[0])

    return _WITH_BODY.sub(as_function, _STATEMENT.sub(as_space, _ENUM.sub(_as_enum, data))), stubs, found


class Stubs:
    """Names of the functions that stand in a macro's place."""

    def __init__(self, data: bytes) -> None:
        self.names: dict[int, _Name] = {}
        self._lines = Lines(data)

    def restore(self, found: list[Found]) -> None:
        """Give what was found in a macro's place the macro's name."""
        for each in found:
            name = self.names.get(each.name_begin)
            if name is not None:
                each.kind, each.name, each.scope = Kind.FUNCTION, _decoded(name.written), _decoded(name.scope)
                each.name_begin, each.name_line = name.begin, self._lines(name.begin)


def _name(macro: bytes, match: re.Match[bytes]) -> _Name | None:
    """A string if there is one, else a word: what the macro's arguments name."""
    arguments = match["arguments"]
    read: list[tuple[bytes, int]] = []
    position = 0
    while len(read) < 2 and (argument := _ARGUMENT.match(arguments, position)):  # noqa: PLR2004 - names are among the first two
        group = "string" if argument["string"] else "word"
        start = match.start("arguments") + argument.start(group)
        if group == "string":
            scope = read[0][0] if read else b""
            return _Name(argument["string"][1:-1], scope, start + 1) if len(argument["string"]) > len(b'""') else None
        read.append((argument["word"], start))
        position = argument.end() + 1
    if not read:
        return None
    if len(read) > 1 and (_SUITE_FIRST.fullmatch(macro) or _TYPE_FIRST.fullmatch(macro)):
        return _Name(read[1][0], read[0][0] if _SUITE_FIRST.fullmatch(macro) else b"", read[1][1])
    return _Name(read[0][0], b"", read[0][1])


def _as_enum(match: re.Match[bytes]) -> bytes:
    """`typedef NS_ENUM(NSInteger, State)` is `enum State`, with the name in its place."""
    begin, end = match.start("name") - match.start(), match.end("name") - match.start()
    head = b"enum" + b" " * (begin - len(b"enum"))
    return head + match["name"] + b" " * (len(match[0]) - end)


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "replace")[:MAX_NAME]
