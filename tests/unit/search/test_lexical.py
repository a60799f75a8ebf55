"""Which stems find candidates and what they weigh, and what a request may hold."""

import pytest

from cocosearch.errors import CocosearchError
from cocosearch.lexicon.terms import DIMENSIONS, MAX_WEIGHT, term_number
from cocosearch.search.lexical import sparse_query, telling_stems
from cocosearch.search.query import term_weights
from cocosearch.search.request import MAX_LIMIT, MAX_TOKENS, MIN_TOKENS, check_request
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


def test_a_rarer_stem_weighs_more_and_none_weighs_against() -> None:
    counts = {"never": 0, "once": 1, "some": 10, "half": 50, "all": 100, "more": 120}
    weights = list(term_weights(tuple(counts), counts, 100).idf.values())
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == 5  # a count that is older than the number of chunks counts as all of them
    assert weights[-1] > 0


def test_a_stem_without_a_count_is_one_that_never_occurs() -> None:
    weights = term_weights(("a", "b"), {"b": 0}, 100)
    assert weights.idf["a"] == weights.idf["b"]
    assert weights.best_possible == pytest.approx(MAX_WEIGHT * weights.total)


def test_the_query_s_vector_holds_the_weight_of_each_stem() -> None:
    terms = term_weights(("retri", "polici"), {"retri": 3}, 100)
    vector = sparse_query(terms)
    assert vector.dimensions() == DIMENSIONS
    held = dict(zip(vector.indices(), vector.values(), strict=True))
    assert held == {term_number(stem) - 1: pytest.approx(idf) for stem, idf in terms.idf.items()}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (SearchRequest(""), "query is empty"),
        (SearchRequest(" \n\t"), "query is empty"),
        (SearchRequest("x", limit=0), "limit is 0"),
        (SearchRequest("x", limit=MAX_LIMIT + 1), "limit is 51"),
        (SearchRequest("x", max_tokens=MIN_TOKENS - 1), "max_tokens is 99"),
        (SearchRequest("x", max_tokens=MAX_TOKENS + 1), "max_tokens is 200001"),
        (SearchRequest("x", symbol="\0"), "The symbol holds"),
        (SearchRequest("x", kind="\ud800"), "The kind holds"),
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
    check_request(SearchRequest("x" * 100_000, limit=MAX_LIMIT, project="p", language="python", path_glob="**"))
    check_request(SearchRequest("🎉", limit=1, symbol="größe", kind="class", max_tokens=MIN_TOKENS))
    check_request(SearchRequest("x", max_tokens=MAX_TOKENS))
