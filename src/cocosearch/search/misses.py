"""A filter that leaves nothing: what was probably meant by it, and what there is instead."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import LiteralString

from psycopg import sql

from cocosearch.database.connection import Connection
from cocosearch.errors import CocosearchError
from cocosearch.lexicon.languages import languages_named
from cocosearch.search.filters import Filters
from cocosearch.search.globs import has_wildcard
from cocosearch.search.readings import path_readings
from cocosearch.search.symbols import read_symbol

# Of what there is, so many are named.
MAX_NAMED = 12
MAX_NEAREST = 5
# Names of definitions that are compared with the one that nobody defines.
MAX_COMPARED = 3000


@dataclass(frozen=True, slots=True)
class Reread:
    """The filters as they were probably meant, and what is to be said of it."""

    filters: Filters
    notes: tuple[str, ...]


def reread(connection: Connection, filters: Filters, project: str | None) -> Reread:
    """Look at each filter of a search that found nothing.

    Args:
        connection: of the database.
        filters: that left nothing together.
        project: name of the one that is searched; None for all.
    """
    where = f"project '{project}'" if project else "any project"
    notes: list[str] = []
    better = filters
    if filters.language is not None and not _any_file(connection, _alone(filters, language=filters.language)):
        notes.append(_note_on_language(connection, filters.language, filters.project_id, where))
    if filters.path_glob is not None and not _any_file(connection, _alone(filters, path_glob=filters.path_glob)):
        better, note = _reread_path(connection, better, where)
        notes.append(note)
    if filters.kind is not None and not _any_definition(connection, _alone(filters, kind=filters.kind)):
        notes.append(_note_on_kind(connection, filters.kind, filters.project_id, where))
    if filters.symbol is not None and not _any_definition(connection, _alone(filters, symbol=filters.symbol)):
        better, note = _reread_symbol(connection, better, where)
        notes.append(note)
    elif filters.symbol is not None and filters.kind is not None and not notes:
        notes += _note_on_kinds_of(connection, filters)
    return Reread(better, tuple(notes))


def leaves_anything(connection: Connection, filters: Filters) -> bool:
    """Whether any chunk is what the filters ask for."""
    condition, parameters = filters.where()
    row = connection.execute(sql.SQL("SELECT EXISTS (SELECT FROM chunks c WHERE {})").format(condition), parameters).fetchone()
    return bool(row and row[0])


def _alone(filters: Filters, **one: str) -> Filters:
    """One of the filters, in the same project."""
    return replace(Filters(project_id=filters.project_id, any_case=filters.any_case), **one)  # type: ignore[arg-type]


def _any_file(connection: Connection, filters: Filters) -> bool:
    condition, parameters = filters.where_files()
    row = connection.execute(sql.SQL("SELECT EXISTS (SELECT FROM files f WHERE {})").format(condition), parameters).fetchone()
    return bool(row and row[0])


def _any_definition(connection: Connection, filters: Filters) -> bool:
    condition, parameters = filters.where_definitions()
    row = connection.execute(sql.SQL("SELECT EXISTS (SELECT FROM definitions d WHERE {})").format(condition), parameters).fetchone()
    return bool(row and row[0])


_LANGUAGES = """
    SELECT f.language, count(*) FROM files f
    WHERE f.skip_reason IS NULL AND (%(project_id)s::integer IS NULL OR f.project_id = %(project_id)s)
    GROUP BY f.language ORDER BY count(*) DESC, f.language
"""
_BEGINNINGS = """
    SELECT split_part(f.path, '/', 1) || CASE WHEN strpos(f.path, '/') > 0 THEN '/' ELSE '' END AS beginning, count(*) FROM files f
    WHERE f.skip_reason IS NULL AND (%(project_id)s::integer IS NULL OR f.project_id = %(project_id)s)
    GROUP BY beginning ORDER BY count(*) DESC, beginning LIMIT %(limit)s
"""
_KINDS = """
    SELECT d.kind, count(*) FROM definitions d
    WHERE %(project_id)s::integer IS NULL OR d.project_id = %(project_id)s
    GROUP BY d.kind ORDER BY count(*) DESC, d.kind
