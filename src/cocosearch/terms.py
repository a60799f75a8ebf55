"""Terms of the lexical arm: identifiers beside their parts. Both sides use this, the index for chunks and the search for queries."""

import re
from collections import Counter

MAX_TERM_LENGTH = 64
MAX_FREQUENCY = 32767  # a smallint in the database

_WORD = re.compile(r"[^\W_]+(?:_+[^\W_]+)*")
# Parts of an ASCII identifier: HTTPServer → HTTP, Server; parseV2 → parse, V, 2. Other scripts are cut at '_' alone.
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")

# Words of a question that say nothing about code.
_STOP_WORDS = frozenset(
    """
    a an and are as at be by can do does for from has have how i if in into is it its me of on or show that the their there these this to
    use used uses using was we what when where which who why will with you
    """.split()  # noqa: SIM905 - a list of words reads as words
)


def terms_of(text: str) -> list[str]:
    """Terms in the order of the text: each word as a whole in lower case and, where it has several, its parts."""
    terms: list[str] = []
    for match in _WORD.finditer(text):
        word = match[0]
        whole = word.lower()
        if len(whole) <= MAX_TERM_LENGTH:
            terms.append(whole)
        parts = [part.lower() for part in (_PART.findall(word) if word.isascii() else word.split("_"))]
        if len(parts) > 1:
            terms.extend(part for part in parts if 1 < len(part) <= MAX_TERM_LENGTH or part.isdigit())
    return terms


def term_frequencies(text: str) -> Counter[str]:
    """How often each term occurs in a text."""
    return Counter({term: min(count, MAX_FREQUENCY) for term, count in Counter(terms_of(text)).items()})


def query_terms(query: str) -> list[str]:
    """Distinct terms of a query, without stop words unless it has nothing else."""
    terms = list(dict.fromkeys(terms_of(query)))
    telling = [term for term in terms if term not in _STOP_WORDS]
    return telling or terms
