"""Which terms find candidates, and what a request may hold."""

import pytest

from cocosearch.errors import CocosearchError
from cocosearch.search.engine import MAX_LIMIT, MAX_QUERY_CHARACTERS, check_request
from cocosearch.search.lexical import telling_stems
from cocosearch.search.query import term_weights
from cocosearch.search.types import SearchRequest


@pytest.mark.parametrize(
    ("frequencies", "telling"),
    [
        ({"rare": 10, "common": 90}, {"rare"}),
        ({"rare": 10, "less": 40, "common": 90}, {"rare", "less"}),
        ({"too rare": 9, "common": 90, "commoner": 91}, {"too rare", "common"}),
        ({"common": 90, "less": 80}, {"less"}),
        ({"unknown": 0, "less": 80, "common": 90}, {"unknown", "less"}),
        ({"unknown": 0}, {"unknown"}),
    ],
)
def test_the_rarest_stems_find_as_many_chunks_as_may_be_scored(frequencies: dict[str, int], telling: set[str]) -> None:
    assert telling_stems(frequencies, least=10, most=50) == telling


def test_a_rarer_term_weighs_more_and_none_weighs_against() -> None:
    counted = {f"in{count}": count for count in (1, 10, 50, 100)}
    weights = list(term_weights(tuple(counted), counted, 100).idf.values())
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] > 0


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (SearchRequest(""), "query is empty"),
        (SearchRequest(" \n\t"), "query is empty"),
        (SearchRequest("x" * (MAX_QUERY_CHARACTERS + 1)), "2001 characters"),
        (SearchRequest("x", limit=0), "limit is 0"),
        (SearchRequest("x", limit=MAX_LIMIT + 1), "limit is 51"),
        (SearchRequest("a\0b"), "The query holds"),
        (SearchRequest("a\ud800"), "The query holds"),
        (SearchRequest("x", project="a\0"), "The project holds"),
        (SearchRequest("x", language="\udfff"), "The language holds"),
        (SearchRequest("x", path_glob="\0"), "The path holds"),
    ],
)
def test_a_request_out_of_bounds_is_refused_by_the_argument(request_: SearchRequest, message: str) -> None:
    with pytest.raises(CocosearchError, match=message):
        check_request(request_)


def test_a_request_at_its_bounds_is_taken() -> None:
    check_request(SearchRequest("x" * MAX_QUERY_CHARACTERS, limit=MAX_LIMIT, project="p", language="python", path_glob="**"))
    check_request(SearchRequest("🎉", limit=1))
