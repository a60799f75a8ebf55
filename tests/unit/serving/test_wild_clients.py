"""Clients that hold on to connections, break off, lie or send garbage; against a server process, over real sockets."""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from tests.unit.serving.fakes import ACCEPT, INITIALIZE, call
from tests.unit.serving.wild import HALF_A_HEAD, POST_MCP, WELL, WildServer, held, read_answer, read_to_end, wait_until, wild_server

MANY = 600

pytestmark = pytest.mark.slow("hundreds of connections, and deadlines that have to pass")


@pytest.fixture(scope="module")
def wild() -> Iterator[WildServer]:
    """A server with the usual limits; its log is judged when all tests with it are done."""
    with wild_server() as server:
        yield server


CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_projects","arguments":{}}}'


@pytest.fixture(scope="module")
def hasty() -> Iterator[WildServer]:
    """A server with deadlines of a second, and the legacy endpoint."""
    with wild_server("sse", head_seconds=1, body_seconds=1, body_bytes_per_second=1000, linger_seconds=1, write_seconds=1) as server:
        yield server


def of_many_addresses(number: int) -> str:
    return f"127.0.{number % 5}.{number % 200 + 1}"


@pytest.mark.parametrize("source", [lambda _: "127.0.0.1", of_many_addresses], ids=["one address", "many addresses"])
@pytest.mark.parametrize(
    "sent",
    [b"", HALF_A_HEAD, b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\nGET ", POST_MCP + b"Content-Length: 100\r\n\r\n{"],
    ids=["nothing", "half a head", "half a second head", "half a body"],
)
def test_connections_that_are_held_keep_nobody_out(wild: WildServer, sent: bytes, source: Callable[[int], str]) -> None:
    with held(wild, MANY, sent, source):
        assert wild.answers() == WELL
        with held(wild, 50, sent, source):
            assert wild.answers() == WELL


@pytest.mark.parametrize("sent", [b"", HALF_A_HEAD, b"\r\n"], ids=["nothing", "half a head", "an empty line"])
def test_a_head_has_a_deadline(hasty: WildServer, sent: bytes) -> None:
    with hasty.connect() as connection:
        connection.sendall(sent)
        assert read_to_end(connection).startswith(b"HTTP/1.1 408 " if sent.strip() else b"")


def test_a_head_that_comes_in_drops_has_the_same_deadline(hasty: WildServer) -> None:
    with hasty.connect() as connection, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(b"GET /live HTTP/1.1\r\n")
        for _ in range(600):
            connection.sendall(b"X-a: b\r\n")
            time.sleep(0.05)
        pytest.fail("the server let a head go on for thirty seconds")


def test_a_second_head_has_the_deadline_too(hasty: WildServer) -> None:
    with hasty.connect() as connection:
        connection.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_answer(connection).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /live HTTP/1.1\r\nHost: ")
        assert b"HTTP/1.1 408 " in read_to_end(connection)


def test_a_body_has_a_deadline(hasty: WildServer) -> None:
    for framing in (
        b"Content-Length: 100\r\n\r\n{",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"Transfer-Encoding: chunked\r\n\r\n",
    ):
        with hasty.connect() as connection:
            connection.sendall(POST_MCP + framing)
            assert read_to_end(connection).startswith(b"HTTP/1.1 408 ")


def test_a_slow_body_may_take_its_time_while_it_keeps_its_rate(hasty: WildServer) -> None:
    with hasty.connect() as connection:
        body = CALL + b" " * (40_000 - len(CALL))
        connection.sendall(POST_MCP + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body))
        for start in range(0, len(body), 4000):
            connection.sendall(body[start : start + 4000])
            time.sleep(0.3)
        assert read_to_end(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", [b"/live", b"/nothing", b"/mcp"])
def test_a_chunked_body_that_never_ends_is_ended(hasty: WildServer, path: bytes) -> None:
    with hasty.connect() as connection:
        connection.sendall(POST_MCP.replace(b"/mcp", path) + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
        deadline = time.monotonic() + 30
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while time.monotonic() < deadline:
                connection.sendall(chunk)
            pytest.fail("the server went on reading for thirty seconds")
        assert hasty.answers() == WELL


def test_a_client_that_does_not_read_is_left(hasty: WildServer) -> None:
    before = hasty.sockets()
    with hasty.connect() as connection:
        connection.settimeout(2)
        taken = hasty.wait_for_another(before)
        flood = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000
        with contextlib.suppress(TimeoutError, BrokenPipeError, ConnectionResetError):
            while True:
                connection.sendall(flood)
        hasty.wait_for_end_of(taken)
        assert hasty.answers() == WELL


def test_clients_that_do_not_read_keep_nobody_out() -> None:
    flood = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000
    with wild_server(total=4, loopback_only=0, probes=2) as server, contextlib.ExitStack() as stack:
        for _ in range(4):
            connection = stack.enter_context(server.connect())
            connection.settimeout(2)
            with contextlib.suppress(TimeoutError, BrokenPipeError, ConnectionResetError):
                while True:
                    connection.sendall(flood)
        assert server.answers() == WELL


def test_streams_and_long_calls_outlive_every_deadline(hasty: WildServer) -> None:
    with (
        hasty.client.stream("GET", "/sse") as stream,
    ):
        events = stream.iter_lines()
        messages = next(line.removeprefix("data: ") for line in events if line.startswith("data: "))
        slow = hasty.client.post("/mcp", headers=ACCEPT, json=call("search_code", query="sleep 4"))
        assert (slow.status_code, "sleep 4" in slow.text) == (200, True)
        assert hasty.client.post(str(stream.url.join(messages)), json=INITIALIZE).status_code == 202
        assert "serverInfo" in next(line for line in events if line.startswith("data: "))


def test_when_streams_have_taken_every_place_the_probes_are_answered_and_the_rest_is_told() -> None:
    stream = b"GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with wild_server("sse", total=4, loopback_only=2, probes=4) as server, contextlib.ExitStack() as stack:
        streams = []
        for _ in range(4):
            streams += stack.enter_context(held(server, 1, stream))
            assert read_answer(streams[-1]).startswith(b"HTTP/1.1 200 ")
        with held(server, 1, stream) as (refused,):
            assert read_to_end(refused).startswith(b"HTTP/1.1 503 ")
        with held(server, 20, HALF_A_HEAD):
            assert server.answers() == {"/live": 200, "/health": 200, "/mcp": 503}
        busy = httpx.post(f"{server.client.base_url}/mcp", headers=ACCEPT, json=call("list_projects"), trust_env=False)
        assert busy.headers["retry-after"]
        assert "Too many connections" in busy.json()["error_description"]
        streams[0].close()
        wait_until(lambda: server.answers() == WELL)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /" + b"a" * 100_000, 431),
        (b"GET /live HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000, 431),
        (b"GET /live HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20_000, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200 + b"\r\n\r\n", 400),
        (b"GET /live HTTP/1.1\r\n\r\n", 400),
        (b"GET /live\r\n\r\n", 400),
        (b"GET /l\xc3\xa4ve HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 421),
        (b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}", 400),
        (b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (POST_MCP + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", 400),
        (POST_MCP + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}garbage\r\n", 400),
        (POST_MCP + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffffff\r\n{}", 400),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, int) else "",
)
def test_malformed_requests_are_answered_and_their_connections_closed(wild: WildServer, sent: bytes, status: int) -> None:
    with wild.connect() as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(sent)
        assert read_to_end(connection).startswith(b"HTTP/1.1 %d " % status)
    assert wild.answers() == WELL


def test_garbage_behind_a_request_spoils_neither_its_answer_nor_the_log(wild: WildServer) -> None:
    for behind in (b"garbage\r\n\r\n", b"\x00" * 1000, b"GET / HTTP/1.1\r\n\r\n"):
        with wild.connect() as connection:
            connection.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n" + behind)
            answers = read_to_end(connection)
            assert answers.startswith(b"HTTP/1.1 200 ")
            assert b"HTTP/1.1 400 " in answers


def test_garbage_within_a_body_while_the_answer_is_under_way(wild: WildServer) -> None:
    """The answer is out (404, 401, 413 …) before the body is; what is wrong with the rest of the body is nobody's traceback."""
    for path in (b"/nothing", b"/live", b"/mcp"):
        with wild.connect() as connection:
            connection.sendall(POST_MCP.replace(b"/mcp", path) + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")
            if path != b"/mcp":
                assert read_answer(connection).startswith(b"HTTP/1.1 40")
            connection.sendall(b"garbage garbage\r\n")
            read_to_end(connection)
    assert wild.answers() == WELL


def test_pipelined_requests_are_answered_in_order(wild: WildServer) -> None:
    with wild.connect() as connection:
        one = POST_MCP + b"Content-Length: %d\r\n\r\n%s" % (len(CALL), CALL)
        live = b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n"
        last = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        connection.sendall(live + one + live + last)
        assert re.findall(rb"HTTP/1\.1 (\d+)", read_to_end(connection)) == [b"200", b"200", b"200", b"404"]


def test_expect_100_continue(hasty: WildServer) -> None:
    with hasty.connect() as connection:
        connection.sendall(POST_MCP + b"Content-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n" % len(CALL))
        assert read_answer(connection).startswith(b"HTTP/1.1 100 ")
        connection.sendall(CALL)
        assert read_to_end(connection).startswith(b"HTTP/1.1 200 ")
    with hasty.connect() as connection:
        connection.sendall(POST_MCP + b"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n")
        assert b"HTTP/1.1 408 " in read_to_end(connection)


def test_an_upload_that_breaks_off_is_no_traceback(hasty: WildServer) -> None:
    for sent in (b"Content-Length: 1000\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", b"Content-Length: 1000\r\n\r\n"):
        for half in (True, False):
            before = hasty.sockets()
            with hasty.connect() as connection:
                connection.sendall(POST_MCP + sent)
                taken = hasty.wait_for_another(before)
                if half:
                    connection.shutdown(socket.SHUT_WR)
                    assert read_to_end(connection) == b""
            hasty.wait_for_end_of(taken)
    assert hasty.answers() == WELL


def test_clients_that_leave_while_their_calls_run_leave_nothing_behind(wild: WildServer) -> None:
    body = CALL.replace(b'"list_projects","arguments":{}', b'"search_code","arguments":{"query":"sleep 0.2"}')
    sent = POST_MCP + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    before = len(wild.sockets())
    with held(wild, 100, sent):
        assert wild.answers() == WELL
    wait_until(lambda: len(wild.sockets()) <= before)
    assert wild.answers() == WELL


def test_without_file_descriptors_the_server_waits_and_recovers() -> None:
    with wild_server("sse", files=60) as server:
        with contextlib.ExitStack() as stack:
            for _ in range(16):  # the fewest places that a server has; those with an answer under way do not give way
                (stream,) = stack.enter_context(held(server, 1, b"GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n"))
                assert read_answer(stream).startswith(b"HTTP/1.1 200 ")
            stack.enter_context(held(server, 60, HALF_A_HEAD))
            wait_until(lambda: len(server.files()) >= 58)
            before = server.processor_seconds()
            time.sleep(3)
            assert server.processor_seconds() - before < 1.5, "it spins"
        wait_until(lambda: server.answers() == WELL)
        assert "connections have to wait: Too many open files" in server.log.read_text()


def test_many_at_once_are_all_answered(wild: WildServer) -> None:
    """No limit is met by clients that behave: two hundred of them at once, each with a call."""
    seen: list[dict[str, int]] = []
    threads = [threading.Thread(target=lambda: seen.append(wild.answers())) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [WELL] * 60
