"""Who gets a place and who gives way, without sockets."""

import logging
import time
from dataclasses import dataclass, field

import pytest

from cocosearch.serving.connections import LOOPBACK, REPORT_SECONDS, Admission, ConnectionLimits, Connections, Missed, Phase, source_of
from cocosearch.serving.descriptors import fit

LIMITS = ConnectionLimits(total=6, loopback_only=2, per_address=3, probes=1)


@dataclass(eq=False)
class Fake:
    """A connection that does what the test says."""

    book: Connections
    source: str
    phase: Phase = Phase.HEAD
    since: float = 0.0
    missed: Missed | None = None
    admission: Admission = Admission.NOTHING
    ended: list[str] = field(default_factory=list)

    def overdue(self, _: float) -> Missed | None:
        return self.missed

    def give_up(self) -> None:
        self.ended.append("told")

    def abort(self) -> None:
        self.ended.append("aborted")


def opened(book: Connections, source: str, phase: Phase = Phase.HEAD, since: float = 0.0) -> Fake:
    connection = Fake(book, source, phase, since)
    connection.admission = book.admit(connection)
    return connection


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("2001:db8:0:1::9", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", LOOPBACK),
        ("127.8.9.1", LOOPBACK),
        ("::1", LOOPBACK),
        ("::ffff:127.0.0.1", LOOPBACK),
        ("", ""),
    ],
)
def test_addresses_that_one_client_can_have_are_one_source(host: str, source: str) -> None:
    assert source_of(host) == source


def test_who_waits_longest_gives_way_and_answers_never_do() -> None:
    book = Connections(LIMITS)
    answering = [opened(book, LOOPBACK, Phase.ANSWER) for _ in range(4)]
    young, old = opened(book, LOOPBACK, since=2.0), opened(book, LOOPBACK, since=1.0)
    assert opened(book, LOOPBACK, Phase.ANSWER).admission is Admission.ANSWERS
    assert (old.ended, young.ended) == (["aborted"], [])
    assert opened(book, LOOPBACK, Phase.ANSWER).admission is Admission.ANSWERS
    assert young.ended == ["aborted"]
    assert opened(book, LOOPBACK).admission is Admission.PROBES_ONLY
    assert not any(connection.ended for connection in answering)


def test_a_half_sent_body_gives_way_after_the_half_sent_heads_of_its_source() -> None:
    book = Connections(LIMITS)
    body, head = opened(book, "a", Phase.BODY, since=1.0), opened(book, "a", since=2.0)
    opened(book, "a", Phase.ANSWER)
    opened(book, "a", Phase.ANSWER)
    assert (body.ended, head.ended) == ([], ["aborted"])
    opened(book, "a", Phase.ANSWER)
    assert body.ended == ["aborted"]


def test_who_does_not_read_gives_way_last() -> None:
    book = Connections(LIMITS)
    reader, body = opened(book, "a", Phase.READER, since=1.0), opened(book, "a", Phase.BODY, since=2.0)
    for _ in range(2):
        opened(book, "a", Phase.ANSWER)
    assert (reader.ended, body.ended) == ([], ["aborted"])
    opened(book, "a", Phase.ANSWER)
    assert reader.ended == ["aborted"]


def test_the_source_with_most_waiting_connections_gives_way_not_the_decent_one() -> None:
    book = Connections(ConnectionLimits(total=6, loopback_only=0, per_address=5, probes=1))
    decent = opened(book, "decent", since=0.0)
    flood = [opened(book, "flood", since=1.0 + number) for number in range(5)]
    opened(book, "other", since=9.0)
    assert decent.ended == []
    assert flood[0].ended == ["aborted"]


def test_one_address_gets_its_share_and_then_the_probes() -> None:
    book = Connections(LIMITS)
    assert [opened(book, "a", Phase.ANSWER).admission for _ in range(4)] == [Admission.ANSWERS] * 3 + [Admission.PROBES_ONLY]
    assert opened(book, "b", Phase.ANSWER).admission is Admission.ANSWERS


def test_places_are_kept_for_this_machine() -> None:
    book = Connections(LIMITS)
    assert [opened(book, str(number), Phase.ANSWER).admission for number in range(5)] == [Admission.ANSWERS] * 4 + [Admission.PROBES_ONLY]
    assert [opened(book, LOOPBACK, Phase.ANSWER).admission for _ in range(2)] == [Admission.ANSWERS] * 2
    assert opened(book, LOOPBACK, Phase.ANSWER).admission is Admission.NOTHING  # the one place for probes is under way too


def test_a_probe_gives_way_to_the_next() -> None:
    book = Connections(LIMITS)
    for _ in range(6):
        opened(book, LOOPBACK, Phase.ANSWER)
    first = opened(book, LOOPBACK)
    assert opened(book, LOOPBACK).admission is Admission.PROBES_ONLY
    assert first.ended == ["aborted"]


def test_a_place_is_free_again_when_its_connection_has_ended() -> None:
    book = Connections(LIMITS)
    places = [opened(book, LOOPBACK, Phase.ANSWER) for _ in range(6)]
    book.remove(places[0])
    assert opened(book, LOOPBACK, Phase.ANSWER).admission is Admission.ANSWERS


def test_overdue_connections_end_and_the_log_counts_them_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    book = Connections(LIMITS)
    late, deaf, fine = opened(book, "a"), opened(book, "b", Phase.ANSWER), opened(book, "c")
    late.missed, deaf.missed = Missed.REQUEST, Missed.READING
    with caplog.at_level(logging.WARNING):
        now = time.monotonic()
        book.sweep(now)
        assert not caplog.messages
        book.sweep(now + REPORT_SECONDS)
        book.sweep(now + REPORT_SECONDS + 1)
    assert caplog.messages == ["ended connections whose clients did not keep going: 2 answer not read, 2 request not sent"]
    assert (set(late.ended), set(deaf.ended), fine.ended) == ({"told"}, {"aborted"}, [])


def test_the_limits_fit_the_files_that_the_process_may_open() -> None:
    usual = ConnectionLimits()
    assert fit(usual, 4096, at_once=512) == usual
    small = fit(usual, 1024, at_once=512)
    assert (small.total, small.loopback_only) == (320, 64)
    assert small.total + small.probes + 512 < 1024
    assert fit(usual, 64, at_once=512).total == 16
