"""Filters of a search as SQL: they hold inside each arm, before anything is ranked or cut."""

import re
from dataclasses import dataclass, replace

from psycopg import sql

from cocosearch.errors import CocosearchError
from cocosearch.normalization import nfc
from cocosearch.terms import DATA_MARK

_DEFINES = """
    EXISTS (
        SELECT FROM definitions d
        WHERE d.project_id = c.project_id AND d.path = c.path AND d.name_line BETWEEN c.start_line AND c.end_line
          AND (%(kind)s::text IS NULL OR d.kind = %(kind)s)
          AND (%(symbol)s::text IS NULL OR lower(d.name) = lower(%(symbol)s)
               OR right(lower('.' || d.qualified_name), length(%(symbol)s) + 1) = lower('.' || %(symbol)s))
    )
"""
# A path is kept as its file system has it; macOS takes letters and accents apart (NFD). The first condition is the cheap one.
_IN_PATH = "(c.path ~ %(path)s OR (octet_length(c.path) > length(c.path) AND normalize(c.path, NFC) ~ %(path)s))"
# Qualified names of all languages are joined by "." in the index.
_JOINER = re.compile(r"::|#|->")


@dataclass(frozen=True, slots=True)
class Filters:
    """What a chunk must be to count at all."""

    project_id: int | None = None
    language: str | None = None
    path_glob: str | None = None
    symbol: str | None = None
    kind: str | None = None
    without_data: bool = False

    def where(self) -> tuple[sql.Composed, dict[str, object]]:
        """A condition on `c` (chunks) and its parameters."""
        conditions: list[sql.SQL] = [sql.SQL("true")]
        parameters: dict[str, object] = {}
        if self.project_id is not None:
            conditions.append(sql.SQL("c.project_id = %(project_id)s"))
            parameters["project_id"] = self.project_id
        if self.language is not None:
            conditions.append(sql.SQL("c.language = %(language)s"))
            parameters["language"] = self.language.lower()
        if self.path_glob is not None:
            conditions.append(sql.SQL(_IN_PATH))
            parameters["path"] = glob_to_regex(nfc(self.path_glob))
        if self.symbol is not None or self.kind is not None:
            conditions.append(sql.SQL(_DEFINES))
            symbol = None if self.symbol is None else _JOINER.sub(".", self.symbol.removesuffix("()"))
            parameters |= {"symbol": symbol, "kind": self.kind}
        if self.without_data:
            conditions.append(sql.SQL("NOT c.terms @> %(data)s::integer[]"))
            parameters["data"] = [DATA_MARK]
        return sql.SQL(" AND ").join(conditions), parameters

    @property
    def within_project(self) -> bool:
        """Whether they leave out a part of a project, whose words are counted as a whole."""
        return replace(self, project_id=None) != Filters()

    def __bool__(self) -> bool:
        return self != Filters()


def glob_to_regex(glob: str) -> str:
    """POSIX regular expression for a path glob: `*` and `?` stay within a name, `**` crosses directories.

    A glob without '/' is matched against the file's name, as in gitignore(5): `*.py` finds Python files at any depth.

    Raises:
        CocosearchError: a '[' is never closed, or a range in it ends before it begins.
    """
    anchored = glob.lstrip("/")
    regex = "" if "/" in glob.rstrip("/") else "(.*/)?"
    if anchored.endswith("/"):
        anchored += "**"
    position = 0
    while position < len(anchored):
        character = anchored[position]
        if anchored.startswith("**/", position):
            regex += "(.*/)?"
            position += 3
            continue
        if anchored.startswith("**", position):
            regex += ".*"
            position += 2
            continue
        if character == "[":
            negated = anchored[position + 1 : position + 2] in ("!", "^")
            begin = position + 1 + negated
            end = anchored.find("]", begin + 1)  # a ']' at the very beginning is a member
            if end < 0:
                raise CocosearchError(f"The path pattern '{glob}' has a '[' without its ']'.")
            regex += _bracket(anchored[begin:end], glob, negated=negated)
            position = end + 1
            continue
        regex += {"*": "[^/]*", "?": "[^/]"}.get(character, re.escape(character))
        position += 1
    return f"^{regex}$"


def _bracket(members: str, glob: str, *, negated: bool) -> str:
    """A bracket expression that PostgreSQL and Python read alike; like `*` and `?`, it never matches a '/'."""
    parts = []
    position = 0
    while position < len(members):
        low, high = members[position], members[position + 2 : position + 3]
        if high and members[position + 1] == "-":
            if low > high:
                raise CocosearchError(f"The path pattern '{glob}' has the range '{low}-{high}', which ends before it begins.")
            parts.append(f"{_member(low)}-{_member(high)}")
            position += 3
        else:
            parts.append(_member(low))
            position += 1
    return f"(?!/)[{'^' if negated else ''}{''.join(parts)}]"


def _member(character: str) -> str:
    return character if character.isalnum() or character == "_" else f"\\{character}"
