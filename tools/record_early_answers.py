"""Records what the real server says to a stdio client's first messages, for `cocosearch.serving.early`. Needs no database.

Usage: record_early_answers.py [FILE] (default: the file in the package). To be run after a change of the tools or of fastmcp's version.
"""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

import anyio
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

import cocosearch
from cocosearch.serving import load_stdio_server
from cocosearch.serving.early import ANSWERS_FILE
from cocosearch.serving.stdio import serve_wire
from cocosearch.serving.wire import Heard, Wire
from cocosearch.settings import load_settings

HANDSHAKE_METHODS = ("ping", "tools/list", "prompts/list", "resources/list", "resources/templates/list")
MODERN_METHODS = ("server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list")


def record() -> dict[str, Any]:
    """The answers, with `@version@` in the place of the program's version."""
    handshake = HANDSHAKE_PROTOCOL_VERSIONS
    client = {"name": "recorder", "version": "1"}
    first = ("initialize", {"protocolVersion": handshake[-1], "capabilities": {}, "clientInfo": client})
    said = _converse([first, ("notifications/initialized", {}), *((method, {}) for method in HANDSHAKE_METHODS)])
    prefix = "io.modelcontextprotocol/"
    modern: dict[str, Any] = {}
    for version in MODERN_PROTOCOL_VERSIONS:
        meta = {f"{prefix}protocolVersion": version, f"{prefix}clientInfo": client, f"{prefix}clientCapabilities": {}}
        answers = _converse([(method, {"_meta": meta}) for method in MODERN_METHODS])
        if modern and answers != modern:
            raise RuntimeError(f"The answers of protocol {version} differ from those of another: record them by version.")
        modern = answers
    return {"handshake_versions": list(handshake), "modern_versions": list(MODERN_PROTOCOL_VERSIONS), "handshake": said, "modern": modern}


def _converse(messages: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Results by method, of a new server. A client in a thread: the server takes the main one for its signals."""
    (from_client, to_server), (from_server, to_client) = os.pipe(), os.pipe()
    results: dict[str, Any] = {}
    client = threading.Thread(target=_ask, args=(messages, os.fdopen(to_server, "wb"), os.fdopen(from_server, "rb"), results))
    client.start()
    wire = Wire(os.fdopen(from_client, "rb"), os.fdopen(to_client, "wb"))
    anyio.run(serve_wire, load_stdio_server(load_settings()), wire, Heard())
    wire.output.close()
    client.join()
    return results


def _ask(messages: list[tuple[str, dict[str, Any]]], output: BinaryIO, answers: BinaryIO, results: dict[str, Any]) -> None:
    with output, answers:
        for number, (method, parameters) in enumerate(messages, start=1):
            message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": parameters}
            if not method.startswith("notifications/"):
                message["id"] = number
            output.write(json.dumps(message).encode() + b"\n")
            output.flush()
            if "id" in message:
                results[method] = json.loads(answers.readline())["result"]


def main(path: Path) -> None:
    """Write the file."""
    recorded = json.dumps(record(), indent=1, ensure_ascii=False) + "\n"
    path.write_text(recorded.replace(f'"version": "{cocosearch.__version__}"', '"version": "@version@"'), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(cocosearch.__file__).parent / "serving" / ANSWERS_FILE)
