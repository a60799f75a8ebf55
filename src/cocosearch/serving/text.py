r"""What text may look like on its way in and out.

In: text goes into SQL and into an embedding request, so NUL and lone surrogates are refused with a sentence.
Out: source text is given as it is, save the characters that act instead of showing. Escape sequences can drive a terminal, bidirectional
controls and invisible characters make code read otherwise than it runs or hide instructions to an assistant. Each of them becomes a visible
escape such as `\x1b` or `\u202e`, so nothing is silently lost and the reader sees that it was there. Tabs and line ends stay.
"""

import re

_ACTING = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # C0 and C1 controls but tab, line feed, carriage return
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction
    "\u200b\u2060-\u2064\ufeff\u00ad"  # invisible (the joiners U+200C and U+200D are needed by scripts and emoji)
    "\U000e0000-\U000e007f"  # tag characters: a hidden alphabet
    "\ud800-\udfff"
    "]"
    "|\r(?!\n)"  # a lone carriage return lets a line overwrite itself
)


def shown(text: str) -> str:
    """`text` with every acting or invisible character written as an escape."""
    return _ACTING.sub(lambda match: _escape(match.group()), text)


def count_escaped(text: str) -> int:
    """How many characters `shown` writes as escapes."""
    return sum(1 for _ in _ACTING.finditer(text))


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def storable(text: str) -> str:
    """`text` itself if PostgreSQL can take it.

    Raises:
        ValueError: it holds NUL or half of a surrogate pair (pydantic turns this into a validation error of the argument).
    """
    if "\x00" in text:
        raise ValueError("the text holds a NUL character; remove it")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("the text holds half of a surrogate pair, which is no character; send valid Unicode")
    return text


def not_blank(text: str) -> str:
    """`text` without surrounding white space.

    Raises:
        ValueError: nothing else is in it.
    """
    stripped = text.strip()
    if not stripped:
        raise ValueError("the text is empty; say what to look for")
    return stripped
