"""Text to chunks: along the syntax, and never longer than what the model reads."""

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from cocoindex.ops.text import RecursiveSplitter

DEFAULT_CHUNK_CHARACTERS = 1000
# Code has about three characters to a token of a WordPiece vocabulary (median 3.5, lowest twentieth 2.5, over 5,000 chunks).
CHARACTERS_PER_TOKEN = 3
# Room for the prompt and the special tokens.
RESERVED_TOKENS = 16
MIN_TOKENS = 64
_LETTERS_PER_TOKEN = 4
_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)+")
_PIECE = re.compile(r"[A-Za-z]+|[0-9]+|[^\sA-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file; lines are 1-based and inclusive."""

    start_line: int
    end_line: int
    text: str


def estimate_tokens(text: str) -> int:
    """Tokens that a model's tokenizer will make of the text, rarely too few (5 % of chunks, measured with WordPiece)."""
    tokens = 2
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece[0].isdigit():
            tokens += len(piece)
        elif piece[0].isascii() and piece[0].isalpha():
            tokens += -(-len(piece) // _LETTERS_PER_TOKEN)
        else:
            tokens += 1
    return tokens


def split(text: str, language: str, target_characters: int, max_tokens: int) -> list[Chunk]:
    """Cut a file along its syntax.

    Args:
        text: the whole file.
        language: as `detect_language` names it; one without a grammar is cut at blank lines and lines.
        target_characters: length to aim at.
        max_tokens: bound by `estimate_tokens`; what is longer is cut again, at lines, then within the line.
    """
    budget = max(MIN_TOKENS, max_tokens - RESERVED_TOKENS)
    target = min(target_characters, budget * CHARACTERS_PER_TOKEN)
    # Only where the pieces begin counts: the splitter leaves out a comma or a full stop at which it cuts.
    begins = [(piece.start.char_offset, piece.start.line) for piece in _splitter().split(text, target, language=language)]
    begins[:1] = [(0, 1)]
    chunks: list[Chunk] = []
    for (begin, line), (end, _) in pairwise([*begins, (len(text), 0)]):
        chunk = _trimmed(text[begin:end], line)
        if chunk is not None:
            chunks.extend(_fitting(chunk, budget, 2 * target))
    return chunks


def halve(chunk: Chunk) -> list[Chunk]:
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
    return [half for text, line in halves if (half := _trimmed(text, line)) is not None]


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
    fits = len(chunk.text) <= max_characters and estimate_tokens(chunk.text) <= max_tokens
    if fits or len(chunk.text) <= 1:
        return [chunk]
    return [fitting for half in halve(chunk) for fitting in _fitting(half, max_tokens, max_characters)]


def _trimmed(text: str, start_line: int) -> Chunk | None:
    """Chunk without blank lines at its ends; indentation of its first line stays as the splitter left it."""
    begin = match.end() if (match := _BLANK_LINES.match(text)) else 0
    kept = text[begin:].rstrip()
    if not kept:
        return None
    start = start_line + text.count("\n", 0, begin)
    return Chunk(start, start + kept.count("\n"), kept)


@cache
def _splitter() -> RecursiveSplitter:
    return RecursiveSplitter()
