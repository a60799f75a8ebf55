"""How much is under way to the embedding server, and who comes next."""

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from cocosearch.embedding import pacing as module
from cocosearch.embedding.pacing import REQUESTS_IN_FLIGHT, Pacing


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def send(pacing: Pacing, clock: Clock, texts: int, seconds: float) -> None:
    with pacing.request(texts):
        clock.now += seconds


def test_requests_are_sized_by_the_speed_of_the_server(clock: Clock) -> None:
    pacing = Pacing(max_batch=16)
    assert pacing.batch_size() == 1  # nothing is known
    for _ in range(20):
        send(pacing, clock, texts=2, seconds=0.08)
    assert pacing.batch_size() == 5  # 40 ms a text
    for _ in range(20):
        send(pacing, clock, texts=16, seconds=0.016)
    assert pacing.batch_size() == 16
    for _ in range(20):
        send(pacing, clock, texts=1, seconds=3.0)
    assert pacing.batch_size() == 1


def test_a_query_makes_the_next_requests_small_and_single_for_a_while(clock: Clock) -> None:
    pacing = Pacing(max_batch=16)
    for _ in range(20):
        send(pacing, clock, texts=10, seconds=0.2)
    assert pacing.batch_size() == 10
    pacing.query_announced()
    assert pacing.batch_size() == 2
    clock.now += module.QUERY_SECONDS
    assert pacing.batch_size() == 10


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize(("query", "beside"), [(False, REQUESTS_IN_FLIGHT), (True, 1)])
def test_few_requests_are_under_way_and_the_first_to_come_is_the_next(query: bool, beside: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUERY_SECONDS", 60.0)
    pacing, order, release, most = Pacing(max_batch=16), list[int](), threading.Semaphore(0), 0
    inside = list[int]()
    if query:
        pacing.query_announced()

    def request(number: int) -> None:
        nonlocal most
        with pacing.request(1):
            order.append(number)
            inside.append(number)
            most = max(most, len(inside))
            assert release.acquire(timeout=20)
            inside.remove(number)

    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=request, args=(number,)))
        threads[-1].start()
        wait_until(partial(lambda sent: len(order) + len(pacing.waiting) == sent, number + 1))
    assert order == list(range(beside))
    for _ in threads:
        release.release()
    for thread in threads:
        thread.join(timeout=20)
    assert order == list(range(5))
    assert most == beside
