"""Files that hold blocks of other languages: each is read with its own grammar, at its own place."""

import re
from collections.abc import Iterator

LANGUAGES = frozenset({"vue", "svelte", "astro"})
_ANYTHING = bytes(byte if byte in b"\r\n" else 0x20 for byte in range(256))
# More scripts than that are data.
_MOST_BLOCKS = 32
_FENCE = re.compile(rb"(?:\xef\xbb\xbf)?\s*---[ \t]*\r?\n")
_FENCE_END = re.compile(rb"^---[ \t]*\r?$", re.MULTILINE)
_OPENING = re.compile(rb"<!--|<(?P<tag>script|style)(?=[\s>])", re.IGNORECASE)
_ATTRIBUTES = re.compile(rb"(?:[^<>\"']|\"[^\"]*\"|'[^']*')*+>")
_LANG = re.compile(rb"\blang\s*=\s*[\"']?([\w+-]+)")
_SCRIPTS = {
    b"ts": "typescript",
    b"typescript": "typescript",
    b"tsx": "tsx",
    b"js": "javascript",
    b"jsx": "javascript",
    b"javascript": "javascript",
}
_STYLES = frozenset({b"css", b"scss", b"postcss", b"less"})


def blocks_of(data: bytes, language: str) -> Iterator[tuple[str, bytes]]:
    """Language and text of each block; the text is as long as the whole, with space for all that stands outside the block."""
    position = 0
    if language == "astro" and (fence := _FENCE.match(data)) and (closing := _FENCE_END.search(data, fence.end())):
        yield "typescript", _alone(data, fence.end(), closing.start())
        position = closing.end()
    count = 0
    while count < _MOST_BLOCKS and (opening := _OPENING.search(data, position)):
        tag = opening["tag"]
        if tag is None:
            position = data.find(b"-->", opening.end())
            if position < 0:
                return
            continue
        attributes = _ATTRIBUTES.match(data, opening.end())
        if attributes is None:
            return
        end, position = _closing(data, tag.lower(), attributes.end())
        inner = _language(tag.lower(), attributes[0], language)
        if inner:
            yield inner, _alone(data, attributes.end(), end)
            count += 1


def _closing(data: bytes, tag: bytes, begin: int) -> tuple[int, int]:
    """Where a block's text ends, and where what follows it begins; a block that is not closed reaches to the end."""
    close = re.compile(rb"</" + tag + rb"\s*>", re.IGNORECASE).search(data, begin)
    return (close.start(), close.end()) if close else (len(data), len(data))


def _language(tag: bytes, attributes: bytes, language: str) -> str | None:
    written = _LANG.search(attributes)
    if tag == b"style":
        return "css" if written is None or written[1].lower() in _STYLES else None
    if written is None:
        return "typescript" if language == "astro" else "javascript"
    return _SCRIPTS.get(written[1].lower())


def _alone(data: bytes, begin: int, end: int) -> bytes:
    return data[:begin].translate(_ANYTHING) + data[begin:end] + data[end:].translate(_ANYTHING)
