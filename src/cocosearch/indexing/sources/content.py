"""From a file's bytes to text: no binary, no following of links, no secret."""

import errno
from dataclasses import replace
from pathlib import Path

from cocosearch.files.beneath import NotAFileError, directory, read_file
from cocosearch.indexing.chunking.notebooks import Notebook, read_cells, size_limit
from cocosearch.indexing.sources.decoding import text_of
from cocosearch.indexing.sources.secrets import redact
from cocosearch.indexing.sources.skips import SkipReason

_LED_AWAY = frozenset({errno.ELOOP, errno.EXDEV})


def read_source(root: Path, path: str, max_bytes: int) -> bytes | SkipReason:
    """Bytes of a file of the project, or why it is not read; `max_bytes` is the limit of ordinary files.

    Raises:
        OSError: the file vanished, or its disk fails; its rows stay as they are.
    """
    limit = size_limit(path, max_bytes)
    try:
        with directory(root) as base:
            data = read_file(base, path, limit)
    except PermissionError:
        return SkipReason.UNREADABLE  # for good, so no reason to fail the run; another mode or owner changes the file's stamp
    except NotAFileError:
        return SkipReason.NOT_A_FILE
    except OSError as error:
        if error.errno in _LED_AWAY:
            return SkipReason.SYMLINK  # the file, or a directory above it, was replaced by a link since the listing
        raise
    return data if len(data) <= limit else SkipReason.TOO_LARGE


def text_in(data: bytes, path: str) -> str | SkipReason:
    """Text of a file's bytes without its secrets, or why it has none for us."""
    text = text_of(data)
    if text is None:
        return SkipReason.BINARY
    text = redact(text, path)
    return text if text.strip() else SkipReason.EMPTY


def notebook_in(data: bytes, path: str, max_bytes: int) -> Notebook | str | SkipReason:
    """Cells of a notebook's bytes, the text of a file that only has its name, or why it has neither for us."""
    notebook = read_cells(data)
    if notebook is None:
        return text_in(data, path) if len(data) <= max_bytes else SkipReason.TOO_LARGE
    if sum(len(cell.text) for cell in notebook.cells) > max_bytes:
        return SkipReason.TOO_LARGE
    cells = tuple(replace(cell, text=redact(cell.text, path)) for cell in notebook.cells)
    return replace(notebook, cells=cells) if cells else SkipReason.EMPTY


def read_text(root: Path, path: str, max_bytes: int) -> str | SkipReason:
    """Text of a file of the project, or why it has none for us.

    Raises:
        OSError: as `read_source`.
    """
    data = read_source(root, path, max_bytes)
    return data if isinstance(data, SkipReason) else text_in(data, path)
