"""Arguments of any shape: the answer is a result or one sentence, never an internal error. A bounded run of a fuzz target.

`FUZZ_EXAMPLES` makes it a long one.
"""

import os
from typing import Any

from fastmcp import Client
from fastmcp.exceptions import ToolError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import MCPError
from mcp_types import INTERNAL_ERROR
from tests.unit.serving.fakes import BACKEND

from cocosearch.serving.dispatch import CallLog
from cocosearch.serving.mcp import build_mcp
from cocosearch.settings import Settings

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "50"))
TOOLS: dict[str, list[str]] = {
    "search_code": [
        *("query", "limit", "project", "language", "path_glob", "symbol", "kind"),
        *("whole_definitions", "max_tokens", "explain"),
    ],
    "index_status": ["project"],
    "index_project": ["path", "name"],
    "list_projects": [],
}
# What is written in place of a value, and what is near the bounds.
LIKELY: st.SearchStrategy[Any] = st.sampled_from(
    [
        *("", " ", "null", "None", "undefined", "true", "10", "10.0", "-1", "NaN", "1e400", "'x'", '"', "``", "src/**", "[a", "Function"),
        *("\x00", "\ud800", "\u202e", "\x1b[2J", "e\u0301", "🙂", "x" * 1001, "x" * 5000, "/project/demo", "demo", "/"),
        *(None, True, False, 0, 1, -1, 10, 50, 51, 100, 200_000, 10**40, 10**400, 10.0, 1.5, [], {}, [None], [[]], ["python"], ["a", "b"]),
    ]
)
JSON: st.SearchStrategy[Any] = st.recursive(
    LIKELY | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A tool and arguments for it, most of them by names that it knows."""
    tool = draw(st.sampled_from(sorted(TOOLS)))
    arguments: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=dict.fromkeys(TOOLS[tool], JSON)))
    if draw(st.integers(0, 9)) == 0:
        arguments[draw(st.text(max_size=12))] = draw(JSON)
    return tool, arguments


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(batch=st.lists(calls(), min_size=5, max_size=5))
async def test_any_arguments_are_answered_or_refused_in_a_sentence(batch: list[tuple[str, dict[str, Any]]]) -> None:
    codes: set[int] = set()
    unsendable: list[str] = []
    async with Client(build_mcp(Settings.model_validate({}), BACKEND, CallLog())) as connected:
        for tool, arguments in batch:
            try:
                result = await connected.call_tool(tool, arguments)
            except ToolError as error:
                assert_sentence(str(error))
            except MCPError as error:
                codes.add(error.error.code)
            except UnicodeEncodeError as error:
                unsendable.append(str(error.object))
            else:
                assert result.structured_content is not None
    assert INTERNAL_ERROR not in codes
    assert all("\\ud800" in ascii(text) for text in unsendable)


def assert_sentence(error: str) -> None:
    assert not error.startswith("Error calling tool"), error
    assert error.endswith((".", "?"))
    assert len(error) < 2000
    assert not any(character in error for character in "\x00\x1b\u202e")
    assert "pydantic" not in error
