"""When projects are looked at, and when what failed is tried again."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from cocosearch.indexing.schedule import MAX_RETRY_SECONDS, ProjectEntry, Schedule

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PROJECT = ProjectEntry(1, "one", Path("/one"), None, None, None, vectors_complete=False)
ASKED = dataclasses.replace(PROJECT, requested_at=NOW)
INDEXED = dataclasses.replace(PROJECT, digest=b"old")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    # The module's own clock: that of the process belongs to the servers of other tests too.
    monkeypatch.setattr("cocosearch.indexing.schedule.time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_pauses_grow_to_a_limit_and_end_with_success(clock: list[float]) -> None:
    schedule, pauses = Schedule(), []
    for _ in range(12):
        schedule.failed(1, "no", None)
        pauses.append(schedule.next_try(1) - clock[0])
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, *4 * [MAX_RETRY_SECONDS]]
    assert not schedule.may_try(PROJECT, None)
    clock[0] += MAX_RETRY_SECONDS
    assert schedule.may_try(PROJECT, None)
    schedule.succeeded(1)
    schedule.failed(1, "no", None)
    assert schedule.next_try(1) - clock[0] == 2


def test_a_reason_is_news_once_and_when_it_changes() -> None:
    schedule = Schedule()
    assert [schedule.failed(1, reason, None) for reason in ("a", "a", "a", "b", "b", "a")] == [True, False, False, True, False, True]
    schedule.succeeded(1)
    assert schedule.failed(1, "a", None)


def test_a_request_is_worth_one_look_however_that_ends(clock: list[float]) -> None:
    schedule = Schedule()
    schedule.inspected(1, 300)
    assert schedule.is_due(ASKED)
    assert schedule.hear(ASKED)
    schedule.failed(1, "cannot be listed", None)
    schedule.next_inspection[1] = schedule.next_try(1)
    assert not schedule.is_due(ASKED)  # or it would be looked at in every turn, for no run ever answers the request
    clock[0] += 2
    assert schedule.is_due(ASKED)
    assert not schedule.hear(ASKED)
    assert schedule.asks(dataclasses.replace(ASKED, requested_at=NOW + timedelta(seconds=1)))


def test_a_request_that_met_a_busy_project_is_heard_again() -> None:
    schedule = Schedule()
    schedule.hear(ASKED)
    schedule.unhear(1)
    assert schedule.asks(ASKED)


def test_files_that_failed_wait_and_other_files_do_not() -> None:
    schedule = Schedule()
    schedule.failed(1, "no", b"bad")
    assert not schedule.may_try(INDEXED, b"bad")
    assert schedule.may_try(INDEXED, b"changed again")
    assert not schedule.may_try(INDEXED, b"old")  # the rows are those of the files; what is missing are vectors
    assert not schedule.may_try(INDEXED, None)
    assert not schedule.may_try(PROJECT, b"changed again")
    schedule.try_all_again()
    assert schedule.may_try(INDEXED, b"bad")


def test_a_project_that_is_gone_is_forgotten() -> None:
    schedule = Schedule()
    schedule.failed(1, "no", None)
    schedule.hear(ASKED)
    schedule.inspected(1, 100)
    schedule.forget_all_but(set())
    assert schedule.asks(ASKED)
    assert schedule.is_due(PROJECT)
    assert schedule.may_try(PROJECT, None)
