"""Text to chunks: along the definitions, and never longer than what the model reads."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from cocosearch.indexing.chunking.definitions import Definition, has_grammar, is_too_deep
from cocosearch.indexing.chunking.layout import Limits, Lines, spans
from cocosearch.lexicon.languages import TEXT

if TYPE_CHECKING:
    from cocoindex.ops.text import RecursiveSplitter

DEFAULT_CHUNK_CHARACTERS = 1000
# Code has about three characters to a token of a WordPiece vocabulary (median 3.5, lowest twentieth 2.5, over 5,000 chunks).
CHARACTERS_PER_TOKEN = 3
# Room for the prompt and the special tokens.
RESERVED_TOKENS = 16
MIN_TOKENS = 64
MAX_SYMBOLS = 64
# A longer line is data, whatever its syntax; the splitter's parser has no bounds, and of some texts it makes a second of each kilobyte.
MAX_SYNTAX_LINE = 16_384
_LETTERS_PER_TOKEN = 4
_OVERHEAD = 2  # special tokens of every text
_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)+")
_PIECE = re.compile(r"[A-Za-z]+|[0-9]+|[^\sA-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file; lines are 1-based and inclusive."""

    start_line: int
    end_line: int
    text: str
    symbols: tuple[str, ...] = ()  # names of the definitions whose name stands in the chunk
    enclosing: str | None = None  # qualified name of the smallest definition that reaches beyond the chunk on both or either side


