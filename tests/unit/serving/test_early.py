"""A stdio client's first messages: answered at once, and as the real server answers them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.unit.serving.fakes import INITIALIZE, INITIALIZED, LIST_TOOLS, call, exchange, modern

from cocosearch.serving.early import Conversation, recorded_answers
from cocosearch.settings import Settings, Transport, variable_name

ROOT = Path(__file__).parents[3]
PROGRAM = [sys.executable, "-m", "cocosearch", "mcp"]
HEAVY = ("pydantic", "fastmcp", "mcp", "anyio", "psycopg", "cocosearch.settings")


def lines(*messages: object) -> bytes:
    return b"".join(json.dumps(message).encode() + b"\n" for message in messages)


@contextmanager
def program(**environment: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        PROGRAM,
        text=True,
        env={**os.environ, "COCOSEARCH_DATABASE_URL": "postgresql:///?host=/nowhere", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_recorded_answers_are_those_of_the_real_server(tmp_path: Path) -> None:
    recorded = tmp_path / "answers.json"
    subprocess.run([sys.executable, ROOT / "tools" / "record_early_answers.py", recorded], check=True, capture_output=True)
    kept = ROOT / "src" / "cocosearch" / "serving" / "early_answers.json"
    assert recorded.read_text() == kept.read_text(), "run tools/record_early_answers.py: the tools have changed"


def test_the_handshake_and_the_tools_need_none_of_the_heavy_libraries() -> None:
    """No seconds are measured: what costs them are imports, and these are named."""
    done = subprocess.run(
        [PROGRAM[0], "-X", "importtime", *PROGRAM[1:]],
        input=lines(INITIALIZE, INITIALIZED, LIST_TOOLS),
        capture_output=True,
        check=True,
    )
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first["result"]["serverInfo"]["name"] == "cocosearch"
    assert {tool["name"] for tool in second["result"]["tools"]} >= {"search_code", "index_project"}
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.decode().splitlines()}
    assert "cocosearch.serving.early" in imported
    assert not imported & set(HEAVY)


@pytest.mark.parametrize("asked", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2099-01-01"])
def test_the_protocol_is_the_one_asked_for_or_the_newest(asked: str) -> None:
    conversation = Conversation(recorded_answers())
    request = {**INITIALIZE, "params": {**INITIALIZE["params"], "protocolVersion": asked}}  # type: ignore[dict-item]
    reply = conversation.reply_to(lines(request))
    assert reply is not None
    assert json.loads(reply)["result"]["protocolVersion"] == (asked if asked < "2026" else "2025-11-25")


@pytest.mark.parametrize(
    "message",
    [
        call("search_code", query="x"),
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"cursor": "x"}},
        {"jsonrpc": "2.0", "id": 1, "method": "initialize"},  # a second one
        {"jsonrpc": "2.0", "id": None, "method": "tools/list"},
        {"jsonrpc": "2.0", "id": 1.5, "method": "tools/list"},
        {"jsonrpc": "2.0", "id": True, "method": "tools/list"},
        {"jsonrpc": "1.0", "id": 1, "method": "tools/list"},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": []},
        {"jsonrpc": "2.0", "id": 1, "method": ["tools/list"]},
        {"jsonrpc": "2.0", "id": 1, "method": "no/such"},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 9}},
        [LIST_TOOLS],
        "tools/list",
        None,
    ],
)
def test_what_is_not_certain_is_left_to_the_real_server(message: object) -> None:
    conversation = Conversation(recorded_answers())
    assert conversation.reply_to(lines(INITIALIZE))
    assert conversation.reply_to(lines(message)) is None


@pytest.mark.parametrize("garbage", [b"no json\n", b"\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n"])
def test_garbage_is_left_to_the_real_server(garbage: bytes) -> None:
    assert Conversation(recorded_answers()).reply_to(garbage) is None


def test_without_a_handshake_only_the_protocol_that_has_none_is_answered() -> None:
    conversation = Conversation(recorded_answers())
    assert conversation.reply_to(lines(LIST_TOOLS)) is None
    for method in ("server/discover", "tools/list"):
        reply = conversation.reply_to(lines(modern(method)[1]))
        assert reply is not None
        assert json.loads(reply)["result"]["resultType"] == "complete"
    assert not conversation.heard.lines


@pytest.mark.slow("the real server is loaded in a process")
def test_a_call_right_behind_the_handshake_reaches_the_real_server_once() -> None:
    with program() as process:
        first = exchange(process, INITIALIZE, INITIALIZED, LIST_TOOLS, {**call("index_status", project=""), "id": "mine"})
        assert process.stdout is not None
        rest = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert [first["id"], *(answer["id"] for answer in rest)] == [1, 2, "mine"]
        assert rest[1]["result"]["isError"]
        process.communicate(timeout=60)
        assert process.returncode == 0


@pytest.mark.slow("the real server is loaded in a process")
def test_an_idle_client_is_served_by_the_real_server_afterwards() -> None:
    """While the server is loaded in the background, what can be answered is answered."""
    with program() as process:
        exchange(process, INITIALIZE, INITIALIZED)
        assert process.stderr is not None
        maps = Path(f"/proc/{process.pid}/maps")
        while "pydantic_core" not in maps.read_text():  # loading has begun
            assert process.poll() is None
        assert exchange(process, LIST_TOOLS)["id"] == 2
        assert exchange(process, {**call("no_such_tool"), "id": 3})["id"] == 3


def test_what_is_told_without_the_settings_is_what_they_say() -> None:
    """The command decides before they are loaded whether it speaks on stdin and stdout."""
    assert variable_name("transport") == "COCOSEARCH_TRANSPORT"
    assert Settings.model_fields["transport"].default is Transport.STDIO
    assert Transport.STDIO.value == "stdio"


def test_a_setting_that_is_refused_is_told_to_the_client_that_waits() -> None:
    with program(COCOSEARCH_PORT="none") as process:
        exchange(process, INITIALIZE, INITIALIZED)
        answer = exchange(process, call("list_projects"))
        assert "COCOSEARCH_PORT" in answer["error"]["message"]
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 2
        assert errors.count("COCOSEARCH_PORT") == 1
        assert "Traceback" not in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("messages", [(), (INITIALIZE,)], ids=["before the handshake", "after it"])
def test_a_signal_ends_it_well_before_anything_is_loaded(number: signal.Signals, messages: tuple[dict[str, Any], ...]) -> None:
    with program() as process:
        status = Path(f"/proc/{process.pid}/status")
        if messages:
            exchange(process, *messages)
        while not int(next(line for line in status.read_text().splitlines() if line.startswith("SigCgt")).split()[1], 16) & (
            1 << (signal.SIGTERM - 1)
        ):
            assert process.poll() is None
        process.send_signal(number)
        assert process.wait(20) == 0


def test_the_end_of_stdin_ends_it() -> None:
    with program() as process:
        exchange(process, INITIALIZE)
        assert process.communicate(timeout=20)[0] == ""
        assert process.returncode == 0
