"""What fits into a budget of tokens."""

import random

import pytest

from cocosearch.search.hits import estimate_tokens, fit_budget, hit_tokens
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


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        # Counted with the tokenizers of two families of models; the greater of both.
        ("def check_quota(user):\n    if user.used > 0x1F4A:\n        raise QuotaError('exceeded')\n", 32),
        ("MAX_RETRY_COUNT = DEFAULT_TIMEOUT_SECONDS\n" * 10, 120),
        ("在庫管理システムの再試行処理は、失敗した注文を三回まで再送します。" * 10, 310),
        ("{}[]();:,.<>!?*&^%$#@-+=/|~`" * 10, 195),
        ("\\u202e\\x1b\\u200b" * 10, 120),
    ],
)
def test_what_models_read_in_small_pieces_is_not_counted_by_its_length(text: str, tokens: int) -> None:
    assert tokens <= estimate_tokens(text) <= 2.5 * tokens


def test_a_hit_is_more_than_its_text() -> None:
    plain, explained = hit_tokens(hit(1, "x" * 400)), hit_tokens(hit(1, "x" * 400), explain=True)
    assert plain > estimate_tokens("x" * 400) + 50
    assert fit_budget([hit(1, "x" * 400)], plain) != []
    assert fit_budget([hit(1, "x" * 400)], plain, explain=True) == []
    assert explained > plain + 50


@pytest.mark.parametrize("seed", range(5))
def test_a_budget_is_kept_with_the_best_first_and_nothing_cut(seed: int) -> None:
    generator = random.Random(seed)  # noqa: S311 - data, not secrets
    hits = [hit(number, "x" * generator.randrange(1, 4000)) for number in range(30)]
    for budget in (100, 1000, 5000, 200_000):
        fitting = fit_budget(hits, budget)
        assert sum(hit_tokens(found) for found in fitting) <= budget
        assert fitting == [found for found in hits if found in fitting]
        left = [found for found in hits if found not in fitting]
        room = budget - sum(hit_tokens(found) for found in fitting)
        assert all(hit_tokens(found) > room for found in left)


def test_what_is_too_long_makes_room_for_a_shorter_one() -> None:
    long, short = hit(1, "x" * 900), hit(2, "x" * 90)
    needs_long, needs_short = hit_tokens(long), hit_tokens(short)
    assert fit_budget([long, short], needs_long - 1) == [short]
    assert fit_budget([short, long], needs_short + needs_long) == [short, long]
    assert fit_budget([short, long], needs_short + needs_long - 1) == [short]
    assert fit_budget([long], needs_long) == [long]
    assert fit_budget([], needs_long) == []
