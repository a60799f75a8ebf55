"""Stems where many threads make them at once, as the indexer does."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cocosearch.lexicon.terms import stem

WORDS = [
    f"{first}{last}"
    for first in ("connect", "relat", "general", "configur", "index", "normal", "operat", "organ", "valid", "communic")
    for last in ("ation", "ations", "ional", "ionally", "ing", "ingly", "ed", "edly", "iveness", "ization", "izing", "able", "ables", "er")
]


@pytest.fixture
def _frequent_switches() -> Iterator[None]:
    """Threads take turns within a stem, so that a shared state shows."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("_frequent_switches")
def test_threads_do_not_disturb_each_other() -> None:
    stem.cache_clear()
    alone = [stem(word) for word in WORDS]
    stem.cache_clear()
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(stem, WORDS)) == alone
