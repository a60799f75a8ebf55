"""Jupyter notebooks: the sources of their cells, each in its language; outputs, attachments and metadata are passed over unread.

Read as bytes, token by token: a picture or a table of numbers costs one search through it, a broken notebook gives what comes before the
break, and nothing is held but the sources.
"""

import json
import re
from dataclasses import dataclass, field, replace

from cocosearch.indexing.chunking.chunks import Chunk
from cocosearch.indexing.chunking.definitions import Definition
from cocosearch.lexicon.normalization import nfc

SUFFIX = ".ipynb"
# Most of a notebook are its outputs: the file may be so many times as large as others, its sources may not.
SIZE_FACTOR = 16
# A hostile one is read no further than this; nobody writes so much.
MAX_CELLS = 20_000
MAX_STRINGS = 500_000
MAX_TOKENS = 1_000_000

_TOKEN = re.compile(rb'\s*+(?:("(?:[^"\\]++|\\.)*+")|([{}\[\],:])|([^\s{}\[\],:"]++))', re.DOTALL)
_NESTED = re.compile(rb'("(?:[^"\\]++|\\.)*+")|([{\[])|([}\]])|(")', re.DOTALL)
_SURROGATES = re.compile("[\ud800-\udfff]")
# As kernels name languages, where cocosearch has another name for them.
_LANGUAGES = {
    "ipython": "python",
    "python3": "python",
    "sage": "python",
    "c++": "cpp",
    "c++17": "cpp",
    "c#": "csharp",
    ".net-csharp": "csharp",
}
_DEFAULT_LANGUAGE = "python"
# `%%bash` makes a cell one of another language.
_CELL_MAGIC = re.compile(r"%%(\w+)(?:[ \t]+(\w+))?")
_MAGIC_LANGUAGES = {name: name for name in ("bash", "html", "javascript", "latex", "markdown", "perl", "python", "r", "ruby", "sql")}
_MAGIC_LANGUAGES |= {"sh": "bash", "js": "javascript", "bigquery": "sql", "python3": "python", "pypy": "python"}
_PYTHON_MAGIC = re.compile(r"^([ \t]*)(?:%%?[A-Za-z]\w*|!(?!=)|\?{1,2}\w).*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cell:
    """Source of one cell; its first line is one of the file, or of the cells' texts where the file has several lines in one."""

    first_line: int
    language: str
    text: str

    def for_parsing(self) -> str:
        """The text with IPython's own commands as comments, line by line."""
        if self.language != "python":
            return "\n" + self.text.partition("\n")[2] if self.text.startswith("%%") else self.text
        return _PYTHON_MAGIC.sub(lambda match: f"{match[1]}pass" if match[1] else "#", self.text)

    def moved(self, definitions: tuple[Definition, ...]) -> tuple[Definition, ...]:
        """Definitions of this cell's text with the lines of the notebook."""
        by = self.first_line - 1
        return tuple(
            replace(each, start_line=each.start_line + by, end_line=each.end_line + by, name_line=each.name_line + by)
            for each in definitions
        )

    def moved_chunks(self, chunks: list[Chunk]) -> list[Chunk]:
        """Chunks of this cell's text with the lines of the notebook."""
        by = self.first_line - 1
        return [replace(each, start_line=each.start_line + by, end_line=each.end_line + by) for each in chunks]


@dataclass(frozen=True, slots=True)
class Notebook:
    """Cells that have a source, in their order, and the language of the kernel."""

    language: str
    cells: tuple[Cell, ...]


@dataclass(slots=True)
class _RawCell:
    kind: str = "code"
    language: str | None = None
    level: int = 1
    # Each string of the source, and the line of the file that it stands on.
    strings: list[tuple[int, str]] = field(default_factory=list)

    @property
    def source(self) -> str:
        return "".join(text for _, text in self.strings)

    def stands_as_shown(self) -> bool:
        """Whether each line of the source is a line of the file, one below the other."""
        return all(
            "\n" not in text[:-1] and line == self.strings[0][0] + index and (text.endswith("\n") or index == len(self.strings) - 1)
            for index, (line, text) in enumerate(self.strings)
        )


def is_notebook(path: str) -> bool:
    """Whether a file is one by its name."""
    return path.lower().endswith(SUFFIX)


def size_limit(path: str, max_file_bytes: int) -> int:
    """Bytes that a file of this name may have."""
    return max_file_bytes * SIZE_FACTOR if is_notebook(path) else max_file_bytes


def read_cells(data: bytes) -> Notebook | None:
    """The cells of a notebook of format 2, 3 or 4; None for what is none."""
    reader = _Reader(data)
    if not reader.read():
        return None
    kernel = reader.language or next((cell.language for cell in reader.cells if cell.language), None) or _DEFAULT_LANGUAGE
    kernel = _LANGUAGES.get(kernel.lower(), kernel.lower())
    written = [cell for cell in reader.cells if cell.source.strip()]
    as_shown = all(cell.stands_as_shown() for cell in written)
    cells = []
    line = 1
    for cell in written:
        text = cell.source.removesuffix("\n")
        cells.append(Cell(cell.strings[0][0] if as_shown else line, _language(cell, kernel), _heading(cell, text)))
        line += text.count("\n") + 2
    return Notebook(kernel, tuple(cells))


def _language(cell: _RawCell, kernel: str) -> str:
    if cell.kind in {"markdown", "heading"}:
        return "markdown"
    if cell.kind != "code":
        return "text"
    magic = _CELL_MAGIC.match(cell.source)
    name = (magic[2] if magic[1] == "script" else magic[1]) if magic else None
    return _MAGIC_LANGUAGES.get((name or "").lower(), kernel)


def _heading(cell: _RawCell, text: str) -> str:
    """Format 3 has cells that are headings; Markdown writes them so."""
    return f"{'#' * cell.level} {text}" if cell.kind == "heading" else text


class _Reader:
    """Walks through the JSON with a stack of its own, so that no depth of it is too deep."""

    def __init__(self, data: bytes) -> None:
        self.language: str | None = None
        self.cells: list[_RawCell] = []
        self._data = data
        self._position = 0
        self._strings = 0
        self._line, self._counted = 1, 0
        # Of each open object the key that is read, of each array None.
        self._around: list[str | None] = []
        self._is_object: list[bool] = []
        self._expects_key = False

    def read(self) -> bool:
        """Read to the end, or to where it breaks; whether there is a list of cells."""
        found = False
        for _ in range(MAX_TOKENS):
            match = _TOKEN.match(self._data, self._position)
            if match is None or len(self.cells) > MAX_CELLS or self._strings > MAX_STRINGS:
                break
            self._position = match.end()
            string, mark, other = match.groups()
            if mark in (b"{", b"["):
                if not self._wanted():
                    if not self._skip():
                        break
                    continue
                self._open(is_object=mark == b"{")
                found = found or self._cell_depth() is not None
            elif mark in (b"}", b"]"):
                if self._around:
                    self._around.pop()
                    self._is_object.pop()
                self._expects_key = False
            elif mark == b",":
                self._expects_key = bool(self._is_object) and self._is_object[-1]
            elif string is not None and self._expects_key:
                self._around[-1] = _decoded(string)
                self._expects_key = False
            elif string is not None:
                self._take(string, match.end() - len(string))
            elif other is not None:
                self._take_number(other)
        return found

    def _open(self, *, is_object: bool) -> None:
        if is_object and self._cell_depth() == len(self._around):
            self.cells.append(_RawCell())
        self._around.append(None)
        self._is_object.append(is_object)
        self._expects_key = is_object

    def _cell_depth(self) -> int | None:
        """How many levels lie above a cell here; None where there are no cells."""
        if self._around[:1] == ["cells"]:
            return 2
        return 4 if self._around[0:1] == ["worksheets"] and self._around[2:3] == ["cells"] else None

    def _wanted(self) -> bool:
        """Whether the object or array that begins here holds anything of use."""
        around = self._around
        match around:
            case [] | ["cells"] | ["cells", None] | ["worksheets"] | ["worksheets", None] | ["worksheets", None, "cells"]:
                return True
            case ["worksheets", None, "cells", None] | ["metadata"] | ["metadata", "kernelspec" | "language_info"]:
                return True
            case ["cells", None, "source" | "input"] | ["worksheets", None, "cells", None, "source" | "input"]:
                return True
        return False

    def _skip(self) -> bool:
        """Go to the end of the object or array that has begun; False where it has none."""
        depth = 1
        while depth:
            match = _NESTED.search(self._data, self._position)
            if match is None or match[4]:
                return False
            self._position = match.end()
            depth += (match[2] is not None) - (match[3] is not None)
        return True

    def _take(self, string: bytes, begin: int) -> None:
        around = self._around
        match around:
            case ["metadata", "kernelspec", "language"] | ["metadata", "language_info", "name"]:
                self.language = self.language or _decoded(string)
                return
        depth = self._cell_depth()
        if depth is None or len(around) <= depth or not self.cells:
            return
        cell = self.cells[-1]
        match around[depth:]:
            case ["source" | "input"] | ["source" | "input", None]:
                self._line += self._data.count(b"\n", self._counted, begin)
                self._counted = begin
                self._strings += 1
                cell.strings.append((self._line, nfc(_decoded(string).replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""))))
            case ["cell_type"]:
                cell.kind = _decoded(string)
            case ["language"]:
                cell.language = _decoded(string)

    def _take_number(self, written: bytes) -> None:
        depth = self._cell_depth()
        if depth is not None and self._around[depth:] == ["level"] and self.cells and written.isdigit() and len(written) == 1:
            self.cells[-1].level = min(6, max(1, int(written)))


def _decoded(string: bytes) -> str:
    text = string.decode("utf-8", "replace")
    try:
        return _SURROGATES.sub("\ufffd", json.loads(text, strict=False))
    except json.JSONDecodeError:  # an escape that there is not
        return text[1:-1]
