"""What a query asks for: its terms, the names that it quotes, the kinds of files that it is after."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import log

from cocosearch.lexicon.file_kinds import FileKind
from cocosearch.lexicon.normalization import nfc
from cocosearch.lexicon.terms import MAX_WEIGHT, STOP_WORDS, file_stem, query_stems
from cocosearch.lexicon.words import is_unspaced_phrase

_NAME = r"(?:[^\W\d]|\$)[\w$]*"
_JOINER = r"(?:\.|::|#|->|/|\\)"
_ONE_NAME = re.compile(rf"{_NAME}(?:{_JOINER}{_NAME})*(?:\(\))?[!?]?")
# In a sentence, a name is told from a word by what sentences do not have: capitals, underscores, joiners, a call's brackets, backticks.
_QUOTED_NAME = re.compile(r"[A-Z]|_|::|->|#|\w\.\w|\w\(\)|`\w")
_PUNCTUATION = ".,?:;()[]{}\"'`"
# Who says "test" rarely asks for a test: in a test runner every question says it.
_ASKS_FOR = {
    FileKind.TEST: re.compile(r"\b(unit|integration|regression|acceptance)[ -]tests?\b|\b(tests?|specs?) (for|of|covering)\b|\btested\b"),
    FileKind.EXAMPLE: re.compile(r"\b(examples?|samples?|demos?|benchmarks?)\b"),
    FileKind.DOCUMENT: re.compile(r"\b(documentation|documented|docs|readme|changelog|guide|tutorial|licen[sc]e|man ?pages?)\b"),
    FileKind.GENERATED: re.compile(r"\b(generated|vendor|vendored|lock ?files?|minified)\b"),
    FileKind.DATA: re.compile(r"\b(word ?lists?|(translation|message) (files?|catalog(ue)?s?)|data files?|lock ?files?)\b"),
}


@dataclass(frozen=True, slots=True)
class Query:
    """A query as both arms and the ranking see it."""

    text: str
    stems: tuple[str, ...]
    # Last parts of the names that it quotes, in lower case: `Flask.run` asks for `run`, `src/flask/app.py` for `app`.
    names: frozenset[str]
    is_name: bool
    wanted: frozenset[FileKind]


def analyse(text: str) -> Query:
    """Read a query."""
    text = nfc(text.strip())
    one_name = _ONE_NAME.fullmatch(text) is not None
    if one_name:
        # The mark at the end is a part of some names in Ruby and Elixir, and of none elsewhere.
        names = {_last_part(text), _last_part(text.rstrip("?!"))}
    else:
        # A question's first word has a capital and is no name.
        quoted = (word.strip(_PUNCTUATION) for word in text.split() if _QUOTED_NAME.search(word))
        names = {_last_part(word) for word in quoted if word.lower() not in STOP_WORDS}
    lower = text.lower()
    wanted = frozenset(noise for noise, asks in _ASKS_FOR.items() if asks.search(lower))
    # Where a script has no spaces, a question looks like a name.
    is_name = one_name and not is_unspaced_phrase(text)
    return Query(text, tuple(query_stems(text)), frozenset(names - {""}), is_name, wanted)


def _last_part(name: str) -> str:
    if "/" in name:
        return file_stem(name).lower()
    return re.split(_JOINER, name.removesuffix("()"))[-1].lower()


@dataclass(frozen=True, slots=True)
class TermWeights:
    """How much each stem of a query tells, in the corpus that is searched."""

    idf: Mapping[str, float]

    @property
    def total(self) -> float:
        """Sum of the query's IDF."""
        return sum(self.idf.values())

    @property
    def best_possible(self) -> float:
        """The BM25 score of a chunk that has every term of the query without end."""
        return MAX_WEIGHT * self.total


def term_weights(stems: tuple[str, ...], frequencies: Mapping[str, int], chunks: int) -> TermWeights:
    """Robertson and Spärck Jones's IDF, kept positive by the added one.

    Args:
        stems: of the query.
        frequencies: number of chunks in which each occurs; a stem that is missing occurs in none.
        chunks: number of chunks in all. A count may be a little older than this number.
    """
    return TermWeights({stem: _idf(min(frequencies.get(stem, 0), chunks), chunks) for stem in stems})


def _idf(count: int, chunks: int) -> float:
    return log(1 + (chunks - count + 0.5) / (count + 0.5))
