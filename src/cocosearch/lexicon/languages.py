"""Languages by the words that users have for them, and by files."""

import re

from cocosearch.lexicon import names
from cocosearch.lexicon.detection import detect_language
from cocosearch.lexicon.table import TEXT, table, word_of

__all__ = ["TEXT", "also_written_as", "detect_language", "display_names", "languages_named"]

_SEVERAL = re.compile(r"[,;|/]|\band\b|\bor\b|\s&\s")


def languages_named(name: str) -> tuple[str, ...]:
    """The index's names of the languages that a user's word means; () for a word that means none.

    Case, spaces, hyphens and a leading dot make no difference; names, aliases, extensions and interpreters are understood, and several
    of them in one word: `ts` is typescript and tsx, `C/C++` c and cpp, `.yml` yaml.
    """
    words = table().words
    written = name.strip().lower()
    # A letter is a language of its own (M, V), a letter with a dot an extension that several share.
    known = table().extensions.get(written) if len(written) == len(".m") and written.startswith(".") else None
    known = known or words.get(word_of(name))
    if known is not None:
        return known
    parts = [part for part in _SEVERAL.split(name) if part.strip()]
    meant = [words.get(word_of(part)) for part in parts]
    if len(parts) < 2 or None in meant:  # noqa: PLR2004 - one word is no list
        return ()
    return tuple(dict.fromkeys(language for each in meant if each for language in each))


def also_written_as(language: str) -> tuple[tuple[str, str], ...]:
    """Files of another language that may be of this one as well: its name in the index, and the files' extension.

    A header without C++ in it is C, and belongs to C++ code just as often: a filter for `cpp` finds C's `.h` too.
    """
    return names.ALSO.get(language, ())


def display_names() -> tuple[str, ...]:
    """All names that a file's language may have in the index, in alphabetical order."""
    return table().index_names
