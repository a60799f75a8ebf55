"""Serving with everything behind it: database, embeddings, indexer."""

import asyncio
import json
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp.exceptions import ToolError
from psycopg import sql
from tests.integration.services import with_database
from tests.integration.serving.processes import COCOSEARCH, Place, http_server, process, until
from tests.unit.serving import fakes

from cocosearch.database.extension import pgvector_version
from cocosearch.database.pgvector import faults
from cocosearch.serving.backend import appliance_backend
from cocosearch.settings import Settings


def call(url: str, tool: str, **arguments: object) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        async with Client(url, timeout=60) as client:
            answer: dict[str, Any] | None = (await client.call_tool(tool, arguments)).structured_content
        assert answer is not None
        return answer

    return asyncio.run(ask())


def test_index_search_and_status_over_http(place: Place) -> None:
    roots = {"COCOSEARCH_ALLOWED_ROOTS": str(place.project.parent)}
    with process("indexer", place.environment), http_server(place.environment, **roots) as (server, client):
        url = f"{client.base_url}/mcp"
        health = client.get("/health")
        assert health.status_code == 200, health.text
        assert health.json()["parts"] == dict.fromkeys(("database", "extension", "indexer", "ollama", "model", "disk"), "ok")
        empty = call(url, "search_code", query="tax")
        assert empty["hits"] == []
        assert "Nothing is indexed yet" in empty["note"]
        assert empty["degraded"] == "nothing_indexed"
        job = call(url, "index_project", path=str(place.project))
        assert (job["project"], job["root"]) == ("shop", str(place.project))
        until(lambda: bool(call(url, "index_status", project="shop")["state"] == "ready"))
        status = call(url, "index_status", project="shop")
        assert (status["files"], status["files_done"], status["last_error"]) == (2, 2, None)
        assert call(url, "list_projects")["projects"][0]["name"] == "shop"
        first = call(url, "search_code", query="how is sales tax added to a bill", limit=1)["hits"][0]
        assert (first["path"], first["language"], first["symbol"]) == ("billing/invoice.py", "python", "total_with_tax")
        assert first["start_line"] <= 4 <= first["end_line"] == 6
        assert "dense" in first["arms"]
        only_go = call(url, "search_code", query="total_with_tax", language="go")["hits"]
        assert {hit["path"] for hit in only_go} == {"net/retry.go"}
        with pytest.raises(ToolError, match="not a directory below an allowed root"):
            call(url, "index_project", path=str(place.project / ".." / ".."))
        with pytest.raises(ToolError, match=r"There is no project 'none'\. Known projects: shop\."):
            call(url, "search_code", query="x", project="none")
        asked = subprocess.run(
            [*COCOSEARCH, "health"],
            env={**place.environment, "COCOSEARCH_PORT": str(client.base_url.port)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (asked.returncode, asked.stdout.splitlines()[0]) == (0, "ok")
        server.terminate()
        _, log = server.communicate(timeout=30)
    assert server.returncode == 0
    assert "tool=search_code client=local outcome=ok" in log
    assert "sales tax" not in log


def test_without_allowed_roots_nothing_is_indexed_over_http(place: Place) -> None:
    with http_server(place.environment) as (_, client), pytest.raises(ToolError, match="set COCOSEARCH_ALLOWED_ROOTS"):
        call(f"{client.base_url}/mcp", "index_project", path=str(place.project))


def test_the_server_starts_without_services_says_so_and_recovers_by_itself(place: Place, postgres_url: str) -> None:
    name = str(psycopg.conninfo.conninfo_to_dict(place.environment["COCOSEARCH_DATABASE_URL"])["dbname"])
    with psycopg.connect(with_database(postgres_url, "postgres"), autocommit=True) as superuser:

        def rename(old: str, new: str) -> None:
            superuser.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [old])
            superuser.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new)))

        rename(name, f"{name}_away")
        try:
            with http_server(place.environment, COCOSEARCH_OLLAMA_URL="http://127.0.0.1:1") as (server, client):
                started = time.monotonic()
                sick = client.get("/health")
                assert time.monotonic() - started < 10
                assert sick.status_code == 503
                assert sick.json()["status"] == "down"
                assert sick.json()["parts"] == {
                    "database": "down",
                    "extension": "unknown",
                    "indexer": "unknown",
                    "ollama": "down",
                    "model": "unknown",
                    "disk": "ok",
                }
                url = f"{client.base_url}/mcp"
                with pytest.raises(ToolError, match="The database cannot be used"):
                    call(url, "list_projects")
                assert server.poll() is None
                rename(f"{name}_away", name)
                until(lambda: bool(client.get("/health").json()["parts"]["database"] == "ok"), 10)
                assert client.get("/health").json()["status"] == "degraded"
                assert call(url, "list_projects") == {"projects": []}
                rename(name, f"{name}_away")
                until(lambda: bool(client.get("/health").json()["parts"]["database"] == "down"), 5)
        finally:
            rename(f"{name}_away", name)


