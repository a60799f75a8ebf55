"""The arrows between the wings of the package point one way, and what is imported is declared."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
SOURCES = REPOSITORY / "src"
PACKAGE = "cocosearch"
# A wing may import those of its own rank and of lower ones; the program's entry imports the command line.
RANKS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "settings", "urls"}),
    frozenset({"files", "lexicon", "process", "projects"}),
    frozenset({"database", "embedding"}),
    frozenset({"access", "indexing", "search"}),
    frozenset({"operations"}),
    frozenset({"serving"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
RANK = {wing: rank for rank, wings in enumerate(RANKS) for wing in wings}
# Beyond its rank: a wing may import these alone.
ONLY = {"embedder": frozenset({"process"}), "process": frozenset({"errors", "settings"}), "lexicon": frozenset[str]()}
NEVER = {("search", "indexing"), ("indexing", "search"), ("embedding", "database")}
TYPES_ALONE = frozenset({"_typeshed"})


def modules() -> dict[str, Path]:
    """Path of each module of the package, by its dotted name."""
    found = {".".join(path.relative_to(SOURCES).with_suffix("").parts): path for path in sorted((SOURCES / PACKAGE).rglob("*.py"))}
    return {name.removesuffix(".__init__"): path for name, path in found.items()}


def imported(path: Path) -> Iterator[str]:
    """Dotted names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows() -> set[tuple[str, str]]:
    """Which module imports which other one of the package."""
    known = modules()
    found = set()
    for name, path in known.items():
        for target in imported(path):
            module = target if target in known else target.rpartition(".")[0]
            if module in known and module not in {name, PACKAGE}:
                found.add((name, module))
    return found


def wing(module: str) -> str:
    return module.split(".")[1] if "." in module else "__main__"


def test_every_wing_has_a_rank() -> None:
    assert {wing(name) for name in modules() if name != PACKAGE} == RANK.keys() | {"embedder"}


def test_arrows_point_down() -> None:
    wrong = []
    for source, target in sorted(arrows()):
        one, other = wing(source), wing(target)
        if one == other:
            continue
        allowed = other in ONLY[one] if one in ONLY else RANK[other] <= RANK[one] and other != "embedder"
        if not allowed or (one, other) in NEVER:
            wrong.append(f"{source} -> {target}")
    assert not wrong


@pytest.mark.parametrize("of", ["wings", "modules"])
def test_there_is_no_circle(of: str) -> None:
    graph: dict[str, set[str]] = {}
    for source, target in arrows():
        # A package's __init__ names what its modules have.
        if of == "modules" and not source.startswith(f"{target}."):
            graph.setdefault(source, set()).add(target)
        elif of == "wings" and wing(source) != wing(target):
            graph.setdefault(wing(source), set()).add(wing(target))
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed([str(name) for name in error.args[1]])))


def test_a_circle_would_be_found() -> None:
    with pytest.raises(CycleError):
        TopologicalSorter({"a": {"b"}, "b": {"c"}, "c": {"a"}}).prepare()


def test_what_is_imported_is_declared() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = project["dependencies"] + project["optional-dependencies"]["embedded"]
    declared = {normalized(re.split(r"[^\w.-]", requirement)[0]) for requirement in requirements}
    distributions = packages_distributions()
    missing = set()
    for path in modules().values():
        for name in imported(path):
            top = name.split(".")[0]
            if top in sys.stdlib_module_names or top in TYPES_ALONE | {PACKAGE}:
                continue
            # fastmcp's distribution of that name brings the one that has its modules.
            if not {normalized(distribution).removesuffix("-slim") for distribution in distributions[top]} & declared:
                missing.add(top)
    assert not missing


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
