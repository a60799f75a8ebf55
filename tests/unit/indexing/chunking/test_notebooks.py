"""Notebooks: sources of cells with lines that mean something, and nothing else."""

import base64
import json
import random
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from cocosearch.indexing.chunking.definitions import definitions_of
from cocosearch.indexing.chunking.notebooks import Notebook, read_cells, size_limit
from cocosearch.indexing.engine.file_rows import FileRows
from cocosearch.indexing.engine.flow import Recipe, make_notebook_rows
from cocosearch.indexing.sources.content import notebook_in, read_source
from cocosearch.indexing.sources.listing import SkipReason

LIMIT = 100_000
PICTURE = base64.b64encode(random.Random(1).randbytes(60_000)).decode()  # noqa: S311 - a picture that can be made again
OUTPUTS = [{"output_type": "display_data", "data": {"image/png": PICTURE, "text/plain": ["<Figure outputword>"]}, "metadata": {}}]


def code(source: list[str] | str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"cell_type": "code", "execution_count": 1, "metadata": {"tags": ["metaword"]}, "outputs": OUTPUTS, "source": source, **more}


def markdown(source: list[str] | str) -> dict[str, Any]:
    return {
        "attachments": {"a.png": {"image/png": PICTURE}},
        "cell_type": "markdown",
        "metadata": {},
        "source": source,
    }


CELLS = [
    markdown(["# Churn analysis\n", "\n", "Why customers leave."]),
    code(["%matplotlib inline\n", "!pip install numpy\n", "import numpy\n", "\n", "def train_churn_model(x):\n", "    return x"]),
    code(["%%time\n", "class Model:\n", "    def fit(self):\n", "        pass\n"]),
    code(["%%bash\n", "rollout() {\n", "  ls\n", "}\n"]),
    code([]),
    {"cell_type": "raw", "metadata": {}, "source": "raw words"},
]


def notebook(cells: list[dict[str, Any]], **metadata: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def rows_of(data: bytes) -> FileRows:
    found = read_cells(data)
    assert found is not None
    return make_notebook_rows("a.ipynb", found, Recipe(1000, 512, LIMIT))


@pytest.mark.parametrize("indent", [1, 2, None])
@pytest.mark.parametrize("order", ["as nbformat writes", "sources first"])
def test_cells_are_read_and_nothing_else(indent: int | None, order: str) -> None:
    content = notebook(CELLS, kernelspec={"name": "python3", "language": "python"})
    if order == "sources first":
        content = dict(reversed([(key, value) for key, value in content.items()]))
        content["cells"] = [dict(sorted(cell.items(), reverse=True)) for cell in CELLS]
    rows = rows_of(json.dumps(content, indent=indent).encode())
    assert rows.language == "python"
    assert [(chunk.language, chunk.text.split("\n")[0]) for chunk in rows.chunks] == [
        ("markdown", "# Churn analysis"),
        ("python", "%matplotlib inline"),
        ("python", "%%time"),
        ("bash", "%%bash"),
        ("text", "raw words"),
    ]
    assert [each.qualified_name for each in rows.definitions] == ["Churn analysis", "train_churn_model", "Model", "Model.fit", "rollout"]
    text = "\n".join(chunk.text for chunk in rows.chunks)
    assert "outputword" not in text
    assert "metaword" not in text
    assert PICTURE[:40] not in text


def test_lines_are_those_of_the_file() -> None:
    data = json.dumps(notebook(CELLS), indent=1)
    lines = data.split("\n")
    rows = rows_of(data.encode())
    for chunk in rows.chunks:
        for number, line in enumerate(chunk.text.split("\n"), start=chunk.start_line):
            written = lines[number - 1].strip().removeprefix('"source": ').removesuffix(",")
            assert json.loads(written).removesuffix("\n") == line
        assert chunk.end_line == chunk.start_line + chunk.text.count("\n")
    for definition in rows.definitions:
        assert definition.name in lines[definition.name_line - 1]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(notebook(CELLS)),
        json.dumps(notebook([code("import a\n\ndef first():\n    pass"), code("def second():\n    pass\n")]), indent=1),
    ],
)
def test_where_the_file_has_several_lines_in_one_they_are_those_of_the_cells_one_after_the_other(content: str) -> None:
    found = read_cells(content.encode())
    assert found is not None
    whole = "\n\n".join(cell.text for cell in found.cells).split("\n")
    rows = rows_of(content.encode())
    assert rows.definitions
    for definition in rows.definitions:
        assert definition.name in whole[definition.name_line - 1]
    for chunk in rows.chunks:
        assert chunk.text.split("\n") == whole[chunk.start_line - 1 : chunk.end_line]


def test_format_3_and_its_headings() -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "metadata": {}, "source": ["Loading"]},
        {"cell_type": "code", "collapsed": False, "input": ["def load():\n", "    pass"], "language": "python", "outputs": OUTPUTS},
    ]
    rows = rows_of(
        json.dumps({"metadata": {"name": ""}, "nbformat": 3, "worksheets": [{"cells": cells, "metadata": {}}]}, indent=1).encode()
    )
    assert [each.name for each in rows.definitions] == ["Loading", "load"]
    assert rows.chunks[0].text == "## Loading"


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({}, "python"),
        ({"language_info": {"name": "julia"}}, "julia"),
        ({"kernelspec": {"language": "R", "name": "ir"}}, "r"),
        ({"language_info": {"name": "C++17"}}, "cpp"),
        ({"kernelspec": {"name": "python3"}, "language_info": {"name": "ipython"}}, "python"),
    ],
)
def test_the_language_is_the_kernels(metadata: dict[str, Any], language: str) -> None:
    assert rows_of(json.dumps(notebook([code("x = 1")], **metadata)).encode()).language == language


