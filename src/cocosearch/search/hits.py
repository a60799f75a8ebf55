"""From ranked chunks to hits: their text, on request the whole definition that each is a part of, and no more than fits."""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from math import ceil

from cocosearch.database.connection import Connection
from cocosearch.search.ranking import Ranked
from cocosearch.search.types import Hit

# What a hit says beside its text, names and path: lines, language, score, arms, and the names of the fields.
TOKENS_PER_HIT = 70
TOKENS_PER_SIGNALS = 120
# Pieces as the vocabularies of language models cut them, with what each is counted for. Beside the tokenizers of two families, code, prose
# and data come out at 1.0 to 2.0 times the tokens of the greater, base64 and emoji at 0.8.
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+|\s\s+|[^\sA-Za-z0-9]+")
_LETTERS_PER_TOKEN, _DIGITS_PER_TOKEN, _SIGNS_PER_TOKEN, _BYTES_PER_TOKEN = 4, 2, 1.33, 2
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
    tokens = 0.0
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece.isspace():
            tokens += 1
        elif not piece.isascii():
            tokens += max(1.0, len(piece.encode("utf-8", "surrogatepass")) / _BYTES_PER_TOKEN)
        elif not piece.isalnum():
            tokens += max(1.0, len(piece) / _SIGNS_PER_TOKEN)
        else:
            tokens += -(-len(piece) // (_DIGITS_PER_TOKEN if piece[0].isdigit() else _LETTERS_PER_TOKEN))
    return ceil(tokens)


def hit_tokens(hit: Hit, *, explain: bool = False) -> int:
    """Tokens of a hit with all that is said of it."""
    said = (hit.text, hit.path, hit.project, hit.symbol or "", hit.enclosing or "")
    return TOKENS_PER_HIT + TOKENS_PER_SIGNALS * explain + sum(map(estimate_tokens, said))


def make_hits(connection: Connection, ranked: Sequence[Ranked], limit: int, names: Container[str], *, whole_definitions: bool) -> list[Hit]:
    """The best hits of the ranked chunks, in their order; a chunk that was replaced in this moment is left out.

    Args:
        connection: of the database.
        ranked: best first.
        limit: hits wanted.
        names: that were asked for, in lower case; a hit is called by one of them if it defines it.
        whole_definitions: widen each hit to the definition around it; what was shown by a better one does not come again.
    """
    hits: list[Hit] = []
    shown: list[_Place] = []
    for begin in range(0, len(ranked), limit):
        batch = ranked[begin : begin + limit]
        rows = {row[0]: row[1:] for row in connection.execute(_HITS, {"ids": [found.candidate.chunk_id for found in batch]})}
        for found in batch:
            if len(hits) == limit:
                return hits
            if found.candidate.chunk_id not in rows:
                continue
            project, path, start_line, end_line, language, symbols, enclosing, text, project_id = rows[found.candidate.chunk_id]
            place = _Place(project_id, path, start_line, end_line)
            if any(_holds(other, place) for other in shown):
                continue
            if whole_definitions:
                place, enclosing, text = _widened(connection, place, enclosing, text, shown)
                shown.append(place)
            hits.append(
                Hit(
                    project=project,
                    path=path,
                    start_line=place.start_line,
                    end_line=place.end_line,
                    language=language,
                    symbol=next((symbol for symbol in symbols if symbol.lower() in names), next(iter(symbols), None)),
                    enclosing=enclosing,
                    score=round(found.signals.score, 4),
                    arms=found.candidate.arms,
                    text=text,
                    signals=found.signals,
                )
            )
    return hits


def fit_budget(hits: Sequence[Hit], max_tokens: int, *, explain: bool = False) -> list[Hit]:
    """The hits, best first, that fit together; what does not fit is left out whole, and a shorter one may take its place."""
    fitting = []
    room = max_tokens
    for hit in hits:
        needed = hit_tokens(hit, explain=explain)
        if needed <= room:
            fitting.append(hit)
            room -= needed
    return fitting


def _holds(outer: _Place, inner: _Place) -> bool:
    """Whether one place is a part of the other; two chunks in the same place are two parts of one long line."""
    same_file = (outer.project_id, outer.path) == (inner.project_id, inner.path)
    return outer != inner and same_file and outer.start_line <= inner.start_line and outer.end_line >= inner.end_line


def _widened(
    connection: Connection, place: _Place, enclosing: str | None, text: str, shown: Sequence[_Place]
) -> tuple[_Place, str | None, str]:
    """The definition around a chunk, put together from the file's chunks.

    The chunk itself where there is none of a readable length, or where a part of it was shown before.
    """
    around = {"project_id": place.project_id, "path": place.path, "start_line": place.start_line, "end_line": place.end_line}
    found = connection.execute(_ENCLOSING, {**around, "most": MAX_WIDENED_LINES}).fetchone()
    if found is None:
        return place, enclosing, text
    first, last, qualified_name = found
    whole_place = _Place(place.project_id, place.path, first, last)
    if any(_holds(whole_place, other) for other in shown):
        return place, enclosing, text
    lines: dict[int, str] = {}
    for start, chunk_text in connection.execute(_LINES, {**around, "start_line": first, "end_line": last}):
        for number, line in enumerate(chunk_text.split("\n"), start=start):
            # A line too long for one chunk stands in several.
            lines[number] = lines.get(number, "") + line
    whole = "\n".join(lines.get(number, "") for number in range(first, last + 1))
    return whole_place, qualified_name.rpartition(".")[0] or None, whole
