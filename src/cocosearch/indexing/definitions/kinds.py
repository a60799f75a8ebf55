"""What a definition is."""

from dataclasses import dataclass
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
