import pytest

from cocosearch.access.text import count_escaped, shortened, shown


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
        ("a\u2028b", "a\\u2028b"),
        ("a\U000e0101", "a\\U000e0101"),
        ("\u206a\ufff9\u180e", "\\u206a\\ufff9\\u180e"),
    ],
)
def test_acting_characters_become_visible(text: str, expected: str) -> None:
    assert shown(text) == expected
    assert count_escaped(text) > 0
    assert shown(expected) == expected


def test_a_text_that_is_too_long_keeps_its_ends() -> None:
    assert shortened("abc", 3) == "abc"
    assert shortened("a" * 50 + "b" * 50, 30) == f"{'a' * 20} […70 characters…] {'b' * 10}"
