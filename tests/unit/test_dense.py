"""When the dense arm compares all vectors, and when it reads the index."""

import pytest

from cocosearch.search.dense import EXACT_UP_TO, exact_is_cheaper


@pytest.mark.parametrize(
    ("chunks", "all_chunks", "exact"),
    [
        (0, 1_000_000, True),
        (EXACT_UP_TO, EXACT_UP_TO, True),
        (EXACT_UP_TO + 1, EXACT_UP_TO + 1, False),
        (5_000, 100_000, True),  # a twentieth: the index would be read for 2,000 vectors
        (45_000, 100_000, False),
        (100_000, 100_000, False),
    ],
)
def test_a_small_part_of_the_whole_is_compared_exactly(chunks: int, all_chunks: int, exact: bool) -> None:
    assert exact_is_cheaper(chunks, all_chunks, 100) is exact
