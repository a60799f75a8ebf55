r"""What text may look like on its way in and out.

In: see `cocosearch.serving.arguments`.
Out: source text is given as it is, save the characters that act instead of showing. Escape sequences can drive a terminal, bidirectional
controls and invisible characters make code read otherwise than it runs or hide instructions to an assistant. Each of them becomes a visible
escape such as `\x1b` or `\u202e`, so nothing is silently lost and the reader sees that it was there. Tabs and line ends stay.
On a terminal: what it would obey becomes a replacement character.
"""

import re
import unicodedata

_ACTING = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # C0 and C1 controls but tab, line feed, carriage return
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction
    "\u200b\u2060-\u2065\u206a-\u206f\u180e\ufeff\ufff9-\ufffb\u00ad"  # invisible (scripts and emoji need the joiners U+200C, U+200D)
    "\u2028\u2029"  # line ends that are none in code
    "\U000e0000-\U000e0fff"  # tag characters and more variation selectors: hidden alphabets
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


def shortened(text: str, most: int) -> str:
    """The text, or its two ends around what was left out."""
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end]} […{len(text) - most} characters…] {text[-end:]}"


def printable(text: str) -> str:
    """Text without what a terminal would obey: indexed code is not to be trusted with the reader's screen."""
    return "".join(character if is_harmless(character) else "\N{REPLACEMENT CHARACTER}" for character in text)


def line(text: str) -> str:
    """One line for a terminal, whatever is in the text: names of files and projects may hold line ends."""
    return printable(text).replace("\n", "\N{REPLACEMENT CHARACTER}") + "\n"


def is_harmless(character: str) -> bool:
    """Whether a terminal shows the character, and does nothing else."""
    return character in "\n\t" or character.isprintable() or unicodedata.category(character) == "Zs"  # Zs: spaces, such as U+3000
