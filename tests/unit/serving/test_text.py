import pytest

from cocosearch.serving.text import count_escaped, not_blank, shown, storable


@pytest.mark.parametrize("text", ["def f():\n\treturn 1\r\n", "grüße 日本語 🙂", "👩\u200d💻 and क्\u200cष", "", "\\x1b written out"])
def test_text_that_only_shows_stays_as_it_is(text: str) -> None:
    assert shown(text) == text
    assert count_escaped(text) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b31m", "\\x9b31m"),
        ("a\x00b\x7f", "a\\x00b\\x7f"),
        ("evil\rgood", "evil\\rgood"),
        ("if \u202e} \u2066", "if \\u202e} \\u2066"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
    ],
)
def test_acting_characters_become_visible(text: str, expected: str) -> None:
    assert shown(text) == expected
    assert count_escaped(text) > 0
    assert shown(expected) == expected


def test_what_the_database_cannot_take_is_refused() -> None:
    assert storable("grüße 🙂") == "grüße 🙂"
    with pytest.raises(ValueError, match="NUL"):
        storable("a\x00")
    with pytest.raises(ValueError, match="surrogate"):
        storable("\udc80")


def test_a_blank_query_is_refused() -> None:
    assert not_blank("  a b ") == "a b"
    with pytest.raises(ValueError, match="empty"):
        not_blank(" \n\t")
