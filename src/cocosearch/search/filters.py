"""Filters of a search as SQL: they hold inside each arm, before anything is ranked or cut."""

import re
from dataclasses import dataclass, replace

from psycopg import sql

from cocosearch.lexicon.languages import also_written_as, languages_named
from cocosearch.lexicon.terms import DATA_MARK
from cocosearch.search.globs import read_globs
from cocosearch.search.symbols import read_symbol

_LIKE_SIGN, _ESCAPED = re.compile(r"[%_\\]"), r"\\\g<0>"
# Of definitions d: its module, as paths name it (src/api/errors.py → src.api.errors, api/__init__.py → api).
_MODULE = r"replace(regexp_replace(d.path, '(/(__init__|index|mod|lib))?\.[^./]*$', ''), '/', '.')"
SYMBOL = f"""
    (lower(d.name) = ANY(%(symbol_written)s)
     OR lower('.' || d.qualified_name) LIKE ANY(%(symbol_ends)s)
     OR lower(d.name) = ANY(%(symbol_names)s) AND lower('.' || {_MODULE} || '.' || d.qualified_name) LIKE ANY(%(symbol_ends)s))
"""
KIND = "d.kind = %(kind)s"
_DEFINES = """
    EXISTS (
        SELECT FROM definitions d
        WHERE d.project_id = c.project_id AND d.path = c.path AND d.name_line BETWEEN c.start_line AND c.end_line AND {which}
    )
"""
# A path is kept as its file system has it; macOS takes letters and accents apart (NFD). The first condition is the cheap one.
_PATH = "({table}.path ~ {pattern} OR (octet_length({table}.path) > length({table}.path) AND normalize({table}.path, NFC) ~ {pattern}))"
_LANGUAGE = "{table}.language = ANY(%(languages)s)"
# A header is C's by its content and may belong to C++ code all the same.
_LANGUAGE_OR_ALIKE = r"""
    ({table}.language = ANY(%(languages)s)
     OR {table}.language = ANY(%(alike)s) AND lower(substring({table}.path FROM '\.[^./]*$')) = ANY(%(alike_extensions)s))
"""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a chunk must be to count at all, as it was asked for."""

    project_id: int | None = None
    language: str | None = None  # any of several, between commas
    path_glob: str | None = None
    symbol: str | None = None
    kind: str | None = None
    any_case: bool = False  # of the paths
    without_data: bool = False

    def where(self) -> tuple[sql.Composed, dict[str, object]]:
        """A condition on `c` (chunks) and its parameters.

        Raises:
            CocosearchError: the path pattern is none.
        """
        conditions, parameters = self._of_files("c")
        definitions, more = self._of_definitions()
        if definitions:
            conditions.append(sql.SQL(_DEFINES).format(which=sql.SQL(" AND ").join(definitions)))
        if self.without_data:
            conditions.append(sql.SQL("NOT c.terms @> %(data)s::integer[]"))
            parameters["data"] = [DATA_MARK]
        return sql.SQL(" AND ").join([sql.SQL("true"), *conditions]), parameters | more

    def where_files(self) -> tuple[sql.Composed, dict[str, object]]:
        """What they ask of files, as a condition on `f` (files)."""
        conditions, parameters = self._of_files("f")
        return sql.SQL(" AND ").join([sql.SQL("f.skip_reason IS NULL"), *conditions]), parameters

    def where_definitions(self) -> tuple[sql.Composed, dict[str, object]]:
        """What they ask of definitions and of the project, as a condition on `d` (definitions)."""
        conditions, parameters = self._of_definitions()
        if self.project_id is not None:
            conditions.append(sql.SQL("d.project_id = %(project_id)s"))
            parameters["project_id"] = self.project_id
        return sql.SQL(" AND ").join([sql.SQL("true"), *conditions]), parameters

    def _of_files(self, table: str) -> tuple[list[sql.Composable], dict[str, object]]:
        conditions: list[sql.Composable] = []
        parameters: dict[str, object] = {}
        alias = sql.SQL("c") if table == "c" else sql.SQL("f")
        if self.project_id is not None:
            conditions.append(sql.SQL("{table}.project_id = %(project_id)s").format(table=alias))
            parameters["project_id"] = self.project_id
        if self.language is not None:
            languages = languages_of(self.language)
            alike = [pair for language in languages for pair in also_written_as(language)]
            conditions.append(sql.SQL(_LANGUAGE_OR_ALIKE if alike else _LANGUAGE).format(table=alias))
            parameters["languages"] = languages
            if alike:
                parameters |= {"alike": [language for language, _ in alike], "alike_extensions": [extension for _, extension in alike]}
        if self.path_glob is not None:
            pattern = read_globs(self.path_glob, any_case=self.any_case)
            if pattern.wanted is not None:
                conditions.append(sql.SQL(_PATH).format(table=alias, pattern=sql.Placeholder("path")))
                parameters["path"] = pattern.wanted
            if pattern.unwanted is not None:
                conditions.append(sql.SQL("NOT " + _PATH).format(table=alias, pattern=sql.Placeholder("path_unwanted")))
                parameters["path_unwanted"] = pattern.unwanted
        return conditions, parameters

    def _of_definitions(self) -> tuple[list[sql.Composable], dict[str, object]]:
        conditions: list[sql.Composable] = []
        parameters: dict[str, object] = {}
        if self.symbol is not None:
            symbol = read_symbol(self.symbol)
            conditions.append(sql.SQL(SYMBOL))
            parameters |= {
                "symbol_written": [name.lower() for name in symbol.written],
                "symbol_ends": [f"%.{_LIKE_SIGN.sub(_ESCAPED, dotted)}".lower() for dotted in symbol.dotted],
                "symbol_names": [name.lower() for name in symbol.names],
            }
        if self.kind is not None:
            conditions.append(sql.SQL(KIND))
            parameters["kind"] = self.kind
        return conditions, parameters

    @property
    def within_project(self) -> bool:
        """Whether they leave out a part of a project, whose words are counted as a whole."""
        return replace(self, project_id=None) != Filters()

    def __bool__(self) -> bool:
        return self != Filters()


def languages_of(given: str) -> list[str]:
    """The index's names of the languages that are asked for; one that nobody knows is taken by the name it has."""
    asked = [name.strip() for name in given.split(",") if name.strip()] or [given]
    return list(dict.fromkeys(language for name in asked for language in languages_named(name) or (name.lower(),)))
