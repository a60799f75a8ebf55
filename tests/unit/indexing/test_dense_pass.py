"""What becomes of a text that is too long for the model."""

import pytest

from cocosearch.indexing.vectors import mean, split_text


@pytest.mark.parametrize(
    ("text", "halves"),
    [
        ("one\ntwo\nthree\nfour\n", ("one\ntwo\n", "three\nfour\n")),
        ("a line without end", ("a line wi", "thout end")),
        ("\nab", ("\n", "ab")),
        ("ab", ("a", "b")),
        ("short\n" + "x" * 100, ("short\n", "x" * 100)),
    ],
)
def test_halves_are_cut_at_a_line_and_lose_nothing(text: str, halves: tuple[str, str]) -> None:
    assert split_text(text) == halves
    assert "".join(halves) == text
    assert all(halves)


def test_the_mean_has_unit_length() -> None:
    assert mean([[1.0, 0.0], [0.0, 1.0]]) == pytest.approx([0.5**0.5, 0.5**0.5])
    assert mean([[0.6, 0.8]]) == pytest.approx([0.6, 0.8])


def test_there_is_no_mean_of_nothing_or_of_opposites() -> None:
    assert mean([]) is None
    assert mean([[1.0, 0.0], [-1.0, 0.0]]) is None
