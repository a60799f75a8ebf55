"""Words of a text in any script: identifiers beside their parts, and pairs of characters where a script has no spaces between words."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from cocosearch.lexicon.normalization import nfc, nfkc

MAX_TERM_LENGTH = 64
_LETTER = r"[^\W_]"
_WORD = re.compile(rf"{_LETTER}+(?:_+{_LETTER}+)*")
# Parts of an ASCII identifier: HTTPServer → HTTP, Server; parseV2 → parse, V, 2.
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
# Of Han, Kana, Hangul, Bopomofo and Yi, and of Thai, Lao, Myanmar and Khmer, words are found by pairs of characters, as in Lucene's CJK
# analysis: it needs no dictionary, and index and query are cut alike wherever a word begins. (Korean has spaces, but hangs particles on
# words.)
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7ff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
_SEGMENT = re.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|[^{_UNSPACED}]+")
# Names are shorter than what is said in a sentence.
_PHRASE = re.compile(rf"[{_UNSPACED}]{{9,}}")
# The signs of Myanmar and Khmer that put the next consonant under the one before.
_STACKING = "\u1039\u17d2"
# Shown as nothing: soft hyphen, joiners, marks of direction, selectors of a glyph.
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u200c-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]+")
# Left out by most who write and by all who search: the points of Hebrew, the vowel signs of Arabic and its lengthening stroke, the accents
# of Greek (capitals have none), and the dot that lower case leaves of the Turkish capital I.
_OPTIONAL = re.compile(
    "[\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]"
    "|(?<=[\u03b1-\u03c9])[\u0300\u0301\u0308\u0313\u0314\u0342\u0345]+"
    "|(?<=i)\u0307"
)
# Digests, keys and encoded data are no words, and have no parts: of so many characters, changing so often between capitals, small letters
# and digits, and so often to digits.
_RANDOM_LENGTH = 24
_RANDOM_CHANGES = 0.35
_RANDOM_NUMBERS = 1 / 12
_CASE_RUN = re.compile(r"[A-Z]+|[a-z]+|[0-9]+")


def terms_of(text: str) -> list[str]:
    """Terms in the order of the text: each word as a whole, case folded, and, where it has several, its parts."""
    terms: list[str] = []
    if text.isascii():
        for match in _WORD.finditer(text):
            _append(terms, match[0])
        return terms
    for word, unspaced in _segments(text):
        if unspaced:
            characters = _characters(word)
            terms.extend(map("".join, pairwise(characters)) if len(characters) > 1 else characters)
        else:
            _append(terms, word)
    return terms


def characters_of(text: str) -> list[str]:
    """The characters of which `terms_of` has pairs, each alone: the index has them too, for queries of one character."""
    if text.isascii():
        return []
    runs = (_characters(word) for word, unspaced in _segments(text) if unspaced)
    return [character for characters in runs if len(characters) > 1 for character in characters]


def is_unspaced_phrase(text: str) -> bool:
    """Whether the text has a run in a script without spaces that is longer than names are."""
    return _PHRASE.search(text) is not None


@lru_cache(maxsize=50_000)
def fold(word: str) -> str:
    """A word as it is compared: without case, and without the marks that only some write."""
    if word.isascii():
        return word.lower()
    folded = word.casefold().replace("\N{LATIN SMALL LETTER DOTLESS I}", "i")
    return folded if folded.isascii() else nfc(_OPTIONAL.sub("", unicodedata.normalize("NFD", folded)))


def _append(terms: list[str], word: str) -> None:
    whole = fold(word)
    if 0 < len(whole) <= MAX_TERM_LENGTH:
        terms.append(whole)
    parts = [fold(part) for part in _parts(word)]
    if len(parts) > 1:
        terms.extend(part for part in parts if 1 < len(part) <= MAX_TERM_LENGTH or part.isdigit())


def _parts(word: str) -> list[str]:
    if word.isascii():
        if len(word) >= _RANDOM_LENGTH:
            return [part for piece in word.split("_") if not _is_random(piece) for part in _PART.findall(piece)]
        return _PART.findall(word)
    # The same cuts in other scripts: by the case of each character, a mark by that of its letter.
    shape = ""
    for character in word:
        if unicodedata.category(character)[0] == "M":
            shape += shape[-1:] or "a"
        elif character == "_":
            shape += "_"
        elif character.isdigit():
            shape += "0"
        else:
            shape += "A" if character.isupper() else "a"
    return [word[match.start() : match.end()] for match in _PART.finditer(shape)]


def _is_random(piece: str) -> bool:
    if len(piece) < _RANDOM_LENGTH:
        return False
    runs = _CASE_RUN.findall(piece)
    numbers = sum(run[0].isdigit() for run in runs)
    return len(runs) >= _RANDOM_CHANGES * len(piece) and numbers >= _RANDOM_NUMBERS * len(piece)


def _segments(text: str) -> Iterator[tuple[str, bool]]:
    """Words, cut where a script without spaces begins or ends, and whether each is in one."""
    text = _INVISIBLE.sub("", nfkc(text))
    for match in _words(text).finditer(text):
        if match[0].isascii():
            yield match[0], False
            continue
        for segment in _SEGMENT.finditer(match[0]):
            if segment["unspaced"]:
                yield segment[0], True
            elif word := segment[0].strip("_"):
                yield word, False


def _words(text: str) -> re.Pattern[str]:
    """What finds the words of a text. To Python, a mark is no part of a word: most words of Hindi would be cut at their vowels."""
    marks = sorted(character for character in set(text) if character > "\u02ff" and unicodedata.category(character)[0] == "M")
    return _with_marks("".join(marks)) if marks else _WORD


@lru_cache(maxsize=256)
def _with_marks(marks: str) -> re.Pattern[str]:
    letter = rf"(?:{_LETTER}|[{marks}])"
    return re.compile(rf"{_LETTER}{letter}*+(?:_++{letter}++)*+")


def _characters(run: str) -> list[str]:
    """What a reader takes for one character: a letter with its marks, and what is stacked on it."""
    characters: list[str] = []
    for character in run:
        if characters and (unicodedata.category(character)[0] == "M" or characters[-1][-1] in _STACKING):
            characters[-1] = (characters[-1] + character)[: MAX_TERM_LENGTH // 2]
        else:
            characters.append(character)
    return characters
