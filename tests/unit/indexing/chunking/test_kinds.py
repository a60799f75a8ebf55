"""Kinds of definitions by the words of users."""

import pytest

from cocosearch.indexing.chunking.definitions import Kind, kind_named, kind_not_known


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("function", Kind.FUNCTION),
        ("Function", Kind.FUNCTION),
        (" FUNCTIONS ", Kind.FUNCTION),
        ("func", Kind.FUNCTION),
        ("def", Kind.FUNCTION),
        ("classes", Kind.CLASS),
        ("trait", Kind.INTERFACE),
        ("Protocol", Kind.INTERFACE),
        ("namespace", Kind.MODULE),
        ("const", Kind.CONSTANT),
        ("properties", Kind.FIELD),
        ("table", Kind.RESOURCE),
        ("ctor", Kind.METHOD),
    ],
)
def test_a_word_means_a_kind_in_any_case_and_number(word: str, kind: Kind) -> None:
    assert kind_named(word) is kind


def test_every_kind_is_its_own_name() -> None:
    assert [kind_named(kind.value) for kind in Kind] == list(Kind)


@pytest.mark.parametrize("word", ["", "klass", "s", "es", "🙂", "x" * 10_000])
def test_other_words_mean_none(word: str) -> None:
    assert kind_named(word) is None
    assert "is no kind of definition" in kind_not_known(word)


def test_the_nearest_is_offered() -> None:
    assert "Did you mean 'class'?" in kind_not_known("klass")
