"""Filters of a search as SQL: they hold inside each arm, before anything is ranked or cut."""

import re
from dataclasses import dataclass

from psycopg import sql

from cocosearch.errors import CocosearchError


@dataclass(frozen=True, slots=True)
class Filters:
    """What a chunk must be to count at all."""

    project_id: int | None
    language: str | None
    path_glob: str | None

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
            conditions.append(sql.SQL("c.path ~ %(path)s"))
            parameters["path"] = glob_to_regex(self.path_glob)
        return sql.SQL(" AND ").join(conditions), parameters

    def __bool__(self) -> bool:
        return any(value is not None for value in (self.project_id, self.language, self.path_glob))


def glob_to_regex(glob: str) -> str:
    """POSIX regular expression for a path glob: `*` and `?` stay within a name, `**` crosses directories.

    A glob without '/' is matched against the file's name, as in gitignore(5): `*.py` finds Python files at any depth.

    Raises:
        CocosearchError: a '[' is never closed.
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
            end = anchored.find("]", position + 2)
            if end < 0:
                raise CocosearchError(f"The path pattern '{glob}' has a '[' without its ']'.")
            members = anchored[position + 1 : end].replace("\\", "\\\\")
            regex += f"[^{members[1:]}]" if members.startswith("!") else f"[{members}]"
            position = end + 1
            continue
        regex += {"*": "[^/]*", "?": "[^/]"}.get(character, re.escape(character))
        position += 1
    return f"^{regex}$"
