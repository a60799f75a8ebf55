"""Work in a thread of its own, whose end, whatever it is, is a future's."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_thread(work: Callable[[], T], name: str) -> "Future[T]":
    """Begin; the thread ends with the work. One that hangs takes no place from others."""
    executor = ThreadPoolExecutor(1, name)
    future = executor.submit(work)
    executor.shutdown(wait=False)
    return future
