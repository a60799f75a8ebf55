"""What a path pattern that matches nothing may have been meant to be, from the likeliest on."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cocosearch.search.globs import normalise

_LINES = re.compile(r":\d+(?:[-:,]\d+)*$")
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_ESCAPED = re.compile(r"\\([\[\]*?{}!,])")
_SCHEME = "file://"


@dataclass(frozen=True, slots=True)
class PathReading:
    """A pattern that may be meant, and how it differs."""

    glob: str
    how: str = ""
    any_case: bool = False
    project_id: int | None = None  # the only project that it makes sense in


def path_readings(given: str, roots: Sequence[tuple[int, str, str]]) -> Iterator[PathReading]:
    """Readings of a pattern besides the one that it has as it stands.

    Args:
        given: the pattern.
        roots: id, name and root directory of each project.
    """
    bases = [PathReading(given), *_bases(given, roots)]
    for base in bases[1:]:
        yield base
    for base in bases:
        yield from _within(base)


def _bases(given: str, roots: Sequence[tuple[int, str, str]]) -> Iterator[PathReading]:
    """The pattern without what stands around a path: a scheme, lines, the project's root or name, escapes."""
    plain = _LINES.sub("", given.removeprefix(_SCHEME))
    if plain != given:
        yield PathReading(plain)
    path = normalise(plain)
    for project_id, name, root in roots:
        for prefix, how in ((root, ""), (name, ""), (root.rpartition("/")[2], "")):
            below = _below(path, prefix)
            if below is not None:
                yield PathReading(below, f"{how} in project '{name}'", project_id=project_id)
    if "\\" in plain:
        yield PathReading(_ESCAPED.sub(r"[\1]", plain).replace("[]]", "]"))
        yield PathReading(plain.replace("\\", "[\\]"))
    if "[" in plain:
        yield PathReading(_BRACKET.sub(r"[[]\1]", plain), " with its brackets as a part of the name")


def _below(path: str, prefix: str) -> str | None:
    """The rest of a path that begins with the directory `prefix`; everything below it where there is no more."""
    path, prefix = path.lstrip("/"), prefix.strip("/")
    if prefix and path.rstrip("/") == prefix:
        return "**"
    return "/" + path.removeprefix(f"{prefix}/") if prefix and path.startswith(f"{prefix}/") else None


def _within(base: PathReading) -> Iterator[PathReading]:
    """In any case, at any depth, of any extension, and with everything below."""
    path = normalise(base.glob).strip("/")
    if not path or path == "**" or base.glob.startswith("!"):
        return
    for any_case, how in ((False, base.how), (True, f"{base.how} in any case")):
        variants = [f"**/{path}", f"/{path}.*", f"**/{path}.*", f"**/{path}/**"]
        if path.startswith(".") and "/" not in path:
            variants.insert(0, f"*{path}")
        if any_case:
            variants.insert(0, base.glob)
        for variant in variants:
            yield PathReading(variant, how, any_case=any_case, project_id=base.project_id)
