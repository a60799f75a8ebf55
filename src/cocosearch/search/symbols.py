"""Names of definitions as people, stack traces and test runners write them: `Stack<T>.Push`, `Acme::Stack#Push`, `api/errors.py::check`."""

import re
from dataclasses import dataclass

_QUOTES = re.compile("[\"'`]")
_SQL_BRACKETS = re.compile(r"(?<![\w\]])\[([^\[\]]+)\]")
_TYPE_ARGUMENTS = re.compile(r"<[^<>]*>|(?<=\w)\[[^\[\]]*\]")
_GO_RECEIVER = re.compile(r"^(?:func\s+)?\(\s*(?:\w+\s+)?\*?\s*(\w+)[^()]*\)\s*\.?\s*")
_POINTER = re.compile(r"\(\*+\s*(\w+)\)")
_PARAMETERS = re.compile(r"(?<=[\w!?=])\s*\(.*", re.DOTALL)
# Qualified names of all languages are joined by "." in the index.
_JOINER = re.compile(r"::|->|\?\.|#|\\|/|:|(?<=\w)\$(?=\w)")
_IN_FILE = re.compile(r"^([^:#\s]+?)\.\w{1,5}(?:::|:|#)(.+)$")
_ARITY = re.compile(r"/\d+$")
_MARKS = "!?="


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name in the spellings that may stand in the index; all of them in the case that was given."""

    written: tuple[str, ...]  # whole names
    dotted: tuple[str, ...]  # joined by ".": the end of a qualified name, which may begin with the parts of the file's path

    @property
    def names(self) -> tuple[str, ...]:
        """Last parts of the spellings."""
        return tuple(dict.fromkeys(name for dotted in self.dotted if (name := dotted.rpartition(".")[2])))


def read_symbol(given: str) -> Symbol:
    """What a symbol may be called in the index."""
    given = given.strip()
    bare = _SQL_BRACKETS.sub(r"\1", _QUOTES.sub("", given)).strip()
    bare = _POINTER.sub(r"\1", bare)
    bare = _GO_RECEIVER.sub(r"\1.", bare)
    if "operator" not in bare:
        bare = _without_type_arguments(bare)
    bare = _PARAMETERS.sub("", bare)
    words = bare.split()
    bare = words[-1].rstrip(":;{,") if words else given
    spellings = [bare, _ARITY.sub("", bare)]
    if match := _IN_FILE.match(bare):
        spellings.append(f"{match[1]}.{match[2]}")
    spellings += [spelling.rstrip(_MARKS) for spelling in spellings]
    dotted = [_JOINER.sub(".", spelling).strip(".@&*~") for spelling in spellings]
    written = [given, *spellings, *(spelling.lstrip("@&*.#") for spelling in spellings)]
    return Symbol(tuple(dict.fromkeys(filter(None, written))), tuple(dict.fromkeys(filter(None, dotted))))


def _without_type_arguments(name: str) -> str:
    """`Map<K, List<V>>.put` as `Map.put`; each round takes the innermost away."""
    while (shorter := _TYPE_ARGUMENTS.sub("", name)) != name:
        name = shorter
    return name
