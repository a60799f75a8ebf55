"""From a file's bytes to text: no binary, no following of links, no secret."""

import codecs
import errno
from pathlib import Path

from cocosearch.beneath import NotAFileError, directory, read_file
from cocosearch.indexing.listing import SkipReason
from cocosearch.indexing.secrets import redact

SNIFF_BYTES = 8192  # git decides by a NUL in the first 8,000 bytes too (xdiff-interface.c)
MAX_CONTROL_SHARE = 0.02
_LED_AWAY = frozenset({errno.ELOOP, errno.EXDEV})
_CONTROLS = frozenset(range(0x20)) - frozenset(b"\t\n\r\f\b\x1b")


def read_text(root: Path, path: str, max_bytes: int) -> str | SkipReason:
    """Text of a file of the project, or why it has none for us.

    Raises:
        OSError: the file vanished, or its disk fails; its rows stay as they are.
    """
    data = _read_bytes(root, path, max_bytes)
    if isinstance(data, SkipReason):
        return data
    text = decode(data)
    if text is None:
        return SkipReason.BINARY
    text = redact(text.replace("\r\n", "\n").replace("\0", ""), path)
    return text if text.strip() else SkipReason.EMPTY


def _read_bytes(root: Path, path: str, max_bytes: int) -> bytes | SkipReason:
    try:
        with directory(root) as base:
            data = read_file(base, path, max_bytes)
    except PermissionError:
        return SkipReason.UNREADABLE  # for good, so no reason to fail the run; another mode or owner changes the file's stamp
    except NotAFileError:
        return SkipReason.NOT_A_FILE
    except OSError as error:
        if error.errno in _LED_AWAY:
            return SkipReason.SYMLINK  # the file, or a directory above it, was replaced by a link since the listing
        raise
    return data if len(data) <= max_bytes else SkipReason.TOO_LARGE


def decode(data: bytes) -> str | None:
    """Text of the bytes: UTF-8, UTF-16 with a mark, else Windows-1252; None for what is no text."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            return None
    head = data[:SNIFF_BYTES]
    if b"\0" in head:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        controls = sum(byte in _CONTROLS for byte in head)
        return None if controls > MAX_CONTROL_SHARE * len(head) else data.decode("cp1252", errors="replace")
