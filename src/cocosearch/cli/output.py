"""What commands print: text for people, JSON for machines."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cocosearch.access.text import is_harmless, line, printable

if TYPE_CHECKING:
    from cocosearch.database.status import ProjectStatus
    from cocosearch.search.types import Hit, SearchResponse, Signals

NEVER = "never"


def as_json(value: object) -> str:
    """JSON of a dataclass or a list of them, with a line end, in which no character acts on a terminal or hides: see `escaped`."""

    def plain(item: object) -> object:
        if is_dataclass(item) and not isinstance(item, type):
            return asdict(item)
        return str(item)

    return escaped(json.dumps(value, default=plain, indent=2, ensure_ascii=False)) + "\n"


def escaped(document: str) -> str:
    """A JSON document with its control, bidirectional and invisible characters as JSON's own escapes: a parser reads the same texts."""
    return "".join(character if is_harmless(character) else _json_escape(character) for character in document)


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))


def write_hits(response: "SearchResponse", *, explain: bool = False) -> None:
    """Hits, best first, each with its place, on request what made its score, and its text; the note goes to stderr."""
    if response.note:
        sys.stderr.write(line(f"Note: {response.note}"))
    for hit in response.hits:
        arms = "+".join(arm.value for arm in hit.arms)
        sys.stdout.write(line(f"{hit.project}/{hit.path}:{hit.start_line}-{hit.end_line}{_names(hit)}  [{hit.score:.2f} {arms}]"))
        if explain:
            sys.stdout.write(line(f"    {_explained(hit.signals)}"))
        sys.stdout.write("".join(f"    {text}\n" for text in printable(hit.text).split("\n")) + "\n")
    if not response.hits:
        sys.stderr.write("Nothing found.\n")


def _names(hit: "Hit") -> str:
    """What a hit defines, and what it is a part of."""
    names = [hit.symbol] if hit.symbol else []
    if hit.enclosing:
        names.append(f"in {hit.enclosing}")
    return f"  {' '.join(names)}" if names else ""


def _explained(signals: "Signals") -> str:
    """Every signal in a column of its own, so that hits compare line by line."""
    values = [(field.name.replace("_", " "), getattr(signals, field.name)) for field in fields(signals)]
    return "  ".join(f"{name} {'none' if value is None else format(value, '.2f'):>5}" for name, value in values)


def write_projects(projects: Sequence["ProjectStatus"]) -> None:
    """One line for each project."""
    if not projects:
        sys.stdout.write("Nothing is indexed yet: run `cocosearch index PATH`.\n")
        return
    width = max(len(project.name) for project in projects)
    for project in projects:
        counts = f"{project.files:>6} files  {project.chunks:>7} chunks"
        sys.stdout.write(line(f"{project.name:<{width}}  {project.state.value:<8}  {counts}  {project.root}"))
        sys.stdout.write("".join(line(f"{'':<{width}}  {note}") for note in project.notes))


def write_project(project: "ProjectStatus") -> None:
    """All that is known of a project, a line each."""
    skipped = ", ".join(f"{count} {reason}" for reason, count in sorted(project.skipped.items())) or "none"
    lines = {
        "state": f"{project.state.value}: {project.held_up}" if project.held_up else project.state.value,
        "root": project.root,
        "model": project.model or "not known yet",
        "files": f"{project.files} searchable, {project.files_done} of {project.files_total} done in the last run",
        "chunks": f"{project.chunks} searchable, {project.chunks - project.chunks_embedded} without a vector",
        "searchable": project.searchable,
        "skipped": skipped,
        "indexed": _moment(project.indexed_at),
        "checked": _moment(project.checked_at),
        "last error": project.last_error or "none",
        **({"notes": " ".join(project.notes)} if project.notes else {}),
    }
    sys.stdout.write(line(project.name) + "".join(line(f"  {name:<11}{value}") for name, value in lines.items()))


def _moment(moment: datetime | None) -> str:
    return moment.astimezone().isoformat(sep=" ", timespec="seconds") if moment else NEVER
