"""Fusion by reciprocal ranks."""

import pytest

from cocosearch.search.fusion import dense_weight, fuse
from cocosearch.search.types import Arm

LEXICAL, DENSE = Arm.LEXICAL, Arm.DENSE


@pytest.mark.parametrize(
    ("lexical", "dense", "order"),
    [
        ([1, 2, 3], [1, 2, 3], [1, 2, 3]),
        ([1, 2], [2, 3], [2, 1, 3]),
        ([1], [2], [1, 2]),
        ([1, 2, 3, 4], [4], [4, 1, 2, 3]),
        ([], [5, 6], [5, 6]),
        ([], [], []),
    ],
)
def test_chunks_that_stand_high_in_both_arms_come_first(lexical: list[int], dense: list[int], order: list[int]) -> None:
    assert [fused.chunk_id for fused in fuse({LEXICAL: lexical, DENSE: dense})] == order


def test_first_in_every_arm_scores_one() -> None:
    assert fuse({LEXICAL: [7, 8], DENSE: [7, 9]})[0].score == pytest.approx(1.0)
    assert fuse({LEXICAL: [7], DENSE: []})[0].score == pytest.approx(1.0)
    assert fuse({DENSE: [7]})[0].score == pytest.approx(1.0)


def test_scores_fall_and_stay_above_zero() -> None:
    scores = [fused.score for fused in fuse({LEXICAL: list(range(100)), DENSE: list(range(50, 150))})]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score < 1 for score in scores)


def test_first_in_one_of_two_arms_scores_half() -> None:
    assert fuse({LEXICAL: [1], DENSE: [2]})[0].score == pytest.approx(0.5)


def test_each_hit_names_the_arms_that_found_it() -> None:
    arms = {fused.chunk_id: fused.arms for fused in fuse({LEXICAL: [1, 2], DENSE: [2, 3]})}
    assert arms == {1: (LEXICAL,), 2: (LEXICAL, DENSE), 3: (DENSE,)}


def test_for_a_bare_identifier_the_words_decide() -> None:
    """A chunk that is only found by its letters stands before one that both arms find a little."""
    rankings = {Arm.LEXICAL: [1, 2, 3], Arm.DENSE: [3, 4]}
    assert [found.chunk_id for found in fuse(rankings, dense_weight("_sanitize_windows_name"))] == [1, 2, 3, 4]
    assert fuse(rankings, dense_weight("clean a file name"))[0].chunk_id == 3
