"""When the dense arm compares all vectors, when it reads the index, and how far."""

import pytest

from cocosearch.search.dense import EF_SEARCH, EXACT_UP_TO, MAX_SCAN, exact_is_cheaper, max_scan


@pytest.mark.parametrize(
    ("chunks", "all_chunks", "exact"),
    [
        (0, 1_000_000, True),
        (EXACT_UP_TO, EXACT_UP_TO, True),
        (EXACT_UP_TO + 1, EXACT_UP_TO + 1, False),
        (4_000, 100_000, True),  # a twenty-fifth: the index would be read for 2,500 vectors
        (6_000, 100_000, False),
        (45_000, 100_000, False),
        (100_000, 100_000, False),
    ],
)
def test_a_small_part_of_the_whole_is_compared_exactly(chunks: int, all_chunks: int, exact: bool) -> None:
    assert exact_is_cheaper(chunks, all_chunks, 100) is exact


@pytest.mark.parametrize(("chunks", "vectors"), [(None, MAX_SCAN), (1_000_000, MAX_SCAN), (10_000, 4_000), (500, EF_SEARCH)])
def test_the_index_is_read_no_longer_than_comparing_all_would_take(chunks: int | None, vectors: int) -> None:
    assert max_scan(chunks) == vectors
