"""Path patterns as people and models write them, read as the regular expressions that PostgreSQL and Python take alike.

`*` and `?` stay within a name, `**` crosses directories, `{a,b}` and `a,b` are alternatives, `!a` leaves out, and a name without any of
them is a file or a whole directory. PostgreSQL's matcher needs time in proportion to the wildcards for each path, so these are counted.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cocosearch.errors import CocosearchError

MAX_WILDCARDS = 40
MAX_ALTERNATIVES = 64
_ANYTHING = frozenset({"", "*", "**", "**/*", "**/**"})
_WILDCARD = re.compile(r"[*?\[]")
_SEPARATOR = re.compile(r"\[[^\]]*\]|\\")


@dataclass(frozen=True, slots=True)
class PathPattern:
    """What paths must match, and what they must not; None where nothing is asked of them."""

    wanted: str | None
    unwanted: str | None


def read_globs(given: str, *, any_case: bool = False) -> PathPattern:
    """The pattern that one or several globs mean together.

    Raises:
        CocosearchError: a '[' is never closed, or a range in it ends before it begins.
    """
    parts = list(_split(given))
    if len(parts) > 1 and not any(part.lstrip().startswith("!") for part in parts):
        parts.append(given)  # a name may hold a comma
    wanted = [glob_to_regex(part) for part in parts if not part.lstrip().startswith("!")]
    unwanted = [glob_to_regex(part.lstrip()[1:]) for part in parts if part.lstrip().startswith("!")]
    return PathPattern(_either(wanted, any_case=any_case), _either(unwanted, any_case=any_case))


def has_wildcard(glob: str) -> bool:
    """Whether it holds `*`, `?` or a bracket."""
    return _WILDCARD.search(glob) is not None


def normalise(glob: str) -> str:
    r"""The glob as a path below the root: `src\api`, `./src`, `src//api`, `x/../src/api` become what they mean; '/' at either end stays."""
    glob = _SEPARATOR.sub(lambda match: "/" if match[0] == "\\" else match[0], glob.strip())
    segments: list[str] = []
    for segment in glob.split("/"):
        if segment == ".." and segments and segments[-1] != "..":
            segments.pop()
        elif segment not in ("", "."):
            segments.append(segment)
    anchored = glob.startswith(("/", "./")) or glob == "."
    within = "/".join(segments)
    if not within:
        return ""
    return ("/" if anchored else "") + within + ("/" if glob.endswith(("/", "/.")) else "")


def glob_to_regex(glob: str) -> str:
    """Regular expression for one glob.

    A glob without '/' is matched against a name at any depth, as in gitignore(5): `*.py` finds Python files everywhere. One whose last name
    has no wildcard stands for the file, or for everything below the directory, of that name.

    Raises:
        CocosearchError: a '[' is never closed, or a range in it ends before it begins.
    """
    glob = normalise(glob)
    if glob.strip("/") in _ANYTHING:
        return "^.*$"
    anchored = glob.lstrip("/")
    regex = "" if "/" in glob.rstrip("/") else "(.*/)?"
    if anchored.endswith("/"):
        return f"^{regex}{_translated(anchored, glob)}.*$"
    below = "" if has_wildcard(posixpath.basename(anchored)) else "(/.*)?"
    return f"^{regex}{_translated(anchored, glob)}{below}$"


def _split(given: str) -> Iterator[str]:
    """The parts between the commas that stand in no brace or bracket."""
    depth, begin = 0, 0
    for position, character in enumerate(given):
        if character in "{[":
            depth += 1
        elif character in "}]":
            depth = max(0, depth - 1)
        elif character == "," and not depth:
            yield given[begin:position].strip()
            begin = position + 1
    yield given[begin:].strip()


def check_globs(given: str) -> None:
    """Refuse a pattern that no path can be matched with, or only slowly.

    Raises:
        CocosearchError: says what is wrong with it.
    """
    alternatives, wildcards = given.count(",") + 1, len(re.findall(r"\*+|\?|\[", given))
    if alternatives > MAX_ALTERNATIVES:
        raise CocosearchError(
            f"The path pattern has {alternatives} alternatives, {MAX_ALTERNATIVES} are allowed: name a directory instead."
        )
    if wildcards > MAX_WILDCARDS:
        raise CocosearchError(f"The path pattern has {wildcards} wildcards, {MAX_WILDCARDS} are allowed: `**` crosses any directories.")
    read_globs(given)


def _either(regexes: list[str], *, any_case: bool) -> str | None:
    if not regexes:
        return None
    whole = "|".join(dict.fromkeys(regexes))
    return f"(?i){whole}" if any_case else whole


def _translated(glob: str, given: str) -> str:
    regex = ""
    position = 0
    while position < len(glob):
        character = glob[position]
        if character == "*":
            stars = len(glob) - position - len(glob[position:].lstrip("*"))
            position += stars
            if stars == 1:
                regex += "[^/]*"
            elif glob.startswith("/", position):
                while glob.startswith("**/", position + 1):
                    position += 3
                regex += "(.*/)?"
                position += 1
            else:
                regex += ".*"
        elif character == "[":
            bracket, position = _bracket(glob, position, given)
            regex += bracket
        elif character == "{" and (group := _group(glob, position)) is not None:
            alternatives, position = group
            regex += "(" + "|".join(_translated(alternative, given) for alternative in alternatives) + ")"
        else:
            regex += "[^/]" if character == "?" else re.escape(character)
            position += 1
    return regex


def _group(glob: str, position: int) -> tuple[list[str], int] | None:
    """The alternatives of a brace and where it ends; None where it is a part of a name, as in `{{cookiecutter.name}}`."""
    depth, begin = 0, position + 1
    alternatives: list[str] = []
    for index in range(position, len(glob)):
        if glob[index] == "{":
            depth += 1
        elif glob[index] == "," and depth == 1:
            alternatives.append(glob[begin:index].strip())
            begin = index + 1
        elif glob[index] == "}":
            depth -= 1
            if not depth:
                return ([*alternatives, glob[begin:index].strip()], index + 1) if alternatives else None
    return None


def _bracket(glob: str, position: int, given: str) -> tuple[str, int]:
    """A bracket expression that PostgreSQL and Python read alike, and where it ends; like `*` and `?`, it never matches a '/'."""
    negated = glob[position + 1 : position + 2] in ("!", "^")
    begin = position + 1 + negated
    end = glob.find("]", begin + 1)  # a ']' at the very beginning is a member
    if end < 0:
        raise CocosearchError(f"The path pattern '{given}' has a '[' without its ']'.")
    members = glob[begin:end]
    parts = []
    index = 0
    while index < len(members):
        low, high = members[index], members[index + 2 : index + 3]
        if high and members[index + 1] == "-":
            if low > high:
                raise CocosearchError(f"The path pattern '{given}' has the range '{low}-{high}', which ends before it begins.")
            parts.append(f"{_member(low)}-{_member(high)}")
            index += 3
        else:
            parts.append(_member(low))
            index += 1
    return f"(?!/)[{'^' if negated else ''}{''.join(parts)}]", end + 1


def _member(character: str) -> str:
    return character if character.isalnum() or character == "_" else f"\\{character}"