def model_tokens(text: str) -> int:
    """Tokens that a model's tokenizer will make of the text, rarely too few (5 % of chunks, measured with WordPiece)."""
    tokens = _OVERHEAD
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece[0].isdigit():
            tokens += len(piece)
        elif piece[0].isascii() and piece[0].isalpha():
            tokens += -(-len(piece) // _LETTERS_PER_TOKEN)
        else:
            tokens += 1
    return tokens


def split(text: str, language: str, definitions: Sequence[Definition], chunk_characters: int, max_tokens: int) -> list[Chunk]:
    """Cut a file along its definitions.

    Args:
        text: the whole file.
        language: as `detect_language` names it; one without a grammar is cut as the engine's splitter sees its syntax.
        definitions: of this text, by `definitions_of`.
        chunk_characters: length to aim at.
        max_tokens: bound by `model_tokens`; what is longer is cut again, at lines, then within the line.
    """
    budget = max(MIN_TOKENS, max_tokens - RESERVED_TOKENS)
    target = min(chunk_characters, budget * CHARACTERS_PER_TOKEN)
    if not has_grammar(language):
        return _by_splitter(text, 1, language, target, budget)
    lines = text.split("\n")
    limits = Limits(target, budget)
    measured = Lines(lines, [model_tokens(line) - _OVERHEAD for line in lines], budget - _OVERHEAD)
    chunks: list[Chunk] = []
    for start, end in spans(measured, definitions, limits):
        piece = "\n".join(lines[start - 1 : end])
        if start == end and not measured.fits(start, end, limits.whole):
            # As plain text: the splitter's own parser has no bound, and takes minutes for some lines of 40,000 characters.
            chunks.extend(_by_splitter(piece, start, TEXT, target, budget))
        elif (chunk := _trimmed(piece, start)) is not None:
            chunks.append(chunk)
    return _described(chunks, definitions)


def _by_splitter(text: str, first_line: int, language: str, target: int, budget: int) -> list[Chunk]:
    plain = (has_grammar(language) and len(text) > MAX_SYNTAX_LINE) or is_too_deep(text.encode("utf-8", "replace"), language)
    pieces = _splitter().split(text, target, language=None if plain else language)
    # Only where the pieces begin counts: the splitter leaves out a comma or a full stop at which it cuts.
    begins = [(piece.start.char_offset, piece.start.line - 1) for piece in pieces]
    begins[:1] = [(0, 0)]
    chunks: list[Chunk] = []
    for (begin, line), (end, _) in pairwise([*begins, (len(text), 0)]):
        chunk = _trimmed(text[begin:end], first_line + line)
        if chunk is not None:
            chunks.extend(_fitting(chunk, budget, 2 * target))
    return chunks


def _described(chunks: list[Chunk], definitions: Sequence[Definition]) -> list[Chunk]:
    """The chunks with what they define, and what they stand in."""
    by_start = sorted(definitions, key=lambda each: (each.start_line, -each.end_line))
    by_name = sorted(definitions, key=lambda each: each.name_line)
    described: list[Chunk] = []
    around: list[Definition] = []
    starting = naming = 0
    for chunk in chunks:
        while starting < len(by_start) and by_start[starting].start_line <= chunk.start_line:
            around.append(by_start[starting])
            starting += 1
        around = [each for each in around if each.end_line >= chunk.start_line]
        enclosing = [each for each in around if _reaches_beyond(each, chunk)]
        while naming < len(by_name) and by_name[naming].name_line < chunk.start_line:
            naming += 1
        names: list[str] = []
        for each in by_name[naming:]:
            if each.name_line > chunk.end_line:
                break
            # Of a long line a chunk may hold only a part.
            if chunk.start_line < chunk.end_line or each.name in chunk.text:
                names.append(each.name)
        inmost = min(enclosing, key=lambda each: each.end_line - each.start_line, default=None)
        symbols = tuple(dict.fromkeys(names))[:MAX_SYMBOLS]
        described.append(replace(chunk, symbols=symbols, enclosing=inmost.qualified_name if inmost else None))
    return described


def _reaches_beyond(definition: Definition, chunk: Chunk) -> bool:
    if definition.end_line < chunk.end_line:
        return False
    return (definition.start_line, definition.end_line) != (chunk.start_line, chunk.end_line)


def split_in_two(chunk: Chunk) -> list[Chunk]:
    """The chunk in two, at the line nearest to its middle, or within its only line; [] where nothing but space is left."""
    lines = chunk.text.split("\n")
    if len(lines) == 1:
        middle = len(chunk.text) // 2
        space = chunk.text.rfind(" ", middle // 2, middle)
        cut = space if space > 0 else middle
        halves = [(chunk.text[:cut], chunk.start_line), (chunk.text[cut:], chunk.start_line)]
    else:
        cut = _middle_line(lines)
        halves = [("\n".join(lines[:cut]), chunk.start_line), ("\n".join(lines[cut:]), chunk.start_line + cut)]
    parts = [half for text, line in halves if (half := _trimmed(text, line)) is not None]
    return _shared(chunk, parts)


def _shared(whole: Chunk, parts: list[Chunk]) -> list[Chunk]:
    """The parts with the whole's symbols, each at the first part that names it."""
    left = list(whole.symbols)
    described: list[Chunk] = []
    for part in parts:
        own = tuple(name for name in left if name in part.text)
        left = [name for name in left if name not in own]
        described.append(replace(part, symbols=own, enclosing=whole.enclosing))
    return described


def _middle_line(lines: list[str]) -> int:
    """Index (1 to len - 1) of the line that begins nearest to the middle of the characters."""
    half = sum(len(line) + 1 for line in lines) / 2
    position, best, best_distance = 0, 1, float("inf")
    for index in range(1, len(lines)):
        position += len(lines[index - 1]) + 1
        distance = abs(position - half)
        if distance < best_distance:
            best, best_distance = index, distance
    return best


def _fitting(chunk: Chunk, max_tokens: int, max_characters: int) -> list[Chunk]:
    fits = len(chunk.text) <= max_characters and model_tokens(chunk.text) <= max_tokens
    if fits or len(chunk.text) <= 1:
        return [chunk]
    return [fitting for half in split_in_two(chunk) for fitting in _fitting(half, max_tokens, max_characters)]


def _trimmed(text: str, start_line: int) -> Chunk | None:
    """Chunk without blank lines at its ends; the spaces of its first and last line stay, for they may be in the middle of a long one."""
    begin = match.end() if (match := _BLANK_LINES.match(text)) else 0
    kept = text[begin:].rstrip()
    if not kept:
        return None
    kept += text[begin + len(kept) :].split("\n", 1)[0]
    start = start_line + text.count("\n", 0, begin)
    return Chunk(start, start + kept.count("\n"), kept)


@cache
def _splitter() -> "RecursiveSplitter":
    from cocoindex.ops.text import RecursiveSplitter  # it takes longer to load than to cut most files

    return RecursiveSplitter()