def test_commands_of_ipython_do_not_break_the_parse() -> None:
    source = "if x:\n    !ls\n    %time f()\nelse:\n    pass\n%load_ext a\n?help\ndef found(a):\n    return ('%s'\n            % a)\n"
    found = read_cells(json.dumps(notebook([code(source)])).encode())
    assert found is not None
    (cell,) = found.cells
    assert cell.text == source.removesuffix("\n")
    parsed = cell.for_parsing()
    assert parsed.count("\n") == cell.text.count("\n")
    compile(parsed, "cell", "exec")
    assert [each.name for each in definitions_of(parsed, "python")] == ["found"]


def read(root: Path, data: bytes) -> Notebook | str | SkipReason:
    (root / "a.ipynb").write_bytes(data)
    source = read_source(root, "a.ipynb", LIMIT)
    return source if isinstance(source, SkipReason) else notebook_in(source, "a.ipynb", LIMIT)


def test_outputs_do_not_count_against_the_size(tmp_path: Path) -> None:
    data = json.dumps(notebook(CELLS)).encode()
    assert len(data) > LIMIT
    assert isinstance(read(tmp_path, data), Notebook)
    assert read(tmp_path, json.dumps(notebook([code("x" * (LIMIT + 1))])).encode()) is SkipReason.TOO_LARGE
    assert read(tmp_path, b" " * (size_limit("a.ipynb", LIMIT) + 1)) is SkipReason.TOO_LARGE
    assert size_limit("a.py", LIMIT) == LIMIT


def test_a_notebook_without_cells_is_empty_and_what_is_none_is_text(tmp_path: Path) -> None:
    assert read(tmp_path, json.dumps(notebook([])).encode()) is SkipReason.EMPTY
    assert read(tmp_path, json.dumps(notebook([code("")])).encode()) is SkipReason.EMPTY
    assert read(tmp_path, b'{"a": 1}\n') == '{"a": 1}\n'
    assert read(tmp_path, b"not JSON\n") == "not JSON\n"
    assert read(tmp_path, b'{"a": 1}' + b" " * LIMIT) is SkipReason.TOO_LARGE
    assert read(tmp_path, b"\0\1\2") is SkipReason.BINARY
    assert read(tmp_path, b"") is SkipReason.EMPTY


def test_secrets_in_cells_are_taken_out(tmp_path: Path) -> None:
    found = read(tmp_path, json.dumps(notebook([code("token = '" + "ghp_" + "a1B2" * 9 + "'")])).encode())
    assert isinstance(found, Notebook)
    assert found.cells[0].text == "token = '[redacted]'"


def test_a_broken_notebook_gives_what_can_be_read() -> None:
    data = json.dumps(notebook(CELLS), indent=1)
    cut = data[: data.index("%%bash")]
    found = read_cells(cut.encode())
    assert found is not None
    assert [cell.text.split("\n")[0] for cell in found.cells] == ["# Churn analysis", "%matplotlib inline", "%%time"]
    conflict = data.replace('  "source": [\n    "%%time', '<<<<<<< ours\n=======\n>>>>>>> theirs\n  "source": [\n    "%%time')
    found = read_cells(conflict.encode())
    assert found is not None
    assert len(found.cells) == 5


@pytest.mark.parametrize(
    "data",
    [
        b'{"cells":[' + b"[" * 300_000,
        b'{"cells":[' + b'{"source":[' * 300_000,
        b'{"cells":[' + b"{}," * 100_000,
        b'{"cells":[{"source":[' + b'"",' * 100_000,
        b'{"cells":[{"source":["' + b'\\"' * 150_000,
        b'{"cells":[{"outputs":["' + b'\\"' * 150_000,
        b'{"cells":[{"outputs":[' + b"1," * 150_000 + b'1],"source":"x"}]}',
        b'{"a":' * 60_000,
        b'"' * 300_001,
    ],
    ids=["arrays", "cells in cells", "empty cells", "empty strings", "open string", "open output", "numbers", "objects", "quotes"],
)
def test_hostile_notebooks_are_bounded(data: bytes) -> None:
    """What walked through the rest of the file at every byte would not come back."""
    tracemalloc.start()
    try:
        read_cells(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * len(data)


def test_any_bytes_are_read_to_the_same_end_twice() -> None:
    generator = random.Random(23)  # noqa: S311 - bytes that can be made again
    small = [dict(cell, outputs=[{"data": {"text/plain": "1"}}]) if cell["cell_type"] == "code" else cell for cell in CELLS]
    seed = json.dumps(notebook([cell for cell in small if "attachments" not in cell]), indent=1).encode()
    for _ in range(500):
        data = bytearray(seed)
        for _ in range(generator.randrange(1, 6)):
            position = generator.randrange(len(data))
            data[position : position + generator.randrange(12)] = generator.choice(
                [b"", b'"', b"{", b"}", b"[", b"]", b"\\", b'"cells"', b"\\ud800", b"\\u0000", b"\\r", generator.randbytes(3)]
            )
        found = read_cells(bytes(data))
        assert found == read_cells(bytes(data))
        if found is not None:
            rows = make_notebook_rows("a.ipynb", found, Recipe(1000, 512, LIMIT))
            for chunk in rows.chunks:
                assert 1 <= chunk.start_line <= chunk.end_line
                assert not {"\0", "\r"} & set(chunk.text)
                chunk.text.encode()
