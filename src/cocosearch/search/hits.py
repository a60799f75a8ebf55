"""From ranked chunks to hits: their text, on request the whole definition that each is a part of, and no more than fits."""

from collections.abc import Sequence
from dataclasses import dataclass

from cocosearch.database.connection import Connection
from cocosearch.search.query import Query
from cocosearch.search.ranking import Ranked
from cocosearch.search.types import Hit

# Code has three to four characters to a token of the vocabularies of language models; three keeps to the budget.
CHARACTERS_PER_TOKEN = 3
# A longer definition is a file, not an answer: its chunk is shown alone.
MAX_WIDENED_LINES = 400

_HITS = """
    SELECT c.id, p.name, c.path, c.start_line, c.end_line, c.language, c.symbols, c.enclosing, c.text, c.project_id
    FROM chunks c JOIN projects p ON p.id = c.project_id
    WHERE c.id = ANY(%(ids)s)
"""
# The smallest definition that holds the lines and more.
_ENCLOSING = """
    SELECT start_line, end_line, qualified_name FROM definitions
    WHERE project_id = %(project_id)s AND path = %(path)s AND start_line <= %(start_line)s AND end_line >= %(end_line)s
      AND end_line - start_line > %(end_line)s - %(start_line)s AND end_line - start_line < %(most)s
    ORDER BY end_line - start_line LIMIT 1
"""
_LINES = """
    SELECT start_line, text FROM chunks
    WHERE project_id = %(project_id)s AND path = %(path)s AND end_line >= %(start_line)s AND start_line <= %(end_line)s
    ORDER BY ordinal
"""


@dataclass(frozen=True, slots=True)
class _Place:
    """Lines of a file."""

    project_id: int
    path: str
    start_line: int
    end_line: int


def estimate_tokens(text: str) -> int:
    """Tokens that a language model will read, rather too many than too few."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def make_hits(connection: Connection, query: Query, ranked: Sequence[Ranked], *, whole_definitions: bool) -> list[Hit]:
    """Hits of the ranked chunks, in their order; one that was replaced in this moment is left out, a definition comes once."""
    rows = {row[0]: row[1:] for row in connection.execute(_HITS, {"ids": [found.candidate.chunk_id for found in ranked]})}
    hits = []
    shown: list[_Place] = []
    for found in ranked:
        if found.candidate.chunk_id not in rows:
            continue
        project, path, start_line, end_line, language, symbols, enclosing, text, project_id = rows[found.candidate.chunk_id]
        place = _Place(project_id, path, start_line, end_line)
        if any(_holds(other, place) for other in shown):
            continue
        symbol = _asked_for(symbols, query)
        if whole_definitions:
            place, enclosing, text = _widened(connection, place, enclosing, text)
            shown.append(place)
        hits.append(
            Hit(
                project=project,
                path=path,
                start_line=place.start_line,
                end_line=place.end_line,
                language=language,
                symbol=symbol,
                enclosing=enclosing,
                score=round(found.signals.score, 4),
                arms=found.candidate.arms,
                text=text,
                signals=found.signals,
            )
        )
    return hits


def fit_budget(hits: Sequence[Hit], max_tokens: int) -> list[Hit]:
    """The hits, best first, whose texts fit together; what does not fit is left out whole, and a shorter one may take its place."""
    fitting = []
    room = max_tokens
    for hit in hits:
        needed = estimate_tokens(hit.text)
        if needed <= room:
            fitting.append(hit)
            room -= needed
    return fitting


def _asked_for(symbols: Sequence[str], query: Query) -> str | None:
    named = [symbol for symbol in symbols if symbol.lower() in query.names]
    return next(iter(named or symbols), None)


def _holds(outer: _Place, inner: _Place) -> bool:
    same_file = (outer.project_id, outer.path) == (inner.project_id, inner.path)
    return same_file and outer.start_line <= inner.start_line and outer.end_line >= inner.end_line


def _widened(connection: Connection, place: _Place, enclosing: str | None, text: str) -> tuple[_Place, str | None, str]:
    """The definition around a chunk, put together from the file's chunks; the chunk itself where there is none of a readable length."""
    around = {"project_id": place.project_id, "path": place.path, "start_line": place.start_line, "end_line": place.end_line}
    found = connection.execute(_ENCLOSING, {**around, "most": MAX_WIDENED_LINES}).fetchone()
    if found is None:
        return place, enclosing, text
    first, last, qualified_name = found
    lines: dict[int, str] = {}
    for start, chunk_text in connection.execute(_LINES, {**around, "start_line": first, "end_line": last}):
        for number, line in enumerate(chunk_text.split("\n"), start=start):
            # A line too long for one chunk stands in several.
            lines[number] = lines.get(number, "") + line
    whole = "\n".join(lines.get(number, "") for number in range(first, last + 1))
    return _Place(place.project_id, place.path, first, last), qualified_name.rpartition(".")[0] or None, whole
