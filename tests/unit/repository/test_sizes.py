"""Rooms that can be taken in: how long modules, functions and the roles' files of tasks may be."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median

REPOSITORY = Path(__file__).parents[3]
SOURCES = REPOSITORY / "src"
MAX_LINES, MAX_FUNCTION, MEDIAN_FUNCTION = 350, 50, 8
MAX_TASKS_LINES = 80


def lines_of(paths: Iterable[Path]) -> dict[str, int]:
    return {str(path.relative_to(REPOSITORY)): path.read_text(encoding="utf-8").count("\n") for path in paths}


def functions() -> Iterator[tuple[int, str]]:
    """Length in lines of each function, with its place."""
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                yield node.end_lineno - node.lineno + 1, f"{path.relative_to(SOURCES)}:{node.lineno} {node.name}"


def test_no_module_is_too_long() -> None:
    assert {path: lines for path, lines in lines_of(SOURCES.rglob("*.py")).items() if lines > MAX_LINES} == {}


def test_no_file_of_tasks_is_too_long() -> None:
    lengths = lines_of(REPOSITORY.glob("roles/*/tasks/**/*.yml"))
    assert len(lengths) > 20
    assert {path: lines for path, lines in lengths.items() if lines > MAX_TASKS_LINES} == {}


def test_no_function_is_too_long_and_most_are_short() -> None:
    lengths = list(functions())
    assert [each for each in lengths if each[0] > MAX_FUNCTION] == []
    assert median(lines for lines, _ in lengths) <= MEDIAN_FUNCTION
