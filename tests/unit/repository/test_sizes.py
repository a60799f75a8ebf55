"""Rooms that can be taken in: no module of the package is longer than 350 lines, no function than 50, and most are short."""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

SOURCES = Path(__file__).parents[3] / "src"
MAX_LINES, MAX_FUNCTION, MEDIAN_FUNCTION = 350, 50, 8


def functions() -> Iterator[tuple[int, str]]:
    """Length in lines of each function, with its place."""
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                yield node.end_lineno - node.lineno + 1, f"{path.relative_to(SOURCES)}:{node.lineno} {node.name}"


def test_no_module_is_too_long() -> None:
    lengths = {path.relative_to(SOURCES): path.read_text(encoding="utf-8").count("\n") for path in SOURCES.rglob("*.py")}
    assert {path: lines for path, lines in lengths.items() if lines > MAX_LINES} == {}


def test_no_function_is_too_long_and_most_are_short() -> None:
    lengths = list(functions())
    assert [each for each in lengths if each[0] > MAX_FUNCTION] == []
    assert median(lines for lines, _ in lengths) <= MEDIAN_FUNCTION
