import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from cocosearch.embedding.ollama import OllamaClient
from cocosearch.errors import CocosearchError
from cocosearch.operations import health
from cocosearch.operations.health import HealthReport, Overall, Part, PartState
from cocosearch.operations.monitor import HealthMonitor
from cocosearch.settings import Settings


def part(name: str, state: PartState = PartState.OK) -> Part:
    return Part(name, state, f"A sentence about {name}.")


@pytest.mark.parametrize(
    ("broken", "overall"),
    [
        (set(), Overall.OK),
        ({"model"}, Overall.DEGRADED),
        ({"ollama", "model"}, Overall.DEGRADED),
        ({"database"}, Overall.DOWN),
        ({"extension", "model"}, Overall.DOWN),
    ],
)
def test_without_embeddings_search_is_degraded_without_a_database_it_is_down(broken: set[str], overall: Overall) -> None:
    names = ("database", "extension", "ollama", "model")
    report = HealthReport(tuple(part(name, PartState.DOWN if name in broken else PartState.OK) for name in names))
    assert report.overall is overall
    assert report.ok is (overall is Overall.OK)


@pytest.mark.parametrize(
    ("state", "ok", "overall"),
    [
        (PartState.BUSY, True, Overall.DEGRADED),
        (PartState.FULL, True, Overall.DEGRADED),
        (PartState.TIMEOUT, False, Overall.DEGRADED),
        (PartState.DOWN, False, Overall.DOWN),
        (PartState.OUTDATED, False, Overall.DOWN),
    ],
)
def test_a_database_that_is_only_busy_is_not_down(state: PartState, ok: bool, overall: Overall) -> None:
    unknown = (part(name, PartState.UNKNOWN) for name in health.DATABASE_PARTS[1:])
    report = HealthReport((part("database", state), *unknown, part("ollama"), part("model")))
    assert (report.ok, report.overall) == (ok, overall)


@contextmanager
def monitoring(*checks: health.Check) -> Iterator[HealthMonitor]:
    monitor = HealthMonitor({(f"part-{number}",): check for number, check in enumerate(checks)})
    try:
        yield monitor
    finally:
        monitor.close()


def test_a_check_that_hangs_hides_no_other_and_is_not_waited_for() -> None:
    release = threading.Event()

    def hangs() -> tuple[Part, ...]:
        release.wait(60)
        return (part("part-0"),)

    with monitoring(hangs, lambda: (part("part-1"),)) as monitor:
        started = time.monotonic()
        report = monitor.report()
        assert time.monotonic() - started < 10
        assert report.parts[0].state is PartState.TIMEOUT
        until_state(monitor, PartState.OK, number=1)
        assert monitor.report().parts[0].state is PartState.TIMEOUT
        release.set()
        until_state(monitor, PartState.OK)


def until_state(monitor: HealthMonitor, state: PartState, number: int = 0) -> HealthReport:
    deadline = time.monotonic() + 60
    while (report := monitor.report()).parts[number].state is not state:
        assert time.monotonic() < deadline, report
        time.sleep(0.02)
    return report


def test_a_slow_check_leaves_the_last_result_standing_and_a_failure_shows_at_the_next_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cocosearch.operations.monitor.FRESH_FOR_SECONDS", 0.0)
    gate = threading.Event()
    gate.set()
    state = PartState.OK

    def check() -> tuple[Part, ...]:
        gate.wait(30)
        return (part("part-0", state),)

    with monitoring(check) as monitor:
        assert monitor.report().ok
        gate.clear()
        assert monitor.report().ok  # busy for a moment is not broken
        monkeypatch.setattr("cocosearch.operations.monitor.TRUSTED_FOR_SECONDS", 0.1)
        assert monitor.report().parts[0].state is PartState.TIMEOUT
        gate.set()
        until_state(monitor, PartState.OK)
        state = PartState.DOWN
        until_state(monitor, PartState.DOWN)


