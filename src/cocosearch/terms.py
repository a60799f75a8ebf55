"""Terms of the lexical arm: identifiers beside their parts. Both sides use this, the index for chunks and the search for queries."""

import re
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

MAX_TERM_LENGTH = 64
# pgvector's sparsevec takes 1,000,000,000 dimensions: room enough that two terms of one code base hardly ever share a number.
DIMENSIONS = 1_000_000_000
# Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009): the usual values.
K1 = 1.2
B = 0.75
# Terms in a chunk of the usual size. Chunks are cut to one length, so that a fixed pivot does what the corpus' average would, and a
# chunk's weights depend on nothing but the chunk.
PIVOT_TERMS = 150
# A name counts so many times more where it is defined, a path's last part and its directories where the chunk stands.
SYMBOL_WEIGHT = 3
STEM_WEIGHT = 2

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


def term_number(term: str) -> int:
    """Dimension of a term in a sparse vector: 1 to DIMENSIONS, the same on every machine."""
    return int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), "big") % DIMENSIONS + 1


def document_weights(path: str, symbols: Sequence[str], enclosing: str | None, text: str) -> dict[int, float]:
    """What each term adds to a chunk's BM25 score for an IDF of one, by the term's number.

    Args:
        path: relative to the project's root.
        symbols: names that the chunk defines.
        enclosing: qualified name of the definition that it is a part of.
        text: the chunk's code.
    """
    directory, _, name = path.rpartition("/")
    stem = name.split(".", 1)[0] or name
    fields = [text, enclosing or "", directory, name, *[stem] * STEM_WEIGHT, *list(symbols) * SYMBOL_WEIGHT]
    frequencies = Counter(term_number(term) for term in terms_of("\n".join(fields)))
    norm = K1 * (1 - B + B * frequencies.total() / PIVOT_TERMS)
    return {number: count * (K1 + 1) / (count + norm) for number, count in frequencies.items()}


def query_terms(query: str) -> list[str]:
    """Distinct terms of a query, without stop words unless it has nothing else."""
    terms = list(dict.fromkeys(terms_of(query)))
    telling = [term for term in terms if term not in _STOP_WORDS]
    return telling or terms