"""


def _counted(connection: Connection, statement: LiteralString, project_id: int | None, limit: int | None = None) -> list[tuple[str, int]]:
    rows = connection.execute(statement, {"project_id": project_id, "limit": limit}).fetchall()
    return [(str(row[0]), int(row[1])) for row in rows]


def _list(counted: Sequence[tuple[str, int]]) -> str:
    named = ", ".join(f"{name} {count}" for name, count in counted[:MAX_NAMED])
    return f"{named} and {len(counted) - MAX_NAMED} more" if len(counted) > MAX_NAMED else named


def _note_on_language(connection: Connection, language: str, project_id: int | None, where: str) -> str:
    there = _counted(connection, _LANGUAGES, project_id)
    close = get_close_matches(language.lower(), [name for name, _ in there], n=2, cutoff=0.6)
    known = any(languages_named(name) for name in language.split(","))
    begin = f"language: no file of {where} is in '{language}'{'' if known else ', which is no language that is known here'}."
    hint = f" Did you mean {' or '.join(close)}?" if close and not known else ""
    return f"{begin}{hint} Languages there, with files: {_list(there)}." if there else begin


def _note_on_kind(connection: Connection, kind: str, project_id: int | None, where: str) -> str:
    there = _counted(connection, _KINDS, project_id)
    begin = f"kind: nothing in {where} is defined as '{kind}'."
    return f"{begin} Kinds there, with definitions: {_list(there)}." if there else begin


def _note_on_kinds_of(connection: Connection, filters: Filters) -> Iterator[str]:
    """Where the symbol is there, and is of another kind."""
    both = replace(_alone(filters, kind=filters.kind or ""), symbol=filters.symbol)
    if _any_definition(connection, both):
        return
    condition, parameters = _alone(filters, symbol=filters.symbol or "").where_definitions()
    rows = connection.execute(
        sql.SQL("SELECT DISTINCT d.kind FROM definitions d WHERE {} ORDER BY d.kind").format(condition), parameters
    ).fetchall()
    yield f"kind: '{filters.symbol}' is not defined as {filters.kind}, but as {', '.join(str(row[0]) for row in rows)}."


def _reread_path(connection: Connection, filters: Filters, where: str) -> tuple[Filters, str]:
    given = filters.path_glob or ""
    roots = [(int(row[0]), str(row[1]), str(row[2])) for row in connection.execute("SELECT id, name, root FROM projects ORDER BY name")]
    for reading in path_readings(given, roots):
        project_id = filters.project_id if reading.project_id is None else reading.project_id
        if filters.project_id not in (None, project_id):
            continue
        meant = replace(filters, path_glob=reading.glob, any_case=reading.any_case, project_id=project_id)
        if _is_there(connection, _alone(meant, path_glob=reading.glob)):
            return meant, f"path_glob: no path matches '{given}' as it stands, so that it was read as '{reading.glob}'{reading.how}."
    note = f"path_glob: no path of {where} matches '{given}'."
    if near := _near_paths(connection, given, filters.project_id):
        note += f" Near it: {', '.join(near)}."
    beginnings = _counted(connection, _BEGINNINGS, filters.project_id, MAX_NAMED)
    return filters, f"{note} Paths begin with: {', '.join(name for name, _ in beginnings)}." if beginnings else note


def _is_there(connection: Connection, filters: Filters) -> bool:
    try:
        return _any_file(connection, filters)
    except CocosearchError:  # what is left of a pattern need not be one
        return False


_NEAR_PATHS = """
    SELECT DISTINCT f.path FROM files f
    WHERE f.skip_reason IS NULL AND (%(project_id)s::integer IS NULL OR f.project_id = %(project_id)s)
      AND strpos(lower(f.path), %(part)s) > 0
    ORDER BY f.path LIMIT %(limit)s
"""


def _near_paths(connection: Connection, glob: str, project_id: int | None) -> list[str]:
    """Paths with the pattern's last name that has no wildcard in it."""
    names = [part for part in glob.replace("\\", "/").split("/") if part and not has_wildcard(part)]
    if not names:
        return []
    part = names[-1].lower().rsplit(".", 1)[0]
    rows = connection.execute(_NEAR_PATHS, {"project_id": project_id, "part": part, "limit": MAX_NEAREST})
    return [str(row[0]) for row in rows] if part else []


# Names that hold the one that is looked for, are as long within a few letters and begin or end alike, or differ in case and '_' alone.
_NAMES = """
    SELECT DISTINCT d.name FROM definitions d
    WHERE (%(project_id)s::integer IS NULL OR d.project_id = %(project_id)s)
      AND (replace(lower(d.name), '_', '') = %(plain)s
           OR strpos(lower(d.name), %(name)s) > 0
           OR length(d.name) BETWEEN %(length)s - 3 AND %(length)s + 3
              AND (left(lower(d.name), 2) = left(%(name)s, 2) OR right(lower(d.name), 3) = right(%(name)s, 3)))
    LIMIT %(limit)s
"""


def _reread_symbol(connection: Connection, filters: Filters, where: str) -> tuple[Filters, str]:
    given = filters.symbol or ""
    last = (read_symbol(given).names or (given,))[0]
    begin = f"symbol: nothing in {where} is called '{given}'"
    if last.lower() != given.lower() and _any_definition(connection, _alone(filters, symbol=last)):
        return replace(filters, symbol=last), f"{begin}, so that all that is called '{last}' was searched."
    plain = last.lower().replace("_", "").replace("-", "")
    parameters = {
        "project_id": filters.project_id,
        "plain": plain,
        "name": last.lower(),
        "length": len(last),
        "limit": MAX_COMPARED,
    }
    names = [str(row[0]) for row in connection.execute(_NAMES, parameters)]
    alike = sorted(name for name in names if name.lower().replace("_", "") == plain)
    if alike:
        return replace(filters, symbol=alike[0]), f"{begin}, so that '{alike[0]}' was searched."
    by_lower = {name.lower(): name for name in sorted(names, reverse=True)}
    close = get_close_matches(last.lower(), list(by_lower), n=MAX_NEAREST, cutoff=0.6)
    holding = sorted((name for name in by_lower if last.lower() in name), key=len)
    nearest = list(dict.fromkeys([*close, *holding]))[:MAX_NEAREST]
    hint = f" Nearest names: {', '.join(by_lower[name] for name in nearest)}." if nearest else " Leave it out, and name it in the query."
    return filters, f"{begin}.{hint}"
