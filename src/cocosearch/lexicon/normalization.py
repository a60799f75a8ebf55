"""Unicode forms of one text, in bounded time: NFC for what is kept and compared, NFKC for the words in it."""

import re
import unicodedata
from functools import lru_cache
from typing import Literal

# Unicode's Stream-Safe Text Format (UAX #15) lets no more marks follow one letter. Longer runs take a normaliser quadratic time.
MAX_MARKS = 30


def nfc(text: str) -> str:
    """The text with each letter and its marks in one character where there is one: what people type, whatever a file system stored."""
    return _normalized("NFC", text)


def nfkc(text: str) -> str:
    """NFC, with the variants of a character that only look different made one: full and half width, ligatures."""
    return _normalized("NFKC", text)


def _normalized(form: Literal["NFC", "NFKC"], text: str) -> str:
    if text.isascii() or unicodedata.is_normalized(form, text):
        return text
    marks = "".join(sorted(character for character in set(text) if unicodedata.combining(character)))
    if not marks:
        return unicodedata.normalize(form, text)
    # What stands around a run that no language writes is normalised; the run stays as it is.
    parts = _endless_marks(marks).split(text)
    return "".join(part if index % 2 else unicodedata.normalize(form, part) for index, part in enumerate(parts))


@lru_cache(maxsize=256)
def _endless_marks(marks: str) -> re.Pattern[str]:
    return re.compile(f"([{re.escape(marks)}]{{{MAX_MARKS + 1},}}+)")
