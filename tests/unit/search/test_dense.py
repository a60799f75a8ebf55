"""How far the dense arm reads the index."""

import pytest

from cocosearch.search.dense import EF_SEARCH, MAX_SCAN, max_scan


@pytest.mark.parametrize(("chunks", "vectors"), [(None, MAX_SCAN), (1_000_000, MAX_SCAN), (10_000, 4_000), (500, EF_SEARCH)])
def test_the_index_is_read_no_longer_than_comparing_all_would_take(chunks: int | None, vectors: int) -> None:
    assert max_scan(chunks) == vectors
