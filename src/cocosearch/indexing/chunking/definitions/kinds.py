"""What a definition is."""

from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum


class Kind(StrEnum):
    """Kinds of definitions, the same few words for every language."""

    FUNCTION = "function"
    METHOD = "method"
    CLASS = "class"
    INTERFACE = "interface"  # also traits and protocols
    ENUM = "enum"
    STRUCT = "struct"  # also unions and records of C
    TYPE = "type"  # aliases, and Haskell's data and newtype
    MODULE = "module"  # also namespaces and packages
    IMPLEMENTATION = "implementation"  # what adds to a type defined elsewhere: Rust's impl, Swift's extension, an instance
    CONSTANT = "constant"
    VARIABLE = "variable"
    FIELD = "field"  # also properties
    MACRO = "macro"
    HEADING = "heading"
    SECTION = "section"  # a named part of a file of settings or steps: INI section, Ansible task, image stage, make target
    RESOURCE = "resource"  # what an operator declares: Terraform's blocks, SQL's tables, views and indexes
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition; lines are 1-based and inclusive, and take in decorators and the comment right above."""

    kind: Kind
    name: str
    qualified_name: str  # with the names of what it stands in, joined by "."
    start_line: int
    end_line: int
    name_line: int


_ALSO_CALLED = {
    Kind.FUNCTION: "func fn def fun procedure proc sub subroutine lambda",
    Kind.METHOD: "constructor ctor member getter setter",
    Kind.CLASS: "cls object type_class",
    Kind.INTERFACE: "trait protocol abstract",
    Kind.ENUM: "enumeration",
    Kind.STRUCT: "structure record union",
    Kind.TYPE: "typedef alias typealias newtype",
    Kind.MODULE: "namespace package mod",
    Kind.IMPLEMENTATION: "impl extension instance",
    Kind.CONSTANT: "const",
    Kind.VARIABLE: "var let",
    Kind.FIELD: "property attribute attr prop",
    Kind.MACRO: "define",
    Kind.HEADING: "header title",
    Kind.SECTION: "task target stage",
    Kind.RESOURCE: "table view index",
    Kind.KEY: "",
}
_BY_WORD = {word: kind for kind, words in _ALSO_CALLED.items() for word in (kind.value, *words.split())}


def kind_named(word: str) -> Kind | None:
    """The kind that a user's word means, in any case and number: `Functions`, `func`, `trait`; None for a word that means none."""
    plain = word.strip().lower().replace("-", "_").replace(" ", "_")
    forms = (plain, plain.removesuffix("s"), plain.removesuffix("es"), f"{plain.removesuffix('ies')}y")
    return next((_BY_WORD[form] for form in forms if form in _BY_WORD), None)


def kind_not_known(word: str) -> str:
    """The sentence for a word that means no kind."""
    close = get_close_matches(word.strip().lower(), list(_BY_WORD), n=1, cutoff=0.6)
    hint = f" Did you mean '{_BY_WORD[close[0]]}'?" if close else ""
    return f"'{word}' is no kind of definition.{hint} There are {', '.join(Kind)}."