def test_an_older_database_is_a_sentence_and_not_a_crash(place: Place) -> None:
    with psycopg.connect(place.environment["COCOSEARCH_DATABASE_URL"], autocommit=True) as connection:
        connection.execute("DROP TABLE migrations, chunks, files, projects, embeddings, models CASCADE")
    with http_server(place.environment) as (_, client):
        assert client.get("/health").json()["parts"]["database"] == "outdated"
        with pytest.raises(ToolError, match="cocosearch database migrate"):
            call(f"{client.base_url}/mcp", "list_projects")


WAITING = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


def test_a_read_survives_the_end_of_its_connection(place: Place) -> None:
    url = place.environment["COCOSEARCH_DATABASE_URL"]
    backend = appliance_backend(Settings.model_validate({"database_url": url}))
    answers: list[int] = []
    with backend.connections(), psycopg.connect(url) as blocker, psycopg.connect(url, autocommit=True) as watcher:
        blocker.execute("LOCK TABLE projects IN ACCESS EXCLUSIVE MODE")
        reading = threading.Thread(target=lambda: answers.append(len(backend.list_projects())))
        reading.start()
        try:
            until(lambda: bool(watcher.execute(WAITING).fetchall()), 20)
        finally:
            blocker.rollback()
            reading.join()
    assert answers == [0]


async def test_stdio_indexes_the_current_directory_in_the_background_and_searches(place: Place) -> None:
    transport = StdioTransport(COCOSEARCH[0], [*COCOSEARCH[1:], "mcp"], env=place.environment, cwd=str(place.project))
    async with Client(transport, timeout=60) as client:
        with pytest.raises(ToolError, match="not a directory below an allowed root"):
            await client.call_tool("index_project", {"path": str(place.project.parent)})
        await client.call_tool("index_project", {"path": str(place.project), "name": "mine"})
    # The client has gone, and the work goes on.
    with psycopg.connect(place.environment["COCOSEARCH_DATABASE_URL"], autocommit=True) as connection:

        def ready() -> bool:
            return connection.execute("SELECT 1 FROM projects WHERE name = 'mine' AND state = 'ready'").fetchone() is not None

        await asyncio.to_thread(until, ready)
    async with Client(StdioTransport(COCOSEARCH[0], [*COCOSEARCH[1:], "mcp"], env=place.environment, cwd=str(place.project))) as client:
        found = await client.call_tool("search_code", {"query": "wait longer after each failed attempt", "project": "mine"})
    assert found.data.hits[0].path == "net/retry.go"


def test_stdout_of_stdio_is_json_alone_while_everything_is_imported_and_used(place: Place) -> None:
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "index_project", "arguments": {"path": str(place.project)}}},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "search_code", "arguments": {"query": "tax"}}},
    ]
    with subprocess.Popen(
        [*COCOSEARCH, "mcp"], env=place.environment, cwd=place.project, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write("".join(json.dumps(message) + "\n" for message in messages))
        running.stdin.flush()
        answers = [json.loads(running.stdout.readline()) for _ in range(3)]
        running.stdin.close()
        assert running.stdout.read() == ""
    assert running.returncode == 0
    assert {answer["id"] for answer in answers} == {1, 2, 3}
    assert not any(answer["result"].get("isError") for answer in answers)


def test_a_project_cannot_change_how_its_server_runs(place: Place) -> None:
    """fastmcp would read a `.env` in the current directory, and Python the modules there."""
    (place.project / ".env").write_text("FASTMCP_MASK_ERROR_DETAILS=false\nFASTMCP_PORT=nonsense\nCOCOSEARCH_HOST=0.0.0.0\n")
    for module in ("sitecustomize", "fastmcp", "psycopg", "json"):
        (place.project / f"{module}.py").write_text("raise SystemExit('code of the project ran')\n")
    messages = "".join(json.dumps(message) + "\n" for message in (fakes.INITIALIZE, fakes.INITIALIZED, fakes.call("list_projects")))
    ran = subprocess.run(
        [*COCOSEARCH, "mcp"], env=place.environment, cwd=place.project, input=messages, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0
    assert "result" in json.loads(ran.stdout.splitlines()[0])
    assert "code of the project ran" not in ran.stderr
    assert "serving MCP on stdin and stdout" in ran.stderr


def test_doctor_finds_everything_right_and_then_what_is_not(place: Place, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)

    def doctor(**given: str) -> dict[str, str]:
        ran = subprocess.run(
            [*COCOSEARCH, "doctor", "--json"], env={**place.environment, **given}, stdout=subprocess.PIPE, text=True, check=False
        )
        answer = json.loads(ran.stdout)
        assert answer["healthy"] is (ran.returncode == 0)
        return {finding["part"]: finding["level"] for finding in answer["findings"]}

    subprocess.run([*COCOSEARCH, "index", str(place.project)], env=place.environment, check=True)
    right = doctor()
    for part in ("listening", "state directory", "database", "migrations", "project shop", "ollama", "model"):
        assert right[part] == "ok", right
    with psycopg.connect(place.environment["COCOSEARCH_DATABASE_URL"]) as connection:
        assert right["extension"] == ("warning" if faults(pgvector_version(connection) or ()) else "ok")
    assert doctor(COCOSEARCH_MODEL="no-such-model")["model"] == "problem"