def test_a_check_that_breaks_is_a_finding(caplog: pytest.LogCaptureFixture) -> None:
    def breaks() -> tuple[Part, ...]:
        raise ZeroDivisionError("secret reason")

    with monitoring(breaks) as monitor:
        (found,) = monitor.report().parts
    assert found.state is PartState.FAILED
    assert "secret" not in found.detail
    assert "ZeroDivisionError" in caplog.text


def test_an_age_that_grows_is_no_news(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cocosearch.operations.monitor.FRESH_FOR_SECONDS", 0.0)
    ages = iter(range(1, 1000))

    def check() -> tuple[Part, ...]:
        return (Part("model", PartState.OK, f"It made a vector {next(ages)} s ago."),)

    with caplog.at_level("INFO", logger="cocosearch.operations.monitor"), monitoring(check) as monitor:
        for _ in range(5):
            monitor.report()
    assert sum("health: model" in message for message in caplog.messages) == 1


def test_questions_within_a_second_cost_one_check() -> None:
    calls: list[int] = []

    def check() -> tuple[Part, ...]:
        calls.append(1)
        return (part("part-0"),)

    with monitoring(check) as monitor:
        for _ in range(20):
            assert monitor.report().ok
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("broken", "ok", "overall"),
    [
        ((), True, Overall.OK),
        (("indexer",), True, Overall.DEGRADED),  # what is indexed is searched
        (("model",), False, Overall.DEGRADED),
        (("model", "indexer"), False, Overall.DEGRADED),
        (("database", "extension", "indexer"), False, Overall.DOWN),
        (("disk",), True, Overall.DEGRADED),
        (("disk", "indexer"), True, Overall.DEGRADED),
    ],
)
def test_an_indexer_that_does_not_work_stops_no_search_and_is_not_hidden(broken: tuple[str, ...], ok: bool, overall: Overall) -> None:
    parts = (*health.DATABASE_PARTS, "ollama", "model", "disk")
    report = HealthReport(tuple(Part(name, PartState.DOWN if name in broken else PartState.OK, "") for name in parts))
    assert (report.ok, report.overall) == (ok, overall)


def test_dead_services_are_found_down_at_once_and_without_a_password() -> None:
    settings = Settings.model_validate({"database_url": "postgresql://user:hunter2@127.0.0.1:1/none", "ollama_url": "http://127.0.0.1:1"})
    with OllamaClient(settings) as client:
        started = time.monotonic()
        report = health.check(settings, client)
    assert time.monotonic() - started < 10
    assert [(entry.name, entry.state) for entry in report.parts] == [
        ("database", PartState.DOWN),
        ("extension", PartState.UNKNOWN),
        ("indexer", PartState.UNKNOWN),
        ("ollama", PartState.DOWN),
        ("model", PartState.UNKNOWN),
        ("disk", PartState.OK),
    ]
    assert "hunter2" not in str(report)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[Settings, list[str]]]:
    """Something that listens, and the Host headers that it saw."""
    hosts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosts.append(str(self.headers["Host"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Settings.model_validate({"port": server.server_port, "host": "0.0.0.0"}), hosts  # noqa: S104
        finally:
            server.shutdown()
            thread.join()


def test_asking_a_server_gives_its_words_whatever_address_it_listens_on() -> None:
    body = {"status": "degraded", "parts": {"database": "ok", "model": "missing"}}
    with answering(503, json.dumps(body).encode()) as (settings, hosts):
        answer = health.ask(settings)
    assert (answer.ok, answer.status, answer.parts) == (False, "degraded", body["parts"])
    assert hosts == ["localhost"]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"status": "ok", "parts": []}'])
def test_another_program_on_the_port_is_said_to_be_one(body: bytes) -> None:
    with answering(200, body) as (settings, _), pytest.raises(CocosearchError, match="is not cocosearch"):
        health.ask(settings)


def test_nobody_there_is_a_sentence() -> None:
    with pytest.raises(CocosearchError, match=r"No answer from http://127\.0\.0\.1:1/health.*COCOSEARCH_PORT"):
        health.ask(Settings.model_validate({"port": 1}))
