"""From a file's bytes to text: no binary, no following of links, no secret."""

import codecs
import errno
import os
import stat
from pathlib import Path

from cocosearch.indexing.secrets import redact
from cocosearch.indexing.skips import SkipReason

SNIFF_BYTES = 8192  # git decides by a NUL in the first 8,000 bytes too (xdiff-interface.c)
MAX_CONTROL_SHARE = 0.02
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
    text = redact(text.replace("\r\n", "\n").replace("\0", ""))
    return text if text.strip() else SkipReason.EMPTY


def _read_bytes(root: Path, path: str, max_bytes: int) -> bytes | SkipReason:
    full = root / path
    if full.parent.resolve() != full.parent or not full.is_relative_to(root):
        return SkipReason.SYMLINK  # a directory above was replaced by a link since the listing
    try:
        descriptor = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        return SkipReason.UNREADABLE  # for good, so no reason to fail the run; another mode or owner changes the file's stamp
    except OSError as error:
        if error.errno == errno.ELOOP:
            return SkipReason.SYMLINK
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return SkipReason.NOT_A_FILE
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            data = stream.read(max_bytes + 1)
    finally:
        os.close(descriptor)
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
