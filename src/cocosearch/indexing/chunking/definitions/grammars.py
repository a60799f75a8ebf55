"""Which grammar and which queries read a language; loaded when a file of the language is first read."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from cocosearch.indexing.chunking.definitions import blocks, templates

if TYPE_CHECKING:
    from tree_sitter import Language, Query


@dataclass(frozen=True, slots=True)
class Source:
    """Name of a grammar in the language pack, and the query files that name its definitions."""

    grammar: str
    queries: tuple[str, ...]


def _same(name: str) -> Source:
    return Source(name, (name,))


_CPP = Source("cpp", ("c", "cpp"))
_TERRAFORM = Source("terraform", ("hcl",))
_VERILOG = Source("verilog", ("verilog",))
_SOURCES = {
    **{
        name: _same(name)
        for name in (
            *("bash", "c", "csharp", "dockerfile", "elixir", "go", "haskell", "hcl", "ini", "java", "kotlin", "lua", "markdown", "php"),
            *("clojure", "dart", "erlang", "fsharp", "graphql", "julia", "matlab", "nim", "ocaml", "powershell", "r", "solidity"),
            *("python", "ruby", "rust", "scala", "swift", "toml", "yaml", "zig"),
        )
    },
    "cpp": _CPP,
    "javascript": Source("javascript", ("javascript", "javascript_fields")),
    "typescript": Source("typescript", ("javascript", "typescript")),
    "tsx": Source("tsx", ("javascript", "typescript")),
    "terraform": _TERRAFORM,
    "css": Source("scss", ("css",)),
    "objective-c": Source("objc", ("c", "objective-c")),
    "objective-c++": Source("objc", ("c", "objective-c")),
    "verilog": _VERILOG,
    "systemverilog": _VERILOG,
    "makefile": Source("make", ("makefile",)),
    "protobuf": Source("proto", ("protobuf",)),
    "systemd": Source("ini", ("ini",)),
}
# By blocks with grammars of their own, or without a grammar.
_READ_OTHERWISE = blocks.LANGUAGES | templates.LANGUAGES | {"sql"}
_CPP_IN_C = re.compile(r"^[ \t]*(?:namespace|template|class|using|public|private|protected)\b", re.MULTILINE)


def languages() -> tuple[str, ...]:
    """The languages whose definitions are known."""
    return (*_SOURCES, *sorted(_READ_OTHERWISE))


def has_grammar(language: str) -> bool:
    """Whether definitions are known for the language."""
    return language in _SOURCES or language in _READ_OTHERWISE


def source_of(text: str, language: str) -> Source | None:
    """What reads the text; a C header may hold C++."""
    if language == "c" and _CPP_IN_C.search(text):
        return _CPP
    return _SOURCES.get(language)


@cache
def loaded(source: Source) -> "tuple[Language, Query]":
    """Grammar and query of a source; kept, since compiling a query takes longer than reading most files."""
    from tree_sitter import Query
    from tree_sitter_language_pack import get_language

    language = get_language(source.grammar)  # type: ignore[arg-type]
    folder = files(__package__) / "queries"
    patterns = "\n".join((folder / f"{name}.scm").read_text(encoding="utf-8") for name in source.queries)
    return language, Query(language, patterns)
