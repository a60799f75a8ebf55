"""What fits into a budget of tokens."""

import random

import pytest

from cocosearch.search.hits import estimate_tokens, fit_budget
from cocosearch.search.types import Arm, Hit, Signals

SIGNALS = Signals(lexical=1.0, cosine=None, mixed=1.0, quoted_definition=0, definition=0, quoted_file=0, file_name=0, noise=1.0)


def hit(number: int, text: str) -> Hit:
    return Hit("demo", f"{number}.py", 1, 1, "python", None, None, 1.0, (Arm.LEXICAL,), text, SIGNALS)


def test_a_text_has_a_token_at_least_and_an_empty_one_none() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("x") == 1
    assert estimate_tokens("x" * 3000) >= 3000 / 4  # code has up to four characters to a token


def test_estimates_grow_with_the_text() -> None:
    estimates = [estimate_tokens("x" * length) for length in range(100)]
    assert estimates == sorted(estimates)


@pytest.mark.parametrize("seed", range(5))
def test_a_budget_is_kept_with_the_best_first_and_nothing_cut(seed: int) -> None:
    generator = random.Random(seed)  # noqa: S311 - data, not secrets
    hits = [hit(number, "x" * generator.randrange(1, 4000)) for number in range(30)]
    for budget in (100, 1000, 5000, 200_000):
        fitting = fit_budget(hits, budget)
        assert sum(estimate_tokens(found.text) for found in fitting) <= budget
        assert fitting == [found for found in hits if found in fitting]
        left = [found for found in hits if found not in fitting]
        room = budget - sum(estimate_tokens(found.text) for found in fitting)
        assert all(estimate_tokens(found.text) > room for found in left)


def test_what_is_too_long_makes_room_for_a_shorter_one() -> None:
    long, short = hit(1, "x" * 900), hit(2, "x" * 90)
    needs_long, needs_short = estimate_tokens(long.text), estimate_tokens(short.text)
    assert fit_budget([long, short], needs_long - 1) == [short]
    assert fit_budget([short, long], needs_short + needs_long) == [short, long]
    assert fit_budget([short, long], needs_short + needs_long - 1) == [short]
    assert fit_budget([long], needs_long) == [long]
    assert fit_budget([], needs_long) == []
